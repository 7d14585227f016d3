import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { response } from '../message/build.ts'
import { header } from '../message/headers.ts'
import type { SipRequest, SipResponse } from '../message/message.ts'
import { SDP_ANSWER, SDP_OFFER, openBench, sendTimes } from '../testkit/bench.ts'
import { createSipStack } from '../ua/stack.ts'
import { callIn, callOut, count, leavesNothing } from '../testkit/scripted-call.ts'
import type { ScriptedCallee, ScriptedCaller } from '../testkit/scripted-call.ts'

const SUPPORTED = ['Supported', '100rel']
const REQUIRED = ['Require', '100rel']
const reliable = (rseq: number): string[] => ['Require', '100rel', 'RSeq', String(rseq)]

/** RAck of the PRACKs that came, in order. */
const racks = ({ bench }: ScriptedCallee): (string | undefined)[] =>
  bench.peer.inbox
    .filter((message) => message.kind === 'request' && message.method === 'PRACK')
    .map((message) => header(message, 'RAck'))

describe('reliable provisional responses to an INVITE of ours (RFC 3262 §4)', () => {
  it('are asked for, required or left out as the caller says', async () => {
    const of = async (reliability?: 'none' | 'supported' | 'required'): Promise<(string | undefined)[]> => {
      const { invite } = await callOut(reliability === undefined ? {} : { reliability })
      return [header(invite, 'Supported'), header(invite, 'Require')]
    }
    assert.deepEqual(await of(), ['100rel, timer, 199', undefined])
    assert.deepEqual(await of('required'), ['100rel, timer, 199', '100rel'])
    assert.deepEqual(await of('none'), ['timer, 199', undefined])
  })

  it('are acknowledged in order, each once, and reported once', async () => {
    const callee = await callOut()
    callee.says(180, 'b1', { headers: reliable(7) })
    callee.says(183, 'b1', { headers: reliable(9) })
    callee.says(183, 'b1', { headers: reliable(8), body: SDP_ANSWER })
    callee.says(183, 'b1', { headers: reliable(8), body: SDP_ANSWER })
    callee.says(180, 'b1', { headers: reliable(7) })
    callee.says(183, 'b1', { headers: reliable(9) })
    assert.deepEqual(racks(callee), ['7 1 INVITE', '8 1 INVITE', '9 1 INVITE'])
    const { bench } = callee
    assert.deepEqual(bench.events, ['onProvisional 180 b1', 'onProvisional 183 b1', 'onProvisional 183 b1'])
    const prack = bench.peer.lastRequest('PRACK')
    assert.equal(header(prack, 'CSeq'), '4 PRACK')
    assert.equal(prack.uri, 'sip:phone@192.0.2.1:5060')
  })

  it('of each fork are acknowledged in the early dialog of that fork', async () => {
    const callee = await callOut()
    callee.says(180, 'b1', { headers: reliable(100) })
    callee.says(180, 'b2', { headers: reliable(5) })
    callee.says(183, 'b1', { headers: reliable(101), body: SDP_ANSWER })
    assert.deepEqual(racks(callee), ['100 1 INVITE', '5 1 INVITE', '101 1 INVITE'])
    const tags = callee.bench.peer.inbox
      .filter((message) => message.kind === 'request' && message.method === 'PRACK')
      .map((message) => header(message, 'To')!.slice(-2))
    assert.deepEqual(tags, ['b1', 'b2', 'b1'])
  })

  for (const [name, headers] of [
    ['without RSeq', REQUIRED],
    ['without Require', ['RSeq', '1']],
  ] as const) {
    it(`are none ${name}: reported, not acknowledged`, async () => {
      const callee = await callOut()
      callee.says(183, 'b1', { headers })
      assert.deepEqual(racks(callee), [])
      assert.deepEqual(callee.bench.events, ['onProvisional 183 b1'])
    })
  }

  for (const rseq of ['0', '-1', 'x', '4294967296', '99999999999999999999']) {
    it(`are passed over with the RSeq ${rseq}`, async () => {
      const callee = await callOut()
      callee.says(183, 'b1', { headers: [...REQUIRED, 'RSeq', rseq] })
      assert.deepEqual(callee.bench.events, [])
      assert.deepEqual(racks(callee), [])
    })
  }

  it('have their PRACK repeated until it is answered', async () => {
    const callee = await callOut()
    const { bench } = callee
    callee.says(180, 'b1', { headers: reliable(1) })
    bench.clock.advance(2000)
    assert.equal(count(bench, 'PRACK'), 3)
    bench.deliver(response(bench.peer.lastRequest('PRACK'), 200))
    bench.clock.advance(20_000)
    assert.equal(count(bench, 'PRACK'), 3)
  })

  it('fail nothing when their PRACK is refused or never answered', async () => {
    const callee = await callOut()
    const { bench, call } = callee
    callee.says(180, 'b1', { headers: reliable(1) })
    bench.deliver(response(bench.peer.lastRequest('PRACK'), 481))
    callee.says(183, 'b1', { headers: reliable(2) })
    bench.clock.advance(33_000)
    callee.says(200, 'b1', { body: SDP_ANSWER })
    call.ack()
    assert.deepEqual(bench.events, ['onProvisional 180 b1', 'onProvisional 183 b1', 'onAnswer b1'])
  })

  it('of a callee that waits for no PRACK are held up by those without an answer', async () => {
    const callee = await callOut()
    const { bench } = callee
    for (let rseq = 1; rseq <= 50; rseq++) callee.says(180, 'b1', { headers: reliable(rseq) })
    assert.equal(bench.events.length, 8)
    assert.equal(bench.stack.stats().transactions, 9)
    bench.deliver(response(bench.peer.lastRequest('PRACK'), 200))
    callee.says(180, 'b1', { headers: reliable(9) })
    assert.equal(racks(callee).at(-1), '9 1 INVITE')
  })

  it('that make the offer wait for the answer of their owner (§5)', async () => {
    const callee = await callOut({ body: new Uint8Array(0) })
    const { bench, call } = callee
    callee.says(183, 'b1', { headers: reliable(1), body: SDP_OFFER })
    callee.says(183, 'b1', { headers: reliable(1), body: SDP_OFFER })
    assert.equal(count(bench, 'PRACK'), 0)
    call.prack({ body: SDP_ANSWER, fork: 'b1' }, ({ status }) => bench.events.push(`prack ${status}`))
    call.prack({ body: SDP_ANSWER })
    bench.clock.advance(1)
    const prack = bench.peer.lastRequest('PRACK')
    assert.deepEqual(Buffer.from(prack.body), SDP_ANSWER)
    assert.equal(header(prack, 'RAck'), '1 1 INVITE')
    bench.deliver(response(prack, 200))
    callee.says(180, 'b1', { headers: reliable(2) })
    assert.equal(count(bench, 'PRACK'), 2)
    callee.says(200, 'b1')
    assert.deepEqual(bench.events, [
      'onProvisional 183 b1',
      'prack 200',
      'onProvisional 180 b1',
      'onAnswer b1',
    ])
  })

  it('begin anew after a challenge', async () => {
    const callee = await callOut({ credentials: { username: 'trunk', password: 'secret' } })
    callee.says(180, 'b1', { headers: reliable(50) })
    callee.says(401, 'b1', {
      headers: ['WWW-Authenticate', 'Digest realm="x.example", nonce="1", qop="auth"'],
    })
    callee.says(180, 'b1', { headers: reliable(3) })
    assert.deepEqual(racks(callee), ['50 1 INVITE', '3 2 INVITE'])
  })

  it('leave nothing behind a failure, a CANCEL and a call', async () => {
    const endings: Record<string, (callee: ScriptedCallee) => void> = {
      failure: (callee) => callee.says(486),
      cancel(callee) {
        callee.call.cancel()
        callee.bench.clock.advance(1)
        callee.bench.deliver(response(callee.bench.peer.lastRequest('CANCEL'), 200))
        callee.says(183, 'b1', { headers: reliable(2) })
        callee.says(487)
      },
      call(callee) {
        callee.says(200)
        callee.call.ack()
        callee.asks('BYE', 1)
      },
    }
    for (const [name, end] of Object.entries(endings)) {
      const callee = await callOut()
      callee.says(180, 'b1', { headers: reliable(1) })
      callee.bench.deliver(response(callee.bench.peer.lastRequest('PRACK'), 200))
      end(callee)
      assert.ok(leavesNothing(callee.bench), name)
    }
  })
})

