import fc from 'fast-check'
import { knownName } from '../message/header-names.ts'
import type { SipMessage } from '../message/message.ts'
import { formatUri } from '../message/uri.ts'
import type { SipUri } from '../message/uri.ts'

/** Generators of SIP for property tests: what comes out is well-formed, canonical, and as odd as the grammar allows. */

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'
const DIGITS = '0123456789'
const TOKEN = [...LETTERS, ...DIGITS, ..."-.!%*_+`'~"]
const USER = [...LETTERS, ...DIGITS, ..."-_.!~*'()&=+$,;?/", '%40', '%3A', '%00', '%c3%a9']

const text = (unit: readonly string[], minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...unit), minLength, maxLength })

export const token = text(TOKEN, 1, 12)
const hostLabel = text([...LETTERS, ...DIGITS], 1, 8)
export const host = fc.oneof(
  fc.array(hostLabel, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.')),
  fc.ipV4(),
  fc.ipV6(),
)
const port = fc.integer({ min: 0, max: 65_535 })

/** Names in lower case, as `parseParams` gives them. */
const params = fc
  .uniqueArray(fc.tuple(token, fc.option(token, { nil: undefined })), {
    selector: ([name]) => name.toLowerCase(),
    maxLength: 4,
  })
  .map((entries) => Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), value])))

export const uri: fc.Arbitrary<SipUri> = fc
  .record(
    {
      scheme: fc.constantFrom('sip' as const, 'sips' as const),
      user: text(USER, 1, 12),
      host,
      port,
      params,
      headers: token.map((name) => `${name}=x`),
    },
    { requiredKeys: ['scheme', 'host', 'params'] },
  )
  .map((parts) => ({ ...parts }) as SipUri)

const method = fc.oneof(
  fc.constantFrom(
    'INVITE',
    'ACK',
    'BYE',
    'CANCEL',
    'OPTIONS',
    'REGISTER',
    'INFO',
    'PRACK',
    'UPDATE',
    'MESSAGE',
  ),
  token.filter((name) => !name.startsWith('SIP/')),
)

/** Any latin1 byte that a value may hold; no blanks around, for those do not survive folding and trimming. */
const anyByte = fc
  .integer({ min: 1, max: 255 })
  .filter((code) => code !== 10 && code !== 13)
  .map((code) => String.fromCharCode(code))
export const value = fc
  .string({ unit: anyByte, maxLength: 40 })
  .map((raw) => raw.replace(/^[ \t]+|[ \t]+$/g, ''))

const RESERVED = new Set(['Via', 'From', 'To', 'Call-ID', 'CSeq', 'Content-Length'])
const headerName = fc
  .oneof(
    fc.constantFrom('Contact', 'Route', 'Record-Route', 'Supported', 'Allow', 'Subject', 'Session-Expires'),
    token,
  )
  .map((name) => knownName(name) ?? name)
  .filter((name) => !RESERVED.has(name))

const nameAddr = fc.tuple(fc.option(value, { nil: undefined }), uri, token).map(([display, address, tag]) => {
  const shown = display === undefined ? '' : `"${display.replace(/["\\]/g, '\\$&')}" `
  return `${shown}<${formatUri(address)}>;tag=${tag}`
})

const via = fc
  .tuple(fc.constantFrom('UDP', 'TCP', 'TLS', 'WS', 'WSS'), host, port, token)
  .map(([transport, sentBy, at, branch]) => {
    const shown = sentBy.includes(':') ? `[${sentBy}]` : sentBy
    return `SIP/2.0/${transport} ${shown}:${at};branch=z9hG4bK${branch}`
  })

const body = fc.uint8Array({ maxLength: 200, size: 'max' })

/** A message as `parseMessage` gives it, but for the Content-Length that is counted when it is sent. */
export const message: fc.Arbitrary<SipMessage> = fc
  .record({
    start: fc.oneof(
      fc.tuple(method, uri).map(([name, target]) => ({ name, target: formatUri(target) })),
      fc.tuple(fc.integer({ min: 100, max: 699 }), value, method).map(([status, reason, name]) => ({
        status,
        reason,
        name,
      })),
    ),
    vias: fc.array(via, { minLength: 1, maxLength: 3 }),
    from: nameAddr,
    to: nameAddr,
    callId: token,
    seq: fc.integer({ min: 0, max: 0x7fffffff }),
    others: fc.array(fc.tuple(headerName, value), { maxLength: 6 }),
    body,
  })
  .map(({ start, vias, from, to, callId, seq, others, body: content }): SipMessage => {
    const headers = [
      ...vias.flatMap((one) => ['Via', one]),
      ...['From', from, 'To', to, 'Call-ID', callId, 'CSeq', `${seq} ${start.name}`],
      ...others.flat(),
    ]
    return 'status' in start
      ? { kind: 'response', status: start.status, reason: start.reason, headers, body: content }
      : { kind: 'request', method: start.name, uri: start.target, headers, body: content }
  })
