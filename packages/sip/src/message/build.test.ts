import assert from 'node:assert/strict'
import { test } from 'node:test'
import { REASON_PHRASES, response } from './build.ts'
import { NO_BODY } from './message.ts'
import type { SipRequest } from './message.ts'
import { parseCSeq } from './cseq.ts'

const INVITE: SipRequest = {
  kind: 'request',
  method: 'INVITE',
  uri: 'sip:b@192.0.2.2',
  headers: [
    'Via',
    'one',
    'Record-Route',
    '<sip:192.0.2.9;lr>',
    'Via',
    'two',
    'From',
    '<sip:a@192.0.2.1>;tag=1',
    'To',
    '<sip:b@192.0.2.2>',
    'Call-ID',
    'c1',
    'CSeq',
    '1 INVITE',
    'Timestamp',
    '54',
    'Contact',
    '<sip:a@192.0.2.1>',
    'Subject',
    'private',
  ],
  body: Buffer.from('offer'),
}

test('a response copies what it must, in order, and nothing else', () => {
  assert.deepEqual(response(INVITE, 486, { toTag: 't' }), {
    kind: 'response',
    status: 486,
    reason: 'Busy Here',
    headers: [
      'Via',
      'one',
      'Via',
      'two',
      'From',
      '<sip:a@192.0.2.1>;tag=1',
      'To',
      '<sip:b@192.0.2.2>;tag=t',
      'Call-ID',
      'c1',
      'CSeq',
      '1 INVITE',
    ],
    body: NO_BODY,
  })
})

test('Record-Route is copied where the response may form a dialog, Timestamp into 100', () => {
  const has = (status: number, name: string, method = 'INVITE'): boolean =>
    response({ ...INVITE, method }, status).headers.includes(name)
  assert.deepEqual(
    [100, 101, 183, 200, 299, 300, 486].map((status) => has(status, 'Record-Route')),
    [false, true, true, true, true, false, false],
  )
  assert.equal(has(200, 'Record-Route', 'OPTIONS'), false)
  assert.equal(has(200, 'Record-Route', 'SUBSCRIBE'), true)
  assert.equal(has(100, 'Timestamp'), true)
  assert.equal(has(180, 'Timestamp'), false)
})

test('a To that has a tag keeps it', () => {
  const headers = INVITE.headers.map((part) => (part === '<sip:b@192.0.2.2>' ? `${part};tag=theirs` : part))
  assert.ok(
    response({ ...INVITE, headers }, 200, { toTag: 'ours' }).headers.includes('<sip:b@192.0.2.2>;tag=theirs'),
  )
})

test('reason, headers, body and its type can be given; the type has a default', () => {
  const body = Buffer.from('v=0')
  const built = response(INVITE, 200, { reason: 'Fine', headers: ['Contact', '<sip:us@192.0.2.2>'], body })
  assert.equal(built.reason, 'Fine')
  assert.equal(built.body, body)
  assert.deepEqual(built.headers.slice(-4), [
    'Contact',
    '<sip:us@192.0.2.2>',
    'Content-Type',
    'application/sdp',
  ])
  assert.equal(response(INVITE, 200, { body, contentType: 'text/plain' }).headers.at(-1), 'text/plain')
  assert.equal(response(INVITE, 299).reason, '')
  assert.equal(REASON_PHRASES[487], 'Request Terminated')
})

test('CSeq is a number below 2^31, blanks and a method', () => {
  assert.deepEqual(parseCSeq('4711 INVITE'), { seq: 4711, method: 'INVITE' })
  assert.deepEqual(parseCSeq('0009 \t BYE'), { seq: 9, method: 'BYE' })
  assert.deepEqual(parseCSeq('2147483647 ACK')?.seq, 2147483647)
  for (const text of [
    '',
    '1',
    '1 ',
    'BYE',
    '1BYE',
    '-1 BYE',
    '2147483648 BYE',
    '1e3 BYE',
    '1 BY E',
    `${'9'.repeat(400)} A`,
  ]) {
    assert.equal(parseCSeq(text), undefined, text)
  }
})