/** PRACKs the last reliable response. */
function prack(caller: ScriptedCaller, seq: number, parts: { rack?: string; body?: Uint8Array } = {}): void {
  const last = lastReliable(caller)
  const { rack = `${header(last, 'RSeq')} 1 INVITE`, body } = parts
  caller.asks('PRACK', seq, { headers: ['RAck', rack], ...(body !== undefined && { body }) })
}

function lastReliable({ bench }: ScriptedCaller): SipResponse {
  return bench.peer.inbox.findLast(
    (message): message is SipResponse => message.kind === 'response' && header(message, 'RSeq') !== undefined,
  )!
}

describe('reliable provisional responses of ours (RFC 3262 §3)', () => {
  const cases: [
    string,
    readonly string[],
    number,
    Parameters<ScriptedCaller['call']['progress']>[1],
    boolean,
  ][] = [
    ['a caller that knows nothing of them', [], 183, { body: SDP_ANSWER, reliable: true }, false],
    ['a caller that supports them, without SDP', SUPPORTED, 180, undefined, false],
    ['a caller that supports them, with SDP', SUPPORTED, 183, { body: SDP_ANSWER }, true],
    ['a caller that supports them, when told to', SUPPORTED, 180, { reliable: true }, true],
    [
      'a caller that supports them, when told not to',
      SUPPORTED,
      183,
      { body: SDP_ANSWER, reliable: false },
      false,
    ],
    [
      'a caller that supports them among others',
      ['Supported', 'timer, 100REL'],
      183,
      { body: SDP_ANSWER },
      true,
    ],
    ['a caller that requires them', REQUIRED, 180, { reliable: false }, true],
  ]
  for (const [name, headers, status, options, isReliable] of cases) {
    it(`are ${isReliable ? '' : 'not '}sent to ${name}`, async () => {
      const { bench, call } = await callIn({ headers })
      call.progress(status, options)
      bench.clock.advance(1)
      const sent = bench.peer.lastResponse(status)
      assert.equal(header(sent, 'Require'), isReliable ? '100rel' : undefined)
      assert.equal(header(sent, 'RSeq') !== undefined, isReliable)
      bench.clock.advance(40_000)
      assert.equal(count(bench, `${status} INVITE`) > 1, isReliable)
    })
  }

  it('are repeated after T1, 2·T1, 4·T1 …, and the INVITE is refused with 504 after 64·T1', async () => {
    const { bench, call } = await callIn({ headers: REQUIRED })
    call.progress(180)
    bench.clock.advance(32_000)
    const is180 = (message: SipRequest | SipResponse): boolean =>
      message.kind === 'response' && message.status === 180
    assert.deepEqual(sendTimes(bench, is180), [0, 500, 1500, 3500, 7500, 15_500, 31_500])
    bench.clock.advance(1)
    assert.equal(bench.peer.summaries.at(-1), '504 INVITE')
    assert.deepEqual(bench.events, ['onLost no-prack'])
    assert.ok(leavesNothing(bench))
  })

  it('go out one at a time, in order, each once the one before has its PRACK', async () => {
    const caller = await callIn({ headers: REQUIRED })
    const { bench, call } = caller
    call.progress(180)
    call.progress(181)
    call.progress(183, { body: SDP_ANSWER })
    bench.clock.advance(1)
    assert.deepEqual(bench.peer.summaries, ['180 INVITE'])
    const first = Number(header(lastReliable(caller), 'RSeq'))
    prack(caller, 2)
    bench.clock.advance(600)
    prack(caller, 3)
    prack(caller, 4)
    bench.clock.advance(40_000)
    assert.deepEqual(bench.peer.summaries.slice(1), [
      '200 PRACK',
      '181 INVITE',
      '181 INVITE',
      '200 PRACK',
      '183 INVITE',
      '200 PRACK',
    ])
    assert.equal(Number(header(lastReliable(caller), 'RSeq')), first + 2)
    assert.ok(first >= 1 && first < 2 ** 31)
  })

  it('take no PRACK with another RAck, and none twice: 481', async () => {
    const caller = await callIn({ headers: REQUIRED })
    caller.call.progress(180)
    caller.bench.clock.advance(1)
    const rseq = Number(header(lastReliable(caller), 'RSeq'))
    const wrong = [`${rseq + 1} 1 INVITE`, `${rseq} 2 INVITE`, `${rseq} 1 UPDATE`, 'x', '']
    for (const [i, rack] of wrong.entries()) prack(caller, 2 + i, { rack })
    assert.equal(count(caller.bench, '481 PRACK'), wrong.length)
    prack(caller, 20)
    prack(caller, 21)
    assert.deepEqual(caller.bench.peer.summaries.slice(-2), ['200 PRACK', '481 PRACK'])
  })

  it('are not repeated for the PRACK that is: its copy gets the same 200', async () => {
    const caller = await callIn({ headers: REQUIRED })
    caller.call.progress(180)
    caller.bench.clock.advance(1)
    prack(caller, 2)
    prack(caller, 2)
    assert.equal(count(caller.bench, '200 PRACK'), 2)
  })

  it('with SDP hold the 2xx back until their PRACK', async () => {
    const caller = await callIn({ headers: SUPPORTED })
    const { bench, call } = caller
    call.progress(183, { body: SDP_ANSWER })
    call.answer()
    call.answer({ body: SDP_ANSWER })
    call.progress(180)
    bench.clock.advance(600)
    assert.deepEqual(bench.peer.summaries, ['183 INVITE', '183 INVITE'])
    prack(caller, 2)
    bench.clock.advance(1)
    assert.deepEqual(bench.peer.summaries.slice(2), ['200 PRACK', '200 INVITE'])
    assert.equal(bench.peer.lastResponse(200).body.length, 0)
    caller.asks('ACK', 1)
    caller.asks('BYE', 3)
    assert.deepEqual(bench.events, ['onAck', 'onBye'])
    assert.ok(leavesNothing(bench))
  })

  it('with SDP hold the 2xx back: its owner is told when it is out, or never is', async () => {
    const told: string[] = []
    const onAnswered = (): void => void told.push('answered')
    for (const hasPrack of [true, false]) {
      const caller = await callIn({ headers: SUPPORTED }, { handlers: { onAnswered } })
      caller.call.progress(183, { body: SDP_ANSWER })
      caller.call.answer()
      caller.bench.clock.advance(1)
      assert.deepEqual(told.splice(0), [])
      if (hasPrack) prack(caller, 2)
      caller.bench.clock.advance(32_000)
      assert.deepEqual(told.splice(0), hasPrack ? ['answered'] : [])
      assert.equal(count(caller.bench, '504 INVITE'), hasPrack ? 0 : 1)
    }
    const caller = await callIn({}, { handlers: { onAnswered } })
    caller.call.answer()
    assert.deepEqual(told, ['answered'])
  })

  it('with SDP hold the 2xx back also while they wait for their turn', async () => {
    const caller = await callIn({ headers: REQUIRED })
    const { bench, call } = caller
    call.progress(180)
    call.progress(183, { body: SDP_ANSWER })
    call.progress(181)
    call.answer()
    bench.clock.advance(1)
    prack(caller, 2)
    prack(caller, 3)
    assert.deepEqual(bench.peer.summaries, [
      '180 INVITE',
      '200 PRACK',
      '183 INVITE',
      '200 PRACK',
      '200 INVITE',
    ])
  })

  it('without SDP hold no 2xx back, and are not repeated after it; a late PRACK is still taken', async () => {
    const caller = await callIn({ headers: REQUIRED })
    const { bench, call } = caller
    call.progress(180)
    call.progress(183)
    call.answer({ body: SDP_ANSWER })
    bench.clock.advance(1)
    assert.deepEqual(bench.peer.summaries, ['180 INVITE', '200 INVITE'])
    prack(caller, 2)
    caller.asks('ACK', 1)
    bench.clock.advance(40_000)
    assert.deepEqual(bench.peer.summaries.slice(2), ['200 PRACK'])
    assert.deepEqual(bench.events, ['onAck'])
  })

  for (const [name, end, last] of [
    [
      'CANCEL',
      (caller) => caller.asks('CANCEL', 1, { branch: 'z9hG4bK-INVITE-1', toTag: undefined }),
      '487 INVITE',
    ],
    ["the caller's BYE", (caller) => caller.asks('BYE', 2), '487 INVITE'],
    ['a refusal', ({ call }) => call.reject(486), '486 INVITE'],
    ['a hang-up of ours', ({ call }) => call.bye(), '603 INVITE'],
  ] as [string, (caller: ScriptedCaller) => void, string][]) {
    it(`are over at ${name}, also with a 2xx held back`, async () => {
      const caller = await callIn({ headers: SUPPORTED })
      caller.call.progress(183, { body: SDP_ANSWER })
      caller.call.answer()
      caller.bench.clock.advance(1)
      end(caller)
      caller.bench.clock.advance(1)
      assert.equal(caller.bench.peer.summaries.at(-1), last)
      prack(caller, 3)
      assert.equal(caller.bench.peer.summaries.at(-1), '481 PRACK')
      assert.ok(leavesNothing(caller.bench))
      assert.equal(count(caller.bench, '183 INVITE'), 1)
      assert.equal(count(caller.bench, '200 INVITE'), 0)
    })
  }

  it('that make the offer get the answer by PRACK (§5)', async () => {
    const caller = await callIn({ headers: SUPPORTED, body: new Uint8Array(0) })
    const { bench, call } = caller
    call.progress(183, { body: SDP_OFFER })
    call.answer()
    bench.clock.advance(1)
    prack(caller, 2, { body: SDP_ANSWER })
    assert.deepEqual(bench.events, ['onPrack'])
    assert.deepEqual(Buffer.from(bench.requests[0]!.request.body), SDP_ANSWER)
    assert.equal(count(bench, '200 INVITE'), 0)
    bench.requests[0]!.respond(200)
    bench.clock.advance(1)
    assert.deepEqual(bench.peer.summaries.slice(-2), ['200 PRACK', '200 INVITE'])
  })

  it('take a new offer by PRACK once the first is answered, and their owner answers it (§5)', async () => {
    const caller = await callIn({ headers: SUPPORTED })
    const { bench, call } = caller
    call.progress(183, { body: SDP_ANSWER })
    bench.clock.advance(1)
    prack(caller, 2, { body: SDP_OFFER })
    bench.requests[0]!.respond(200, { body: SDP_ANSWER })
    bench.clock.advance(1)
    assert.equal(bench.peer.lastResponse(200).body.length, SDP_ANSWER.length)
  })

  it('hold the 2xx back no longer when the handler of the PRACK throws: it gets 500', async () => {
    const faults: unknown[] = []
    const onPrack = (): never => {
      throw new Error('no')
    }
    const caller = await callIn(
      { headers: SUPPORTED },
      { handlers: { onPrack }, stackHandlers: { onFault: (_error, where) => void faults.push(where) } },
    )
    caller.call.progress(183, { body: SDP_ANSWER })
    caller.call.answer()
    caller.bench.clock.advance(1)
    prack(caller, 2, { body: SDP_OFFER })
    assert.deepEqual(caller.bench.peer.summaries.slice(-2), ['500 PRACK', '200 INVITE'])
    assert.deepEqual(faults, ['onPrack'])
  })

  it('are not sent to a re-INVITE at all, when that requires them', async () => {
    const caller = await callIn()
    caller.call.answer({ body: SDP_ANSWER })
    caller.bench.clock.advance(1)
    caller.asks('ACK', 1)
    caller.asks('INVITE', 2, { headers: REQUIRED, body: SDP_OFFER })
    caller.bench.requests[0]!.respond(180)
    caller.bench.requests[0]!.respond(200, { body: SDP_ANSWER })
    caller.bench.clock.advance(1)
    assert.equal(count(caller.bench, '180 INVITE'), 0)
    assert.equal(count(caller.bench, '200 INVITE'), 2)
  })

  it('are forgotten when too many wait: what has SDP is kept', async () => {
    const caller = await callIn({ headers: REQUIRED })
    const { bench, call } = caller
    for (let i = 0; i < 30; i++) call.progress(180)
    call.progress(183, { body: SDP_ANSWER })
    for (let i = 0; i < 30; i++) call.progress(180)
    for (let seq = 2; seq < 40; seq++) {
      bench.clock.advance(1)
      prack(caller, seq)
    }
    assert.equal(count(bench, '200 PRACK'), 9)
    assert.equal(count(bench, '183 INVITE'), 1)
  })

  it('leave nothing when the stack is closed', async () => {
    const { bench, call } = await callIn({ headers: REQUIRED })
    call.progress(180)
    bench.clock.advance(1)
    await bench.close()
    assert.equal(bench.clock.pending, 0)
  })
})

