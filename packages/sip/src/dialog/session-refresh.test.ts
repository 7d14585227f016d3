import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { response } from '../message/build.ts'
import { header } from '../message/headers.ts'
import { SDP_ANSWER, SDP_OFFER } from '../testkit/bench.ts'
import type { Bench, BenchOptions } from '../testkit/bench.ts'
import { summaryOf } from '../testkit/memory-network.ts'
import { callIn, callOut, count, leavesNothing, talkingIn, talkingOut } from '../testkit/scripted-call.ts'
import type { SessionTimerOptions } from '../core/types.ts'

const TIMER = ['Supported', 'timer']
const UPDATE = ['Allow', 'INVITE, ACK, BYE, CANCEL, UPDATE']
const PLAIN = ['Allow', 'INVITE, ACK, BYE, CANCEL']
const expires = (value: string): string[] => ['Session-Expires', value]

const asking = (sessionTimer: SessionTimerOptions): BenchOptions => ({ stack: { sessionTimer } })

/** The first request of one of these kinds that the stack sends within an hour, and after how many seconds. */
function until(bench: Bench, ...methods: string[]): [string, number] {
  const { clock, network, server } = bench
  const before = network.carried.length
  const startedAt = clock.now()
  while (clock.now() - startedAt < 3_600_000) {
    clock.advance(500)
    const found = network.carried
      .slice(before)
      .find(({ from, message }) => from.address === server.address && methods.includes(summaryOf(message)))
    if (found === undefined) continue
    clock.advance(1)
    return [summaryOf(found.message), Math.round((found.at - startedAt) / 1000)]
  }
  return ['nothing', 0]
}

