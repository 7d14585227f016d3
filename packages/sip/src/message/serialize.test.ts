import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { knownName } from './header-names.ts'
import { NO_BODY } from './message.ts'
import type { SipMessage, SipRequest } from './message.ts'
import { parseMessage } from './parse.ts'
import { serializeMessage } from './serialize.ts'

const MANDATORY = [
  'Via',
  'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1',
  'From',
  '<sip:a@192.0.2.1>;tag=1',
  'To',
  '<sip:b@192.0.2.2>',
  'Call-ID',
  'c1',
  'CSeq',
  '1 OPTIONS',
]
const REQUEST: SipRequest = {
  kind: 'request',
  method: 'OPTIONS',
  uri: 'sip:b@192.0.2.2',
  headers: MANDATORY,
  body: NO_BODY,
}
const text = (message: SipMessage): string => serializeMessage(message).toString('latin1')

test('a request is written with long names and a computed Content-Length, whatever was given', () => {
  const headers = ['v', 'SIP/2.0/UDP 192.0.2.1', 'content-length', '999', 'X-Own', '1', 'l', '3']
  assert.equal(
    text({ ...REQUEST, headers, body: Buffer.from('body') }),
    'OPTIONS sip:b@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1\r\nX-Own: 1\r\nContent-Length: 4\r\n\r\nbody',
  )
})

test('a response is written with its reason, and with the blank when there is none', () => {
  const response = { kind: 'response', status: 180, reason: 'Ringing', headers: [], body: NO_BODY } as const
  assert.equal(text(response), 'SIP/2.0 180 Ringing\r\nContent-Length: 0\r\n\r\n')
  assert.equal(text({ ...response, reason: '' }), 'SIP/2.0 180 \r\nContent-Length: 0\r\n\r\n')
})

test('latin1 values go out as they came in, and text beyond latin1 goes out as UTF-8', () => {
  const bytes = Buffer.from('号码', 'utf8')
  for (const value of [bytes.toString('latin1'), '号码']) {
    assert.ok(serializeMessage({ ...REQUEST, headers: ['Subject', value] }).includes(bytes))
  }
})

test('CR, LF and NUL in values become blanks, also when they hide in the low byte of a wider character', () => {
  const attack = 'x\r\nX-Evil: 1\r\n\r\nv=0\0'
  const written = text({ ...REQUEST, headers: ['Subject', attack, 'Date', 'a\u010aX-Evil: 1\u010d\u0100'] })
  assert.ok(!/^X-Evil/m.test(written))
  assert.ok(written.includes('Subject: x  X-Evil: 1    v=0\r\n'))
  assert.ok(written.includes(`Date: ${Buffer.from('a\u010aX-Evil: 1\u010d\u0100').toString('latin1')}\r\n`))
})

test('a method, header name or Request-URI cannot break its line', () => {
  const message = {
    ...REQUEST,
    method: 'A B\r\nX: 1',
    uri: 'sip:a b\r\nX: 1@h\u0100',
    headers: ['X: y\r\nZ', '1', '', '2'],
  }
  assert.equal(
    text(message),
    'A-B--X--1 sip:a%20b%0D%0AX:%201@h%C4%80 SIP/2.0\r\nX--y--Z: 1\r\nContent-Length: 0\r\n\r\n',
  )
  assert.ok(text({ ...REQUEST, method: '' }).startsWith('- sip:'))
})

const token = fc.stringMatching(/^[A-Za-z0-9\-.!%*_+`'~]{1,20}$/)
const value = fc
  .string({
    unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
    maxLength: 60,
    size: 'max',
  })
  .map((any) => any.replace(/[\r\n]/g, '').replace(/^[ \t]+|[ \t]+$/g, ''))
const extraHeaders = fc
  .array(
    fc.tuple(fc.oneof(token, fc.constantFrom('Route', 'Contact', 'Subject', 'P-Asserted-Identity')), value),
  )
  .map((pairs) => pairs.filter(([name]) => knownName(name) === undefined || knownName(name) === name))
  .map((pairs) => pairs.filter(([name]) => !MANDATORY.includes(name) && name !== 'Content-Length').flat())
const uri = fc
  .tuple(token, fc.stringMatching(/^[!#-;=?-~]{1,60}$/))
  .map(([user, rest]) => `sip:${user}@${rest}`)
const body = fc.uint8Array({ maxLength: 200, size: 'max' })

/** The Content-Length that serializing adds last. */
const withLength = (headers: readonly string[], length: number): string[] => [
  ...headers,
  'Content-Length',
  `${length}`,
]

test('parsing what was serialized gives the same message', () => {
  const requests = fc
    .record({ method: token, uri, extra: extraHeaders, body, seq: fc.nat() })
    .map(({ method, uri, extra, body, seq }): SipMessage => ({
      kind: 'request',
      method,
      uri,
      headers: [...MANDATORY.slice(0, 8), 'CSeq', `${seq} ${method}`, ...extra],
      body,
    }))
  const responses = fc
    .record({ status: fc.integer({ min: 100, max: 699 }), reason: value, extra: extraHeaders, body })
    .map(({ extra, ...rest }): SipMessage => ({
      kind: 'response',
      ...rest,
      headers: [...MANDATORY, ...extra],
    }))
  fc.assert(
    fc.property(fc.oneof(requests, responses), (message) => {
      const result = parseMessage(serializeMessage(message))
      assert.ok(result.ok, result.ok ? '' : result.fault.text)
      const expected = { ...message, headers: withLength(message.headers, message.body.length) }
      assert.deepEqual(
        { ...result.message, body: [...result.message.body] },
        { ...expected, body: [...message.body] },
      )
    }),
    { seed: 3261, numRuns: 500 },
  )
})

test('whatever the fields hold, exactly the given lines are written', () => {
  const nasty = fc.string({
    unit: fc.oneof(
      fc.constantFrom(
        '\r',
        '\n',
        '\r\n',
        '\0',
        ':',
        ' ',
        ';',
        '"',
        '\u010a',
        '\u010d',
        '\u2028',
        '😀',
        '\ud800',
      ),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    ),
    maxLength: 30,
  })
  const requests = fc
    .record({ method: nasty, uri: nasty, headers: fc.array(fc.tuple(nasty, nasty)), body })
    .map((fields): SipMessage => ({ ...fields, kind: 'request', headers: fields.headers.flat() }))
  const responses = fc
    .record({
      status: fc.integer({ min: 100, max: 699 }),
      reason: nasty,
      headers: fc.array(fc.tuple(nasty, nasty)),
      body,
    })
    .map((fields): SipMessage => ({ ...fields, kind: 'response', headers: fields.headers.flat() }))
  fc.assert(
    fc.property(fc.oneof(requests, responses), (message) => {
      const bytes = serializeMessage(message)
      const head = bytes.subarray(0, bytes.length - message.body.length).toString('latin1')
      const names = message.headers.filter((_, index) => index % 2 === 0)
      const written = names.filter((name) => name !== '' && knownName(name) !== 'Content-Length')
      assert.ok(head.endsWith('\r\n\r\n'))
      const lines = head.slice(0, -4).split('\r\n')
      assert.equal(lines.length, 1 + written.length + 1)
      for (const line of lines) assert.ok(!/[\r\n\0]/.test(line), JSON.stringify(line))
      for (const line of lines.slice(1)) assert.match(line, /^[A-Za-z0-9\-.!%*_+`'~]+: /)
      assert.deepEqual([...bytes.subarray(bytes.length - message.body.length)], [...message.body])
    }),
    { seed: 3261, numRuns: 1000 },
  )
})
