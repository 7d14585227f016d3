import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { header } from '../message/headers.ts'
import { SDP_OFFER, openBench, toTagOf } from '../testkit/bench.ts'
import type { Bench } from '../testkit/bench.ts'
import { freshRequest } from '../testkit/fort.ts'
import { summaryOf } from '../testkit/memory-network.ts'
import { Overload } from './overload.ts'

/** A loop that the test turns. */
function handTurned(): { overload: Overload; swamp(): void; sleep(): void } {
  let now = 0
  let idleMs = 0
  const rounds: (() => void)[] = []
  const overload = new Overload({
    loop: { now: () => now, idleMs: () => idleMs, afterRound: (step) => void rounds.push(step) },
  })
  return {
    overload,
    swamp() {
      for (let turn = 0; turn < 30; turn++) {
        now += 10
        overload.onTick()
        for (let n = 0; n < 32; n++) overload.onMessage(true)
        for (const step of rounds.splice(0)) step()
      }
      // The messages of the test are many in one round.
      for (let n = 0; n < 32; n++) overload.onMessage(true)
    },
    sleep() {
      now += 10
      idleMs += 9
      overload.onTick()
    },
  }
}

const open = (overload: Overload): Promise<Bench> => openBench({ stack: { overload }, stackHandlers: {} })

/** A call of the bench's peer that is answered; gives its identifiers. */
function answeredCall(bench: Bench) {
  const invite = freshRequest(bench.peer.hop, 'INVITE', { body: SDP_OFFER })
  bench.deliver(invite)
  bench.incoming.at(-1)!.answer({ body: SDP_OFFER })
  bench.clock.advance(1)
  const callId = header(invite, 'Call-ID')!
  const dialog = { callId, fromTag: callId, toTag: toTagOf(bench.peer.lastResponse(200)) }
  bench.deliver(freshRequest(bench.peer.hop, 'ACK', dialog))
  return dialog
}

describe('a stack that is late', () => {
  it('refuses new calls with 503, each with a Retry-After of its own, and keeps nothing of them', async () => {
    const loop = handTurned()
    const bench = await open(loop.overload)
    loop.swamp()
    for (let i = 0; i < 200; i++) bench.deliver(freshRequest(bench.peer.hop, 'INVITE'))
    bench.clock.advance(2)
    assert.equal(bench.incoming.length, 0)
    assert.deepEqual(new Set(bench.peer.summaries), new Set(['503 INVITE']))
    assert.equal(bench.peer.inbox.length, 200)
    const waits = new Set(bench.peer.inbox.map((answer) => header(answer, 'Retry-After')))
    assert.deepEqual([...waits].toSorted(), ['3', '4', '5', '6', '7'])
    assert.deepEqual(bench.stack.stats(), { transactions: 0, dialogs: 0, refusedInvites: 200 })
    assert.equal(bench.clock.pending, 0)
  })

  it('serves what belongs to calls, registers and answers OPTIONS', async () => {
    const loop = handTurned()
    const bench = await open(loop.overload)
    const dialog = answeredCall(bench)
    loop.swamp()
    bench.deliver(freshRequest(bench.peer.hop, 'INVITE', { ...dialog, seq: 2, body: SDP_OFFER }))
    assert.deepEqual(bench.events, ['onAck', 'onReinvite'])
    bench.requests[0]!.respond(200, { body: SDP_OFFER })
    bench.deliver(freshRequest(bench.peer.hop, 'ACK', { ...dialog, seq: 2 }))
    bench.deliver(freshRequest(bench.peer.hop, 'OPTIONS'))
    bench.deliver(freshRequest(bench.peer.hop, 'BYE', { ...dialog, seq: 3 }))
    bench.clock.advance(2)
    assert.deepEqual(bench.peer.summaries.slice(-2), ['200 OPTIONS', '200 BYE'])
    assert.equal(bench.stack.stats().dialogs, 0)
  })

  it('answers a refused INVITE that comes again the same, even when calls are taken again', async () => {
    const loop = handTurned()
    const bench = await open(loop.overload)
    const invite = freshRequest(bench.peer.hop, 'INVITE')
    loop.swamp()
    bench.deliver(invite)
    bench.deliver(invite)
    loop.sleep()
    bench.deliver(invite)
    bench.clock.advance(2)
    assert.deepEqual(bench.peer.summaries, ['503 INVITE', '503 INVITE', '503 INVITE'])
    assert.equal(new Set(bench.peer.inbox.map((answer) => JSON.stringify(answer.headers))).size, 1)
    bench.deliver(freshRequest(bench.peer.hop, 'INVITE'))
    assert.equal(bench.incoming.length, 1)
    // The transaction of such an INVITE is long over: the same branch is another call's.
    bench.clock.advance(70_000)
    bench.deliver(invite)
    assert.equal(bench.incoming.length, 2)
  })

  it('answers neither the ACK of a 503 nor a CANCEL otherwise than with 481', async () => {
    const loop = handTurned()
    const bench = await open(loop.overload)
    loop.swamp()
    const branch = 'z9hG4bKrefused'
    bench.deliver(freshRequest(bench.peer.hop, 'INVITE', { branch }))
    bench.clock.advance(1)
    bench.deliver(
      freshRequest(bench.peer.hop, 'ACK', { branch, toTag: toTagOf(bench.peer.lastResponse(503)) }),
    )
    bench.deliver(freshRequest(bench.peer.hop, 'CANCEL', { branch }))
    bench.clock.advance(2)
    assert.deepEqual(bench.peer.summaries, ['503 INVITE', '481 CANCEL'])
    assert.equal(bench.stack.stats().transactions, 0)
  })
})

describe('a stack with as many dialogs as it may have', () => {
  it('refuses new calls until there are some fewer', async () => {
    const bench = await openBench({ stack: { maxDialogs: 40 } })
    const dialogs = Array.from({ length: 40 }, () => answeredCall(bench))
    const isTaken = (): boolean => {
      const before = bench.incoming.length
      bench.deliver(freshRequest(bench.peer.hop, 'INVITE'))
      bench.clock.advance(1)
      if (bench.incoming.length === before) assert.equal(summaryOf(bench.peer.inbox.at(-1)!), '503 INVITE')
      return bench.incoming.length > before
    }
    const hangUp = (count: number): void => {
      for (const dialog of dialogs.splice(0, count))
        bench.deliver(freshRequest(bench.peer.hop, 'BYE', { ...dialog, seq: 2 }))
    }
    assert.equal(isTaken(), false)
    hangUp(2)
    assert.equal(isTaken(), false)
    hangUp(1)
    assert.equal(isTaken(), true)
    assert.equal(bench.stack.stats().dialogs, 38)
  })
})