describe('the session timer of an incoming call (RFC 4028 §9)', () => {
  // What the INVITE says, what we want; what our 2xx says (table 2), then the first request of ours and after how many seconds.
  const cases: [
    string,
    string[],
    SessionTimerOptions,
    string | undefined,
    string | undefined,
    string,
    number,
  ][] = [
    [
      'a caller with the timer refreshes',
      [...TIMER, ...expires('600')],
      {},
      '600;refresher=uac',
      'timer',
      'BYE',
      568,
    ],
    [
      'the shorter interval holds',
      [...TIMER, ...expires('7200')],
      {},
      '1800;refresher=uac',
      'timer',
      'BYE',
      1768,
    ],
    [
      'the caller may leave it to us',
      [...TIMER, ...UPDATE, ...expires('600;refresher=uas')],
      {},
      '600;refresher=uas',
      'timer',
      'UPDATE',
      300,
    ],
    [
      'the caller may name itself',
      [...TIMER, ...expires('600;refresher=uac')],
      {},
      '600;refresher=uac',
      'timer',
      'BYE',
      568,
    ],
    [
      'a caller with the timer that asks for none gets one',
      TIMER,
      {},
      '1800;refresher=uac',
      'timer',
      'BYE',
      1768,
    ],
    [
      'Require: timer is support',
      ['Require', 'timer', ...expires('600')],
      {},
      '600;refresher=uac',
      'timer',
      'BYE',
      568,
    ],
    ['for a caller without the timer we refresh', UPDATE, {}, '1800;refresher=uas', undefined, 'UPDATE', 900],
    [
      'for a proxy that asks we refresh',
      [...UPDATE, ...expires('600')],
      {},
      '600;refresher=uas',
      undefined,
      'UPDATE',
      300,
    ],
    [
      'without timer and UPDATE, and no SDP to send, there is none',
      PLAIN,
      {},
      undefined,
      undefined,
      'nothing',
      0,
    ],
    [
      'we ask for none, and agree to one',
      [...TIMER, ...expires('600')],
      { expiresSec: 0 },
      '600;refresher=uac',
      'timer',
      'BYE',
      568,
    ],
    ['nobody asks', TIMER, { expiresSec: 0 }, undefined, undefined, 'nothing', 0],
    [
      'ours is the shorter',
      [...TIMER, ...expires('1800')],
      { expiresSec: 300 },
      '300;refresher=uac',
      'timer',
      'BYE',
      268,
    ],
    [
      'not below the Min-SE of the caller',
      [...TIMER, ...expires('1800'), 'Min-SE', '900'],
      { expiresSec: 300 },
      '900;refresher=uac',
      'timer',
      'BYE',
      868,
    ],
    [
      'the end comes a third early when that is less than 32 s',
      [...TIMER, ...expires('90')],
      {},
      '90;refresher=uac',
      'timer',
      'BYE',
      60,
    ],
    ['the compact form', ['k', 'timer', 'x', '600'], {}, '600;refresher=uac', 'timer', 'BYE', 568],
    [
      'what cannot be read counts as nothing',
      [...TIMER, ...expires('soon')],
      {},
      '1800;refresher=uac',
      'timer',
      'BYE',
      1768,
    ],
    [
      'what no timer can hold is cut',
      [...TIMER, ...expires('99999999999')],
      {},
      '1800;refresher=uac',
      'timer',
      'BYE',
      1768,
    ],
  ]
  for (const [name, headers, options, said, required, method, afterSec] of cases) {
    it(name, async () => {
      const { bench } = await talkingIn({ headers }, asking(options))
      const ok = bench.peer.lastResponse(200)
      assert.equal(header(ok, 'Session-Expires'), said)
      assert.equal(header(ok, 'Require'), required)
      assert.deepEqual(until(bench, 'BYE', 'UPDATE', 'INVITE'), [method, afterSec])
    })
  }

  for (const [name, headers, options, status, minSec] of [
    ['shorter than ours', [...TIMER, ...expires('60')], {}, 422, '90'],
    ['shorter than what we are told to take', [...TIMER, ...expires('600')], { minSec: 900 }, 422, '900'],
    ['just long enough', [...TIMER, ...expires('90')], {}, 200, undefined],
    ['shorter, of a caller that would not understand 422', expires('60'), {}, 200, undefined],
  ] as const) {
    it(`gets ${status} for an interval ${name}`, async () => {
      const { bench, call } = await callIn({ headers }, asking(options))
      call?.answer({ body: SDP_ANSWER })
      bench.clock.advance(1)
      assert.equal(header(bench.peer.lastResponse(status), 'Min-SE'), minSec)
      assert.equal(bench.stack.stats().dialogs, status === 200 ? 1 : 0)
    })
  }

  it('is never longer than what a proxy asked for, of a caller that would not understand 422 (§9)', async () => {
    const { bench, call } = await callIn(
      { headers: expires('300') },
      asking({ minSec: 900, expiresSec: 1800 }),
    )
    call.answer({ body: SDP_ANSWER })
    bench.clock.advance(1)
    assert.equal(header(bench.peer.lastResponse(200), 'Session-Expires'), '300;refresher=uas')
  })

  it('begins anew with each UPDATE and re-INVITE of the caller, and ends the call when they stop', async () => {
    const caller = await talkingIn({ headers: [...TIMER, ...expires('600')] })
    const { bench } = caller
    bench.clock.advance(500_000)
    caller.asks('UPDATE', 2, { headers: [...TIMER, ...expires('600;refresher=uac')] })
    assert.equal(header(bench.peer.lastResponse(200), 'Session-Expires'), '600;refresher=uac')
    bench.clock.advance(500_000)
    caller.asks('INVITE', 3, { headers: [...TIMER, ...expires('300')], body: SDP_OFFER })
    bench.requests.at(-1)!.respond(200, { body: SDP_ANSWER })
    bench.clock.advance(1)
    assert.equal(header(bench.peer.lastResponse(200), 'Session-Expires'), '300;refresher=uac')
    caller.asks('ACK', 3)
    assert.deepEqual(until(bench, 'BYE'), ['BYE', 268])
    assert.deepEqual(bench.events, ['onAck', 'onReinvite', 'onReinviteAck', 'onLost expired'])
    bench.deliver(response(bench.peer.lastRequest('BYE'), 200))
    assert.ok(leavesNothing(bench))
  })

  it('is not begun by a refresh that is refused, and 422 refuses one in the call', async () => {
    const caller = await talkingIn({ headers: [...TIMER, ...expires('600')] })
    const { bench } = caller
    bench.clock.advance(400_000)
    caller.asks('INVITE', 2, { headers: [...TIMER, ...expires('600')], body: SDP_OFFER })
    bench.requests[0]!.respond(488)
    caller.asks('UPDATE', 3, { headers: [...TIMER, ...expires('30')] })
    assert.equal(header(bench.peer.lastResponse(422), 'Min-SE'), '90')
    assert.equal(until(bench, 'BYE')[1], 168)
  })
})

