/** Character classes of RFC 3261 §25.1, and the text/wire border. Codes are those of latin1 bytes. */

export const HT = 0x09
export const LF = 0x0a
export const CR = 0x0d
export const SP = 0x20
export const QUOTE = 0x22
export const PERCENT = 0x25
export const COMMA = 0x2c
export const SLASH = 0x2f
export const COLON = 0x3a
export const SEMICOLON = 0x3b
export const LESS = 0x3c
export const EQUALS = 0x3d
export const GREATER = 0x3e
export const BACKSLASH = 0x5c

const TOKEN_CHARS = new Uint8Array(256)
for (const char of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~") {
  TOKEN_CHARS[char.charCodeAt(0)] = 1
}

export function isTokenCode(code: number): boolean {
  return TOKEN_CHARS[code] === 1
}

/** Whether `text[from, to)` is a token: not empty and made of token characters only. */
export function isToken(text: string, from = 0, to = text.length): boolean {
  if (from >= to) return false
  for (let i = from; i < to; i++) if (TOKEN_CHARS[text.charCodeAt(i)] !== 1) return false
  return true
}

export function isBlank(code: number): boolean {
  return code === SP || code === HT
}

/** Index of the first character at or after `from` that is not a space or tab. */
export function skipBlanks(text: string, from: number, to = text.length): number {
  let i = from
  while (i < to && isBlank(text.charCodeAt(i))) i++
  return i
}

/** `text[from, to)` without the spaces and tabs around it. */
export function trimmed(text: string, from: number, to: number): string {
  let start = from
  let end = to
  while (start < end && isBlank(text.charCodeAt(start))) start++
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

/**
 * Index just after the quoted string that opens at `from`, or -1 when it never closes. A backslash escapes the next
 * character (RFC 3261 §25.1 quoted-pair).
 */
export function endOfQuoted(text: string, from: number, to = text.length): number {
  for (let i = from + 1; i < to; i++) {
    const code = text.charCodeAt(i)
    if (code === QUOTE) return i + 1
    if (code === BACKSLASH) i++
  }
  return -1
}

/** What a quoted string (quotes included) says, escapes undone. */
export function unquote(quoted: string): string {
  const inner = quoted.slice(1, -1)
  return inner.includes('\\') ? inner.replace(/\\([\s\S])/g, '$1') : inner
}

/** Unicode text as it goes on the wire: each UTF-8 byte as one latin1 character. ASCII is returned as it is. */
export function textToWire(text: string): string {
  // eslint-disable-next-line no-control-regex
  return /^[\x00-\x7f]*$/.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
}

/** The Unicode text of wire characters; bytes that are not UTF-8 become U+FFFD. */
export function wireToText(wire: string): string {
  // eslint-disable-next-line no-control-regex
  return /^[\x00-\x7f]*$/.test(wire) ? wire : Buffer.from(wire, 'latin1').toString('utf8')
}