describe('reliable provisional responses over a network that loses and reorders', () => {
  for (const loss of [0, 0.1, 0.3]) {
    it(`all arrive once and in order at ${loss * 100} % loss`, async () => {
      const bench = await openBench({ network: { loss, delayMs: [1, 300], seed: 11 } })
      const { clock, network } = bench
      const seen: string[] = []
      const caller = await createSipStack({
        listen: [{ address: '192.0.2.3', port: 5060, transport: 'udp' }],
        clock,
        openTransport: network.open,
        handlers: { onInvite() {} },
      })
      const statuses = [180, 181, 182, 183]
      for (let n = 0; n < 50; n++) {
        const got: number[] = []
        caller.invite(
          {
            uri: 'sip:b@192.0.2.2',
            from: '<sip:a@192.0.2.3>',
            to: '<sip:b@192.0.2.2>',
            body: SDP_OFFER,
            reliability: 'required',
          },
          {
            ...bench.handlers,
            onProvisional: (_call, { status }) => void got.push(status),
            onAnswer(call) {
              seen.push(got.join(' '))
              call.ack()
              clock.setTimer(1000, () => call.bye())
            },
          },
        )
        clock.advance(20)
      }
      const answered = new Set<unknown>()
      for (let ms = 0; ms < 120_000; ms += 100) {
        clock.advance(100)
        for (const call of bench.incoming) {
          if (answered.has(call)) continue
          answered.add(call)
          for (const status of statuses)
            call.progress(status, { body: status === 183 ? SDP_ANSWER : Buffer.alloc(0) })
          // Longer than the slowest PRACK: what is not sent yet is forgotten at the answer.
          clock.setTimer(60_000, () => call.answer())
        }
      }
      clock.advance(100_000)
      assert.deepEqual(seen, Array<string>(50).fill('180 181 182 183'))
      for (const stack of [caller, bench.stack])
        assert.deepEqual(stack.stats(), { transactions: 0, dialogs: 0 })
      assert.equal(clock.pending, 0)
    })
  }
})
