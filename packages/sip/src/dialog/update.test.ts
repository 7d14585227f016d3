import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { response } from '../message/build.ts'
import { header } from '../message/headers.ts'
import { SDP_ANSWER, SDP_OFFER } from '../testkit/bench.ts'
import type { Bench } from '../testkit/bench.ts'
import { testRequest } from '../testkit/requests.ts'
import {
  callIn,
  callOut,
  count,
  leavesNothing,
  talkingIn,
  talkingOut,
  tries,
} from '../testkit/scripted-call.ts'
import type { ScriptedCallee, ScriptedCaller } from '../testkit/scripted-call.ts'
import type { ForkRequestOptions } from '../core/types.ts'

const NO_TIMER = { stack: { sessionTimer: { expiresSec: 0 } } }
const RELIABLE = ['Require', '100rel', 'RSeq', '1']

/** Sends an UPDATE of ours; its end goes to the events. */
function update({ bench, call }: ScriptedCaller | ScriptedCallee, options: ForkRequestOptions): void {
  call.update(options, ({ status }) => bench.events.push(`final ${status}`))
  bench.clock.advance(1)
}

const last = (bench: Bench): string | undefined => bench.peer.summaries.at(-1)

describe('UPDATE of the peer (RFC 3311 §5.2)', () => {
  it('without an offer is answered by the stack, with our Contact', async () => {
    const caller = await talkingIn({}, NO_TIMER)
    caller.asks('UPDATE', 2)
    assert.equal(last(caller.bench), '200 UPDATE')
    assert.equal(
      header(caller.bench.peer.lastResponse(200), 'Contact'),
      '<sip:+8617000000001@192.0.2.2:5060>',
    )
    assert.deepEqual(caller.bench.events, ['onAck'])
  })

  it('with an offer goes to the handlers, or gets 488 where none takes it', async () => {
    const caller = await talkingIn()
    caller.asks('UPDATE', 2, { body: SDP_OFFER })
    caller.bench.requests[0]!.respond(200, { body: SDP_ANSWER })
    caller.bench.clock.advance(1)
    assert.deepEqual(Buffer.from(caller.bench.peer.lastResponse(200).body), SDP_ANSWER)
    const { onUpdate: _none, ...without } = caller.bench.handlers
    caller.call.handlers = without
    caller.asks('UPDATE', 3, { body: SDP_OFFER })
    assert.equal(last(caller.bench), '488 UPDATE')
  })

  it('moves the dialog to the new Contact, without an offer too', async () => {
    const caller = await talkingIn()
    const elsewhere = caller.bench.network.peer('192.0.2.7', 5090)
    const contact = { address: '192.0.2.7', port: 5090, transport: 'udp' } as const
    caller.bench.deliver(
      testRequest({
        from: contact,
        method: 'UPDATE',
        seq: 2,
        toTag: /tag=(\w+)/.exec(header(caller.bench.peer.lastResponse(200), 'To')!)![1],
      }),
    )
    caller.call.bye()
    caller.bench.clock.advance(1)
    assert.equal(elsewhere.lastRequest('BYE').uri, 'sip:caller@192.0.2.7:5090')
  })

  // What is open in the dialog, and the answer to an UPDATE with an offer; one without meets nothing.
  const collisions: [string, () => Promise<ScriptedCaller | ScriptedCallee>, string][] = [
    [
      'an UPDATE with an offer of ours',
      async () => {
        const caller = await talkingIn()
        update(caller, { body: SDP_OFFER })
        return caller
      },
      '491 UPDATE',
    ],
    [
      'a re-INVITE of ours',
      async () => {
        const caller = await talkingIn()
        caller.call.reinvite({ body: SDP_OFFER }, () => {})
        caller.bench.clock.advance(1)
        return caller
      },
      '491 UPDATE',
    ],
    [
      'the offer of our INVITE, of which only an unreliable 183 came',
      async () => {
        const callee = await callOut()
        callee.says(183, 'b1', { body: SDP_ANSWER })
        return callee
      },
      '491 UPDATE',
    ],
    [
      'an INVITE of ours that waits for an offer',
      async () => {
        const callee = await callOut({ body: new Uint8Array(0) })
        callee.says(183, 'b1', { headers: RELIABLE })
        return callee
      },
      '491 UPDATE',
    ],
    [
      'an offer in a reliable 183 that we have not answered',
      async () => {
        const callee = await callOut({ body: new Uint8Array(0) })
        callee.says(183, 'b1', { headers: RELIABLE, body: SDP_OFFER })
        return callee
      },
      '500 UPDATE',
    ],
    [
      'the offer of its own INVITE',
      async () => {
        const caller = await callIn()
        caller.call.progress(180)
        caller.bench.clock.advance(1)
        return caller
      },
      '500 UPDATE',
    ],
    [
      'a re-INVITE of its own',
      async () => {
        const caller = await talkingIn()
        caller.asks('INVITE', 10, { body: SDP_OFFER })
        return caller
      },
      '500 UPDATE',
    ],
  ]
  for (const [name, open, answer] of collisions) {
    it(`with an offer gets ${answer.slice(0, 3)} beside ${name}`, async () => {
      const side = await open()
      side.asks('UPDATE', 20)
      assert.equal(last(side.bench), '200 UPDATE')
      side.asks('UPDATE', 21, { body: SDP_OFFER })
      assert.equal(last(side.bench), answer)
      if (answer !== '500 UPDATE') return
      const seconds = Number(header(side.bench.peer.lastResponse(500), 'Retry-After'))
      assert.ok(seconds >= 0 && seconds <= 10)
    })
  }

  it('gets 500 with Retry-After while another of its own is open, with an offer or without', async () => {
    const caller = await talkingIn()
    caller.asks('UPDATE', 2, { body: SDP_OFFER })
    caller.asks('UPDATE', 3)
    caller.asks('UPDATE', 4, { body: SDP_OFFER })
    assert.equal(count(caller.bench, '500 UPDATE'), 2)
    caller.bench.requests[0]!.respond(200, { body: SDP_ANSWER })
    caller.asks('UPDATE', 5)
    assert.equal(last(caller.bench), '200 UPDATE')
  })

  for (const [name, end] of [
    ['our BYE', ({ call }) => call.bye()],
    ['its own', (side) => side.asks('BYE', 3)],
  ] as [string, (side: ScriptedCaller | ScriptedCallee) => void][])
    it(`without an answer gets 487 at ${name}, on either side (RFC 3261 §15.1.2)`, async () => {
      for (const side of [await talkingIn(), await talkingOut()]) {
        side.asks('UPDATE', 2, { body: SDP_OFFER })
        end(side)
        side.bench.clock.advance(1)
        assert.equal(count(side.bench, '487 UPDATE'), 1)
        side.bench.requests[0]!.respond(200, { body: SDP_ANSWER })
        side.bench.clock.advance(1)
        assert.equal(count(side.bench, '200 UPDATE'), 0)
      }
    })

  it('that nobody answered stands in the way of no other once its sender has given up', async () => {
    const caller = await talkingIn({}, NO_TIMER)
    caller.asks('UPDATE', 2, { body: SDP_OFFER })
    caller.bench.clock.advance(33_000)
    caller.asks('UPDATE', 3)
    assert.equal(last(caller.bench), '200 UPDATE')
  })

  it('makes a re-INVITE of its own wait, and ours too', async () => {
    const caller = await talkingIn()
    caller.asks('UPDATE', 2, { body: SDP_OFFER })
    caller.asks('INVITE', 3, { body: SDP_OFFER })
    assert.equal(last(caller.bench), '500 INVITE')
    caller.call.reinvite({ body: SDP_OFFER }, () => {})
    caller.bench.clock.advance(1)
    assert.equal(tries(caller.bench, 'INVITE'), 0)
    caller.bench.requests[0]!.respond(200, { body: SDP_ANSWER })
    caller.bench.clock.advance(2001)
    assert.equal(tries(caller.bench, 'INVITE'), 1)
  })
})

