import { isToken, trimmed } from './chars.ts'
import { knownName } from './header-names.ts'
import type { SipMessage } from './message.ts'

/**
 * The bytes of a message: long header names, Content-Length computed and last (a given one is dropped).
 *
 * Nothing a field holds can start a line of its own. Throwing here would let a value that came from one peer break a
 * message to another, so what cannot be sent is made harmless instead: CR, LF and NUL in values and reason phrases become
 * spaces; in a method or header name anything but a token character becomes `-`; in a Request-URI blanks and control
 * characters are percent-escaped. A header without a name is left out. Strings are wire characters, one per byte; a value
 * with characters beyond latin1 is taken as text and written in UTF-8 (use `textToWire` for text in general).
 */
export function serializeMessage(message: SipMessage): Buffer {
  const { headers, body } = message
  let head =
    message.kind === 'request'
      ? `${safeName(message.method) || '-'} ${safeUri(message.uri)} SIP/2.0\r\n`
      : `SIP/2.0 ${message.status} ${safeValue(message.reason)}\r\n`
  for (let i = 0; i < headers.length; i += 2) {
    const given = headers[i]!
    const name = knownName(given) ?? safeName(given)
    if (name === 'Content-Length' || name === '') continue
    head += `${name}: ${safeValue(headers[i + 1] ?? '')}\r\n`
  }
  head += `Content-Length: ${body.length}\r\n\r\n`

  const bytes = Buffer.allocUnsafe(head.length + body.length)
  bytes.write(head, 0, 'latin1')
  if (body.length > 0) bytes.set(body, head.length)
  return bytes
}

// Characters beyond latin1 must be caught too: written as one byte, U+010A would become a line feed.
// eslint-disable-next-line no-control-regex
const UNSAFE_IN_VALUE = /[\0\r\n\u0100-\uffff]/
// eslint-disable-next-line no-control-regex
const UNSAFE_IN_URI = /[\0-\x20\x7f\u0100-\uffff]/

function safeValue(value: string): string {
  if (!UNSAFE_IN_VALUE.test(value)) return value
  const safe = asBytes(value).replace(/[\0\r\n]/g, ' ')
  // Blanks around a value are none of it.
  return trimmed(safe, 0, safe.length)
}

function safeUri(uri: string): string {
  if (!UNSAFE_IN_URI.test(uri)) return uri
  // eslint-disable-next-line no-control-regex
  return asBytes(uri).replace(/[\0-\x20\x7f-\xff]/g, (char) => {
    return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
  })
}

function safeName(name: string): string {
  return name === '' || isToken(name) ? name : name.replace(/[^A-Za-z0-9\-.!%*_+`'~]/g, '-')
}

function asBytes(value: string): string {
  return /[\u0100-\uffff]/.test(value) ? Buffer.from(value, 'utf8').toString('latin1') : value
}
