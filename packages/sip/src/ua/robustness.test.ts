import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { response } from '../message/build.ts'
import type { SipMessage } from '../message/message.ts'
import { serializeMessage } from '../message/serialize.ts'
import { SDP_OFFER, openBench, toTagOf } from '../testkit/bench.ts'
import type { Bench } from '../testkit/bench.ts'
import { seededRandom } from '../testkit/random.ts'
import { testRequest } from '../testkit/requests.ts'
import type { ClientCall } from '../core/types.ts'

const METHODS = ['INVITE', 'ACK', 'BYE', 'CANCEL', 'OPTIONS', 'INFO', 'UPDATE', 'REGISTER', 'DANCE']
const NASTY = [
  '',
  ' ',
  ';',
  ',',
  '<',
  '>',
  '"',
  '=',
  ':',
  '@',
  '\r\n',
  '\0',
  '%',
  '*',
  '99999999999',
  'sip:',
  ';tag=',
  '[::',
  'é',
]

/** Damages a message the way broken and hostile peers do: bytes replaced, pieces cut, doubled or put elsewhere. */
function damage(text: string, random: () => number): string {
  let damaged = text
  const rounds = 1 + Math.floor(random() * 4)
  for (let i = 0; i < rounds; i++) {
    const at = Math.floor(random() * damaged.length)
    const length = Math.floor(random() * 12)
    const piece = damaged.slice(at, at + length)
    const choice = random()
    const put = choice < 0.6 ? NASTY[Math.floor(random() * NASTY.length)]! : choice < 0.8 ? piece + piece : ''
    damaged = damaged.slice(0, at) + put + damaged.slice(at + length)
  }
  return damaged
}

/** Any message a peer could send to a call that is up, in both directions. */
function anyMessage(bench: Bench, n: number, random: () => number): SipMessage {
  const method = METHODS[Math.floor(random() * METHODS.length)]!
  const tags = [undefined, 'unknown', ...bench.peer.inbox.slice(-20).map(toTagOf)]
  const received = bench.peer.inbox.slice(-20).filter((message) => message.kind === 'request')
  if (received.length > 0 && random() < 0.4) {
    const request = received[Math.floor(random() * received.length)]!
    if (request.kind === 'request')
      return response(request, 100 + Math.floor(random() * 600), { toTag: `t${n % 3}` })
  }
  return testRequest({
    from: bench.peer.hop,
    method,
    seq: Math.floor(random() * 5),
    branch: `z9hG4bK${Math.floor(random() * 300)}`,
    callId: `call-${Math.floor(n / 20)}`,
    toTag: random() < 0.4 ? undefined : tags[Math.floor(random() * tags.length)],
    ...(random() < 0.3 && { body: SDP_OFFER }),
  })
}

describe('whatever a peer sends', () => {
  for (const seed of [1, 2, 3]) {
    it(`never throws, and everything ends (seed ${seed})`, async () => {
      const random = seededRandom(seed)
      const bench = await openBench()
      const outgoing: ClientCall[] = []
      for (let n = 0; n < 2000; n++) {
        const message = anyMessage(bench, n, random)
        const text = serializeMessage(message).toString('latin1')
        bench.peer.send(random() < 0.6 ? damage(text, random) : text, bench.server)
        bench.clock.advance(Math.floor(random() * 200))
        const call = bench.incoming[Math.floor(random() * bench.incoming.length)]
        const act = random()
        if (act < 0.1) call?.progress(180)
        else if (act < 0.2) call?.answer({ body: SDP_OFFER })
        else if (act < 0.23) call?.reject(486)
        else if (act < 0.26) call?.bye()
        else if (act < 0.3) call?.reinvite({ body: SDP_OFFER }, () => {})
        else if (act < 0.33) call?.sendRequest('INFO', {}, () => {})
        else if (act < 0.4) bench.requests[Math.floor(random() * bench.requests.length)]?.respond(200)
        else if (act < 0.45) {
          const made = bench.stack.invite(
            { uri: 'sip:b@192.0.2.1', from: '<sip:a@192.0.2.2>', to: '<sip:b@192.0.2.1>', body: SDP_OFFER },
            { ...bench.handlers, onAnswer: (answered) => answered.ack() },
          )
          outgoing.push(made)
          bench.clock.setTimer(random() * 3000, () => (random() < 0.5 ? made.cancel() : made.bye()))
        }
      }
      for (const call of [...bench.incoming, ...outgoing]) call.bye()
      for (const request of bench.requests) request.respond(500)
      bench.clock.advance(200_000)
      for (const call of [...bench.incoming, ...outgoing]) call.bye()
      bench.clock.advance(400_000)
      assert.ok(bench.incoming.length > 10)
      assert.deepEqual(bench.stack.stats(), { transactions: 0, dialogs: 0 })
      assert.equal(bench.clock.pending, 0)
    })
  }
})