describe('UPDATE in an early dialog of an INVITE of ours', () => {
  it('of each fork comes to its own early dialog, once that has its answer', async () => {
    const callee = await callOut()
    const { bench } = callee
    callee.says(183, 'b1', { headers: RELIABLE, body: SDP_ANSWER })
    callee.says(183, 'b2', { headers: RELIABLE, body: SDP_ANSWER })
    callee.asks('UPDATE', 1, { fork: 'b2', body: SDP_OFFER })
    callee.asks('UPDATE', 1, { fork: 'b1', body: SDP_OFFER })
    assert.equal(bench.events.filter((event) => event === 'onUpdate').length, 2)
    for (const { request } of bench.requests) assert.match(header(request, 'From')!, /tag=b[12]$/)
    for (const request of bench.requests) request.respond(200, { body: SDP_ANSWER })
    bench.clock.advance(1)
    assert.equal(count(bench, '200 UPDATE'), 2)
    callee.asks('UPDATE', 2, { fork: 'b3', body: SDP_OFFER })
    assert.equal(last(bench), '481 UPDATE')
  })

  it('of ours goes to the fork that is named, else to the last', async () => {
    const callee = await callOut()
    callee.says(183, 'b1', { headers: RELIABLE, body: SDP_ANSWER })
    callee.says(183, 'b2', { headers: RELIABLE, body: SDP_ANSWER })
    const to = (): string => header(callee.bench.peer.lastRequest('UPDATE'), 'To')!.slice(-2)
    update(callee, { body: SDP_OFFER, fork: 'b1' })
    assert.equal(to(), 'b1')
    update(callee, { body: SDP_OFFER })
    assert.equal(to(), 'b2')
    update(callee, { fork: 'b3' })
    await Promise.resolve()
    assert.equal(callee.bench.events.at(-1), 'final 481')
    assert.equal(header(callee.bench.peer.lastRequest('UPDATE'), 'Session-Expires'), undefined)
  })

  it('ends no call when it is refused or not answered: the INVITE decides', async () => {
    for (const status of [408, 481, 0]) {
      const callee = await callOut()
      callee.says(183, 'b1', { headers: RELIABLE, body: SDP_ANSWER })
      update(callee, { body: SDP_OFFER })
      if (status === 0) callee.bench.clock.advance(32_000)
      else callee.bench.deliver(response(callee.bench.peer.lastRequest('UPDATE'), status))
      assert.deepEqual(callee.bench.events.slice(1), [`final ${status === 0 ? 408 : status}`])
      callee.says(200, 'b1')
      assert.equal(callee.bench.events.at(-1), 'onAnswer b1')
    }
  })

  it('of the caller comes to the callee once the offer of its INVITE is answered', async () => {
    const caller = await callIn({ headers: ['Supported', '100rel'] })
    const { bench, call } = caller
    call.progress(183, { body: SDP_ANSWER })
    bench.clock.advance(1)
    const rseq = header(bench.peer.lastResponse(183), 'RSeq')
    caller.asks('PRACK', 2, { headers: ['RAck', `${rseq} 1 INVITE`] })
    caller.asks('UPDATE', 3, { body: SDP_OFFER })
    bench.requests[0]!.respond(200, { body: SDP_ANSWER })
    call.answer()
    bench.clock.advance(1)
    caller.asks('ACK', 1)
    assert.deepEqual(bench.events, ['onUpdate', 'onAck'])
    caller.asks('BYE', 4)
    assert.ok(leavesNothing(bench))
  })
})

