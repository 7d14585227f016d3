import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CapturedDatagram } from '../../e2e/support/pcap.ts'
import { answerTimes } from './answer-times.ts'

const CALLER = '127.0.7.1:5460'
const SERVER = '127.0.7.2:5460'

const datagram = (atMs: number, toServer: boolean, start: string, callId: string, method: string) =>
  ({
    atUs: atMs * 1_000,
    source: toServer ? CALLER : SERVER,
    destination: toServer ? SERVER : CALLER,
    payload: Buffer.from(`${start}\r\nCall-ID: ${callId}\r\nCSeq: 1 ${method}\r\n\r\n`),
  }) satisfies CapturedDatagram
const invite = (atMs: number, callId: string) =>
  datagram(atMs, true, 'INVITE sip:+8617000000001@127.0.7.2 SIP/2.0', callId, 'INVITE')
const answer = (atMs: number, callId: string, status: string, method = 'INVITE') =>
  datagram(atMs, false, `SIP/2.0 ${status}`, callId, method)

test('times run from the first INVITE to the final response, refusals and answers apart', () => {
  const { setUp, refusal } = answerTimes(
    [
      invite(0, 'a'),
      invite(1, 'b'),
      answer(4, 'b', '503 Service Unavailable'),
      invite(500, 'a'),
      answer(520, 'a', '200 OK'),
    ],
    SERVER,
  )
  assert.deepEqual(setUp, { samples: 1, p50Ms: 520, p99Ms: 520, maxMs: 520 })
  assert.deepEqual(refusal, { samples: 1, p50Ms: 3, p99Ms: 3, maxMs: 3 })
})

test('repetitions and the answers to BYE do not count', () => {
  const { setUp, refusal } = answerTimes(
    [
      invite(0, 'a'),
      answer(20, 'a', '200 OK'),
      answer(520, 'a', '200 OK'),
      invite(600, 'a'),
      answer(620, 'a', '200 OK'),
      answer(700, 'a', '200 OK', 'BYE'),
    ],
    SERVER,
  )
  assert.equal(setUp?.samples, 1)
  assert.equal(refusal, undefined)
})