describe('the session timer of an outgoing call (RFC 4028 §7)', () => {
  it('is asked for as it is set, and Min-SE only when it is not the least', async () => {
    const asked = async (options: SessionTimerOptions): Promise<(string | undefined)[]> => {
      const { invite } = await callOut({}, asking(options))
      return [header(invite, 'Session-Expires'), header(invite, 'Min-SE')]
    }
    assert.deepEqual(await asked({}), ['1800', undefined])
    assert.deepEqual(await asked({ expiresSec: 600, minSec: 300 }), ['600', '300'])
    assert.deepEqual(await asked({ expiresSec: 0 }), [undefined, undefined])
    assert.deepEqual(await asked({ expiresSec: 5, minSec: 5 }), ['90', undefined])
    assert.deepEqual(await asked({ expiresSec: 100, minSec: 200 }), ['200', '200'])
  })

  // What the 2xx says, what we want; the first request of ours and after how many seconds.
  const cases: [string, string[], SessionTimerOptions, string, number][] = [
    ['the callee refreshes', expires('600;refresher=uas'), {}, 'BYE', 568],
    ['we refresh by UPDATE', [...UPDATE, ...expires('600;refresher=uac')], {}, 'UPDATE', 300],
    ['we refresh where nobody is named', [...UPDATE, ...expires('600')], {}, 'UPDATE', 300],
    ['a callee without the timer is refreshed too', UPDATE, {}, 'UPDATE', 900],
    ['without timer and UPDATE, and no SDP to send, there is none', PLAIN, {}, 'nothing', 0],
    ['an interval below the least counts as the least', expires('1;refresher=uas'), {}, 'BYE', 60],
    [
      'the callee may want one of who asked for none',
      expires('600;refresher=uas'),
      { expiresSec: 0 },
      'BYE',
      568,
    ],
    ['nobody asks', UPDATE, { expiresSec: 0 }, 'nothing', 0],
  ]
  for (const [name, headers, options, method, afterSec] of cases) {
    it(name, async () => {
      const { bench } = await talkingOut(headers, asking(options))
      assert.deepEqual(until(bench, 'BYE', 'UPDATE', 'INVITE'), [method, afterSec])
    })
  }

  it('is asked for again, longer, after a 422 (§7.3)', async () => {
    const callee = await callOut({}, asking({ expiresSec: 100 }))
    const { bench } = callee
    const first = callee.invite
    callee.says(422, 'b1', { headers: ['Min-SE', '400'] })
    callee.says(422, 'b2', { headers: ['Min-SE', '700'] })
    const { invite } = callee
    assert.equal(header(invite, 'Call-ID'), header(first, 'Call-ID'))
    assert.equal(header(invite, 'From'), header(first, 'From'))
    assert.equal(header(invite, 'CSeq'), '3 INVITE')
    assert.equal(header(invite, 'Session-Expires'), '700')
    assert.equal(header(invite, 'Min-SE'), '700')
    callee.says(200, 'b3', { headers: [...UPDATE], body: SDP_ANSWER })
    callee.call.ack()
    assert.deepEqual(until(bench, 'UPDATE'), ['UPDATE', 350])
    assert.deepEqual(bench.events, ['onAnswer b3'])
  })

  for (const [name, headers] of [
    ['that asks for nothing longer', ['Min-SE', '90']],
    ['without Min-SE', []],
    ['that asks for more each time', undefined],
  ] as const) {
    it(`fails at a 422 ${name}`, async () => {
      const callee = await callOut()
      for (let minSec = 2000; minSec < 3000 && callee.bench.events.length === 0; minSec += 100)
        callee.says(422, 'b1', { headers: headers ?? ['Min-SE', String(minSec)] })
      assert.deepEqual(callee.bench.events, ['onFailure 422'])
      assert.equal(count(callee.bench, 'INVITE'), headers === undefined ? 6 : 1)
      assert.ok(leavesNothing(callee.bench))
    })
  }
})

