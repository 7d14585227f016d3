import {
  COMMA,
  GREATER,
  LESS,
  QUOTE,
  SEMICOLON,
  SP,
  endOfQuoted,
  isBlank,
  isToken,
  skipBlanks,
  trimmed,
  unquote,
} from './chars.ts'
import { parseParams } from './params.ts'
import type { Params } from './params.ts'

/** A value of From, To, Contact, Route, Record-Route, P-Asserted-Identity, … (RFC 3261 §20.10). */
export type NameAddr = {
  /** Escapes undone; wire characters (see `wireToText`). */
  readonly display?: string
  readonly uri: string
  /** Parameters of the header, not of the URI. */
  readonly params: Params
}

/**
 * Reads one value: `"Display" <uri>;params`, `Display <uri>;params` or `uri;params`. Without brackets every parameter is
 * the header's, and `,` or `?` are refused (RFC 3261 §20). Undefined when it cannot be read, also for the Contact `*`.
 */
export function parseNameAddr(text: string): NameAddr | undefined {
  const start = skipBlanks(text, 0)
  let display: string | undefined
  let open: number
  if (text.charCodeAt(start) === QUOTE) {
    const end = endOfQuoted(text, start)
    if (end < 0) return undefined
    display = unquote(text.slice(start, end))
    open = skipBlanks(text, end)
    if (text.charCodeAt(open) !== LESS) return undefined
  } else {
    open = text.indexOf('<', start)
    if (open < 0) return parseAddrSpec(text, start)
    const token = trimmed(text, start, open)
    // With a semicolon it could as well be a bare URI with parameters: two readings, so none.
    if (token.includes('"') || token.includes(';')) return undefined
    if (token !== '') display = token
  }
  const close = text.indexOf('>', open)
  if (close < 0) return undefined
  const uri = trimmed(text, open + 1, close)
  const params = parseParams(text, close + 1)
  if (params === undefined || !isUriText(uri)) return undefined
  return display === undefined ? { uri, params } : { display, uri, params }
}

function parseAddrSpec(text: string, start: number): NameAddr | undefined {
  const semicolon = text.indexOf(';', start)
  const end = semicolon < 0 ? text.length : semicolon
  const uri = trimmed(text, start, end)
  if (!isUriText(uri) || uri.includes(',') || uri.includes('?')) return undefined
  const params = parseParams(text, end)
  return params === undefined ? undefined : { uri, params }
}

/** Whether a text has a scheme, and no character in it that no URI holds. */
export function isUriText(uri: string): boolean {
  if (!isToken(uri, 0, Math.max(0, uri.indexOf(':')))) return false
  for (let i = 0; i < uri.length; i++) {
    const code = uri.charCodeAt(i)
    if (code <= SP || code === 0x7f || code === QUOTE || code === LESS || code === GREATER) return false
  }
  return true
}

/**
 * The `tag` parameter of a From or To value; undefined when there is none or it is empty. Does not parse the rest, yet is not fooled by
 * `tag=` inside a display name, the URI or a quoted parameter.
 */
export function tagOf(text: string): string | undefined {
  const from = headerParamsAt(text)
  if (from < 0) return undefined
  const at = findTag(text, from)
  if (at < 0) return undefined
  const end = tagEnd(text, at)
  return end === at ? undefined : text.slice(at, end)
}

/** The From or To value with this tag: added, or put in place of the one it has. */
export function withTag(text: string, tag: string): string {
  const from = headerParamsAt(text)
  const at = from < 0 ? -1 : findTag(text, from)
  if (at < 0) return `${text};tag=${tag}`
  return text.slice(0, at) + tag + text.slice(tagEnd(text, at))
}

/** Index where the header's own parameters may start: after `>`, or at the first `;` of a bare URI; -1 when unreadable. */
function headerParamsAt(text: string): number {
  const start = skipBlanks(text, 0)
  let open = start
  if (text.charCodeAt(start) === QUOTE) {
    open = endOfQuoted(text, start)
    if (open < 0) return -1
  }
  open = text.indexOf('<', open)
  if (open < 0) return text.indexOf(';')
  // A `<` that comes after the first `;` of a bare URI is part of a parameter, not the URI's bracket.
  if (text.charCodeAt(start) !== QUOTE) {
    const semicolon = text.indexOf(';')
    if (semicolon >= 0 && semicolon < open && text.indexOf(':') < semicolon) return semicolon
  }
  const close = text.indexOf('>', open)
  return close < 0 ? -1 : close + 1
}

/** Index of the tag's value, or -1. */
function findTag(text: string, from: number): number {
  const quick = text.indexOf(';tag=', from)
  const quote = text.indexOf('"', from)
  if (quick >= 0 && (quote < 0 || quote > quick)) return skipBlanks(text, quick + 5)
  let i = from
  while (i < text.length) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) {
      i = endOfQuoted(text, i)
      if (i < 0) return -1
      continue
    }
    i++
    if (code !== SEMICOLON) continue
    const nameAt = skipBlanks(text, i)
    if (text.slice(nameAt, nameAt + 3).toLowerCase() !== 'tag') continue
    const equals = skipBlanks(text, nameAt + 3)
    if (text[equals] === '=') return skipBlanks(text, equals + 1)
  }
  return -1
}

function tagEnd(text: string, at: number): number {
  let end = at
  while (end < text.length) {
    const code = text.charCodeAt(end)
    if (code === SEMICOLON || code === COMMA || isBlank(code)) break
    end++
  }
  return end
}

/** A display name as a quoted string. */
export function quoteDisplay(display: string): string {
  return `"${display.replace(/["\\]/g, '\\$&')}"`
}