describe('UPDATE of ours (RFC 3311 §5.1, §5.3)', () => {
  it('carries Contact, and its 2xx moves the target', async () => {
    const callee = await talkingOut()
    const elsewhere = callee.bench.network.peer('192.0.2.7', 5090)
    update(callee, { body: SDP_OFFER })
    const sent = callee.bench.peer.lastRequest('UPDATE')
    assert.equal(header(sent, 'Contact'), '<sip:192.0.2.2:5060>')
    const headers = ['Contact', '<sip:phone@192.0.2.7:5090>']
    callee.bench.deliver(response(sent, 200, { headers, body: SDP_ANSWER }))
    assert.equal(callee.bench.events.at(-1), 'final 200')
    callee.call.bye()
    callee.bench.clock.advance(1)
    assert.equal(elsewhere.lastRequest('BYE').uri, 'sip:phone@192.0.2.7:5090')
  })

  it('is refused here, 491, beside another of ours, and with an offer beside one of the peer', async () => {
    const caller = await talkingIn()
    update(caller, {})
    update(caller, {})
    await Promise.resolve()
    assert.deepEqual(caller.bench.events, ['onAck', 'final 491'])
    caller.bench.deliver(response(caller.bench.peer.lastRequest('UPDATE'), 200))
    caller.asks('INVITE', 2, { body: SDP_OFFER })
    update(caller, { body: SDP_OFFER })
    await Promise.resolve()
    assert.equal(caller.bench.events.at(-1), 'final 491')
    update(caller, {})
    assert.equal(count(caller.bench, 'UPDATE'), 2)
  })

  for (const [side, open, least, most] of [
    ['callee, 0–2 s', () => talkingIn({}, NO_TIMER), 0, 2000],
    ['caller, 2.1–4 s', () => talkingOut([], NO_TIMER), 2100, 4000],
  ] as const) {
    it(`is sent again after 491 by the ${side}, five times at most`, async () => {
      const self = await open()
      const { bench } = self
      update(self, { body: SDP_OFFER })
      for (let sent = 1; sent <= 6; sent++) {
        assert.equal(tries(bench, 'UPDATE'), sent)
        bench.deliver(response(bench.peer.lastRequest('UPDATE'), 491))
        if (sent === 6) break
        if (least > 0) bench.clock.advance(least - 10)
        if (least > 0) assert.equal(tries(bench, 'UPDATE'), sent)
        bench.clock.advance(most - least + 20)
      }
      assert.equal(bench.events.at(-1), 'final 491')
      bench.clock.advance(10_000)
      assert.equal(tries(bench, 'UPDATE'), 6)
    })
  }

  it('says nothing more, and leaves nothing, when the call ends first', async () => {
    const callee = await talkingOut()
    update(callee, { body: SDP_OFFER })
    callee.bench.deliver(response(callee.bench.peer.lastRequest('UPDATE'), 491))
    callee.asks('BYE', 1)
    callee.bench.clock.advance(10_000)
    assert.deepEqual(callee.bench.events, ['onAnswer b1', 'onBye'])
    assert.equal(count(callee.bench, 'UPDATE'), 1)
    assert.ok(leavesNothing(callee.bench))
  })
})