describe('a session refresh of ours (RFC 4028 §7.4, §10)', () => {
  const offering = (sdp: Buffer | undefined): BenchOptions => ({ handlers: { sessionOffer: () => sdp } })
  const UAC = expires('600;refresher=uac')

  it('is an UPDATE without a body that names who refreshes, as often as it takes', async () => {
    const { bench } = await talkingOut([...UPDATE, ...UAC])
    for (let n = 0; n < 5; n++) {
      assert.deepEqual(until(bench, 'UPDATE', 'BYE'), ['UPDATE', 300])
      const update = bench.peer.lastRequest('UPDATE')
      assert.equal(update.body.length, 0)
      assert.equal(header(update, 'Session-Expires'), '600;refresher=uac')
      assert.equal(header(update, 'Supported'), 'timer')
      bench.deliver(response(update, 200, { headers: UAC }))
    }
    assert.deepEqual(bench.events, ['onAnswer b1'])
  })

  it('is a re-INVITE with the SDP of the call where the peer does not allow UPDATE', async () => {
    const { bench } = await talkingOut([...PLAIN, ...UAC], offering(SDP_OFFER))
    const before = count(bench, 'ACK')
    assert.deepEqual(until(bench, 'INVITE', 'BYE', 'UPDATE'), ['INVITE', 300])
    const reinvite = bench.peer.lastRequest('INVITE')
    assert.deepEqual(Buffer.from(reinvite.body), SDP_OFFER)
    assert.equal(header(reinvite, 'Session-Expires'), '600;refresher=uac')
    bench.deliver(response(reinvite, 200, { headers: UAC, body: SDP_ANSWER }))
    bench.clock.advance(1)
    assert.equal(count(bench, 'ACK'), before + 1)
    assert.deepEqual(until(bench, 'INVITE', 'BYE', 'UPDATE'), ['INVITE', 300])
  })

  it('is tried by UPDATE where there is no SDP, and by re-INVITE once UPDATE gets 405 or 501', async () => {
    const bare = await talkingOut([...PLAIN, ...UAC], offering(undefined))
    assert.deepEqual(until(bare.bench, 'INVITE', 'BYE', 'UPDATE'), ['UPDATE', 300])
    for (const status of [405, 501]) {
      const { bench } = await talkingOut([...UPDATE, ...UAC], offering(SDP_OFFER))
      assert.deepEqual(until(bench, 'INVITE', 'BYE', 'UPDATE'), ['UPDATE', 300])
      bench.deliver(response(bench.peer.lastRequest('UPDATE'), status))
      bench.clock.advance(1)
      assert.equal(bench.peer.summaries.at(-1), 'INVITE')
    }
  })

  it('is asked for again with a longer interval after a 422', async () => {
    const { bench } = await talkingOut([...UPDATE, ...UAC])
    until(bench, 'UPDATE')
    bench.deliver(response(bench.peer.lastRequest('UPDATE'), 422, { headers: ['Min-SE', '900'] }))
    bench.clock.advance(1)
    const again = bench.peer.lastRequest('UPDATE')
    assert.equal(header(again, 'Session-Expires'), '900;refresher=uac')
    assert.equal(header(again, 'Min-SE'), '900')
  })

  it('is not asked for again for ever by a peer that wants a little more each time', async () => {
    const { bench } = await talkingOut([...UPDATE, ...UAC])
    until(bench, 'UPDATE')
    const before = bench.peer.summaries.filter((summary) => summary === 'UPDATE').length
    for (let n = 0; n < 20; n++) {
      const headers = ['Min-SE', String(601 + n)]
      bench.deliver(response(bench.peer.lastRequest('UPDATE'), 422, { headers }))
      bench.clock.advance(1)
    }
    const after = bench.peer.summaries.filter((summary) => summary === 'UPDATE').length
    assert.equal(after - before, 5)
  })

  it('hands the work over when the peer says so', async () => {
    const { bench } = await talkingOut([...UPDATE, ...UAC])
    until(bench, 'UPDATE')
    bench.deliver(response(bench.peer.lastRequest('UPDATE'), 200, { headers: expires('600;refresher=uas') }))
    assert.deepEqual(until(bench, 'UPDATE', 'BYE'), ['BYE', 568])
  })

  it('is tried again when it is refused, and the call ends when the time is up', async () => {
    const { bench } = await talkingOut([...UPDATE, ...UAC])
    const tries: number[] = []
    const startedAt = bench.clock.now()
    bench.peer.onMessage = (message) => {
      if (message.kind !== 'request' || message.method !== 'UPDATE') return
      tries.push(Math.round((bench.clock.now() - startedAt) / 1000))
      bench.peer.send(response(message, 500), bench.server)
    }
    assert.deepEqual(until(bench, 'BYE'), ['BYE', 568])
    assert.deepEqual(tries, [300, 434, 501, 534, 551, 560])
    assert.equal(bench.events.at(-1), 'onLost expired')
    bench.deliver(response(bench.peer.lastRequest('BYE'), 200))
    assert.ok(leavesNothing(bench))
  })

  for (const [status, why] of [
    [408, 'timeout'],
    [481, 'no-dialog'],
  ] as const) {
    it(`ends the call at ${status}`, async () => {
      const { bench } = await talkingOut([...UPDATE, ...UAC])
      until(bench, 'UPDATE')
      bench.deliver(response(bench.peer.lastRequest('UPDATE'), status))
      bench.clock.advance(1)
      assert.equal(bench.events.at(-1), `onLost ${why}`)
    })
  }

  it('ends the call when the peer is silent: nobody is charged for a dead one', async () => {
    const { bench } = await talkingOut([...UPDATE, ...UAC])
    assert.deepEqual(until(bench, 'BYE'), ['BYE', 332])
    assert.equal(bench.events.at(-1), 'onLost timeout')
  })

  it('to a peer without the timer succeeds by any answer that shows that it is there', async () => {
    const { bench } = await talkingOut(UPDATE)
    for (const status of [488, 500, 405]) {
      assert.deepEqual(until(bench, 'UPDATE', 'BYE'), ['UPDATE', 900])
      bench.deliver(response(bench.peer.lastRequest('UPDATE'), status))
    }
    assert.deepEqual(until(bench, 'UPDATE', 'BYE'), ['UPDATE', 900])
    assert.deepEqual(until(bench, 'BYE'), ['BYE', 32])
  })

  it('does not disturb a re-INVITE of ours, which is a refresh itself', async () => {
    const { bench, call } = await talkingOut([...UPDATE, ...UAC])
    bench.clock.advance(299_000)
    call.reinvite({ body: SDP_OFFER }, () => {})
    bench.clock.advance(1)
    const reinvite = bench.peer.lastRequest('INVITE')
    assert.equal(header(reinvite, 'Session-Expires'), '600;refresher=uac')
    bench.deliver(response(reinvite, 100))
    bench.clock.advance(5000)
    assert.equal(count(bench, 'UPDATE'), 0)
    bench.deliver(response(reinvite, 200, { headers: UAC, body: SDP_ANSWER }))
    assert.deepEqual(until(bench, 'UPDATE', 'BYE'), ['UPDATE', 300])
  })

  it('that collides with one of the peer is sent again by the rules of glare (RFC 3261 §14.1)', async () => {
    const callee = await talkingOut([...PLAIN, ...UAC], offering(SDP_OFFER))
    const { bench } = callee
    until(bench, 'INVITE')
    const ours = bench.peer.lastRequest('INVITE')
    callee.asks('INVITE', 1, { body: SDP_OFFER, headers: [...TIMER, ...UAC] })
    assert.equal(count(bench, '491 INVITE'), 1)
    bench.deliver(response(ours, 491))
    bench.clock.advance(4001)
    assert.equal(header(bench.peer.lastRequest('INVITE'), 'CSeq'), '3 INVITE')
  })
})

describe('a session timer over a long call', () => {
  it('keeps it for a day, and ends it when the network breaks', async () => {
    const callee = await talkingIn({ headers: [...TIMER, ...UPDATE, ...expires('600;refresher=uas')] })
    const { bench } = callee
    bench.peer.onMessage = (message) => {
      if (message.kind === 'request' && message.method === 'UPDATE')
        bench.peer.send(response(message, 200, { headers: expires('600;refresher=uac') }), bench.server)
    }
    bench.clock.advance(86_400_000)
    // 288 less what the time on the way adds up to.
    assert.equal(count(bench, 'UPDATE'), 287)
    assert.deepEqual(bench.events, ['onAck'])
    bench.network.drop = () => true
    bench.clock.advance(600_000)
    assert.deepEqual(bench.events, ['onAck', 'onLost timeout'])
    assert.ok(leavesNothing(bench))
  })
})
