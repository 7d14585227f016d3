import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ManualClock } from '../testkit/manual-clock.ts'
import { MemoryNetwork } from '../testkit/memory-network.ts'
import { SDP_ANSWER, SDP_OFFER } from '../testkit/bench.ts'
import { createSipStack } from './stack.ts'
import type { ClientCallHandlers, ServerCallHandlers } from '../core/types.ts'

const CALLS = 300

/** Many calls between two stacks over a bad network: dial, ring, answer, talk, hang up by either side or cancel. */
async function manyCalls(loss: number, seed: number): Promise<void> {
  const clock = new ManualClock()
  const network = new MemoryNetwork({ clock, loss, delayMs: [1, 80], seed })
  const ended = { caller: 0, callee: 0, failed: 0, lost: [] as string[] }
  let started = 0
  const calleeHandlers: ServerCallHandlers = {
    onAck(call) {
      if (Number(call.owner) % 2 === 1) clock.setTimer(3000, () => (call.bye(), ended.callee++))
    },
    onBye: () => void ended.callee++,
    onCancel: () => void ended.callee++,
    onLost: (_call, why) => void ended.lost.push(`callee ${why}`),
    onReinvite: (_call, request) => request.respond(200, { body: SDP_ANSWER }),
  }
  const callee = await createSipStack({
    listen: [{ address: '192.0.2.2', port: 5060, transport: 'udp' }],
    clock,
    openTransport: network.open,
    handlers: {
      onInvite(call) {
        const n = ++started
        call.owner = n
        call.handlers = calleeHandlers
        clock.setTimer(50, () => call.progress(180))
        if (n % 5 !== 0) clock.setTimer(1500, () => call.answer({ body: SDP_ANSWER }))
      },
    },
  })
  const caller = await createSipStack({
    listen: [{ address: '192.0.2.1', port: 5060, transport: 'udp' }],
    clock,
    openTransport: network.open,
    handlers: { onInvite() {} },
  })
  const callerHandlers: ClientCallHandlers = {
    onProvisional() {},
    onAnswer(call) {
      call.ack()
      clock.setTimer(800, () => call.reinvite({ body: SDP_OFFER }, () => {}))
      clock.setTimer(6000, () => (call.bye(), ended.caller++))
    },
    onFailure: () => void ended.failed++,
    onBye() {},
    onLost: (_call, why) => void ended.lost.push(`caller ${why}`),
    onReinvite: (_call, request) => request.respond(200, { body: SDP_ANSWER }),
  }
  for (let n = 0; n < CALLS; n++) {
    clock.setTimer(n * 20, () => {
      const call = caller.invite(
        { uri: 'sip:b@192.0.2.2', from: '<sip:a@192.0.2.1>', to: '<sip:b@192.0.2.2>', body: SDP_OFFER },
        callerHandlers,
      )
      clock.setTimer(20_000, () => call.cancel())
    })
  }
  clock.advance(200_000)
  assert.deepEqual(ended.lost, [])
  assert.equal(started, CALLS)
  assert.equal(ended.failed, CALLS / 5)
  assert.equal(ended.caller, CALLS - CALLS / 5)
  assert.equal(ended.callee >= CALLS, true)
  for (const stack of [caller, callee]) assert.deepEqual(stack.stats(), { transactions: 0, dialogs: 0 })
  assert.equal(clock.pending, 0)
}

describe('calls over a network that loses and reorders datagrams', () => {
  for (const loss of [0, 0.05, 0.2]) {
    it(`all complete and leave nothing at ${loss * 100} % loss`, async () => {
      await manyCalls(loss, 7)
    })
  }
})
