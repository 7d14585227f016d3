import { BACKSLASH, COMMA, GREATER, LESS, QUOTE, trimmed } from './chars.ts'
import { knownName } from './header-names.ts'
import type { SipMessage } from './message.ts'

/** First raw value of a header, or undefined. Any spelling of the name finds it; the canonical one is fastest. */
export function header(message: SipMessage, name: string): string | undefined {
  const { headers } = message
  const known = knownName(name)
  if (known !== undefined) {
    for (let i = 0; i < headers.length; i += 2) if (headers[i] === known) return headers[i + 1]
    return undefined
  }
  const lower = name.toLowerCase()
  for (let i = 0; i < headers.length; i += 2) if (sameName(headers[i]!, lower)) return headers[i + 1]
  return undefined
}

/** Raw values of all lines of a header, in wire order. */
export function allHeaders(message: SipMessage, name: string): string[] {
  const { headers } = message
  const found: string[] = []
  const known = knownName(name)
  const lower = name.toLowerCase()
  for (let i = 0; i < headers.length; i += 2) {
    const here = headers[i]!
    if (known !== undefined ? here === known : sameName(here, lower)) found.push(headers[i + 1]!)
  }
  return found
}

/**
 * All values of a list header (Via, Contact, Route, Record-Route, Supported, Allow, …), in wire order, whether they came
 * on one line or on many. Not for headers whose single value holds commas (Date, Authorization, WWW-Authenticate, …).
 */
export function headerValues(message: SipMessage, name: string): string[] {
  const lines = allHeaders(message, name)
  if (lines.length === 1) return splitValues(lines[0]!)
  return lines.flatMap(splitValues)
}

/** Splits at commas outside quotes and angle brackets; empty elements are left out (RFC 3261 §7.3.1). */
export function splitValues(line: string): string[] {
  if (!line.includes(',')) return line === '' ? [] : [line]
  const values: string[] = []
  let from = 0
  while (from <= line.length) {
    const to = endOfFirstValue(line, from)
    const value = trimmed(line, from, to)
    if (value !== '') values.push(value)
    from = to + 1
  }
  return values
}

/** Index of the comma that ends the list element which starts at `from`, or the length of the line. */
export function endOfFirstValue(line: string, from = 0): number {
  let quoted = false
  let bracketed = false
  for (let i = from; i < line.length; i++) {
    const code = line.charCodeAt(i)
    if (quoted) {
      if (code === BACKSLASH) i++
      else if (code === QUOTE) quoted = false
    } else if (bracketed) bracketed = code !== GREATER
    else if (code === COMMA) return i
    else if (code === QUOTE) quoted = true
    else if (code === LESS) bracketed = true
  }
  return line.length
}

/** Names in a parsed message are canonical or unknown, so only unknown ones need the comparison without case. */
function sameName(name: string, lower: string): boolean {
  return name.length === lower.length && name.toLowerCase() === lower
}
