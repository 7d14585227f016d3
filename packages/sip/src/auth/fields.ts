import {
  COMMA,
  EQUALS,
  QUOTE,
  endOfQuoted,
  isBlank,
  isToken,
  skipBlanks,
  trimmed,
  unquote,
} from '../message/chars.ts'

/** `name=value` pairs of a Digest challenge or credentials, names in lower case, quoted values unquoted. */
export type AuthFields = Readonly<Record<string, string | undefined>>

/**
 * Reads `Digest name=value, name="value"` (RFC 7616 §3.3, §3.4). Undefined when the scheme is another one, the grammar is
 * broken, or a name comes twice (two readings of one credential are no credential).
 */
export function parseDigestFields(text: string): AuthFields | undefined {
  const start = skipBlanks(text, 0)
  if (text.slice(start, start + 6).toLowerCase() !== 'digest' || !isBlank(text.charCodeAt(start + 6)))
    return undefined
  const fields = Object.create(null) as Record<string, string | undefined>
  let i = start + 7
  for (;;) {
    while (i < text.length && (isBlank(text.charCodeAt(i)) || text.charCodeAt(i) === COMMA)) i++
    if (i >= text.length) return fields
    const equals = text.indexOf('=', i)
    if (equals < 0) return undefined
    const name = trimmed(text, i, equals).toLowerCase()
    if (!isToken(name) || name in fields) return undefined
    const valueAt = skipBlanks(text, equals + 1)
    if (text.charCodeAt(valueAt) === QUOTE) {
      const end = endOfQuoted(text, valueAt)
      if (end < 0) return undefined
      fields[name] = unquote(text.slice(valueAt, end))
      i = skipBlanks(text, end)
      if (i < text.length && text.charCodeAt(i) !== COMMA) return undefined
    } else {
      const comma = text.indexOf(',', valueAt)
      i = comma < 0 ? text.length : comma
      const value = trimmed(text, valueAt, i)
      if (value === '' || hasQuoteOrEquals(value)) return undefined
      fields[name] = value
    }
  }
}

/** An unquoted value with `"` in it, or with `=` before its end (a missing comma), is broken; base64 padding is not. */
function hasQuoteOrEquals(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    if (code === QUOTE) return true
    if (code === EQUALS && i + 1 < value.length && value.charCodeAt(i + 1) !== EQUALS) return true
  }
  return false
}

/** A value as a quoted string. */
export function quoted(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&')}"`
}
