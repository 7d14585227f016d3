import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { SipRequest } from '../message/message.ts'
import { serializeMessage } from '../message/serialize.ts'
import { SDP_ANSWER, SDP_OFFER } from '../testkit/bench.ts'
import { freshRequest } from '../testkit/fort.ts'
import { ManualClock } from '../testkit/manual-clock.ts'
import { MemoryNetwork, summaryOf } from '../testkit/memory-network.ts'
import { seededRandom } from '../testkit/random.ts'
import { createSipStack } from '../ua/stack.ts'
import type { ClientCallHandlers, ServerCallHandlers } from '../core/types.ts'
import { createGuard } from './guard.ts'

const CALLS = 20_000
const AT_ONCE = 500
const DAY_MS = 24 * 3600_000

it('after 20,000 calls of every outcome, and strangers among them, every table is empty', async () => {
  const clock = new ManualClock()
  const network = new MemoryNetwork({ clock, loss: 0.02, delayMs: [1, 40], seed: 5 })
  const random = seededRandom(5)
  const later = (mostMs: number, run: () => void): unknown => clock.setTimer(random() * mostMs, run)
  /** Some INVITEs of each wave. */
  const past: SipRequest[] = []
  const outcomes = new Map<string, number>()
  const note = (what: string): void => void outcomes.set(what, (outcomes.get(what) ?? 0) + 1)
  const shared = {
    onBye() {},
    onLost() {},
    onReinvite: (_call, request) => request.respond(488),
  } satisfies Partial<ServerCallHandlers & ClientCallHandlers>
  const calleeHandlers: ServerCallHandlers = {
    ...shared,
    onAck: (call) => void later(20_000, () => call.bye()),
    onCancel() {},
  }
  const callerHandlers: ClientCallHandlers = {
    ...shared,
    onProvisional() {},
    onAnswer(call) {
      note('answered')
      call.ack()
      later(20_000, () => call.bye())
    },
    onFailure: (_call, status) => note(`failed ${status}`),
  }
  const open = async (
    address: string,
    peer: string,
    onInvite: Parameters<typeof createSipStack>[0]['handlers']['onInvite'],
  ) => {
    const guard = createGuard({ isTrusted: (from) => from === peer, now: () => clock.now() })
    const listen = [{ address, port: 5060, transport: 'udp' } as const]
    const stack = await createSipStack({
      listen,
      clock,
      openTransport: network.open,
      guard,
      handlers: { onInvite },
    })
    return stack
  }
  const callee = await open('192.0.2.2', '192.0.2.1', (call) => {
    if (call.source.address !== '192.0.2.1') return call.rejectStateless(403)
    call.handlers = calleeHandlers
    const dice = random()
    if (dice < 0.1) return call.rejectStateless(503)
    if (dice < 0.2) return call.reject(486)
    if (dice < 0.3) return void later(200_000, () => call.reject(480))
    later(500, () => call.progress(180))
    later(3000, () => call.answer({ body: SDP_ANSWER }))
  })
  const caller = await open('192.0.2.1', '192.0.2.2', (call) => call.reject(603))

  for (let begun = 0; begun < CALLS; begun += AT_ONCE) {
    for (let n = 0; n < AT_ONCE; n++) {
      const call = caller.invite(
        { uri: 'sip:b@192.0.2.2', from: '<sip:a@192.0.2.1>', to: '<sip:b@192.0.2.2>', body: SDP_OFFER },
        callerHandlers,
      )
      if (random() < 0.2) later(4000, () => call.cancel())
      const stranger = { address: `198.51.100.${n % 250}`, port: 5060, transport: 'udp' } as const
      if (n % 5 === 0)
        network.forge(freshRequest(stranger, n % 10 === 0 ? 'INVITE' : 'BYE', { toTag: 'none' }), stranger, {
          ...stranger,
          address: '192.0.2.2',
        })
    }
    clock.advance(300_000)
    past.push(
      ...network.carried
        .splice(0)
        .flatMap(({ message }) =>
          message.kind === 'request' && message.method === 'INVITE' ? [message] : [],
        )
        .slice(0, 10),
    )
  }
  clock.advance(400_000)
  assert.equal(
    [...outcomes.values()].reduce((sum, count) => sum + count, 0),
    CALLS,
  )
  for (const kind of ['answered', 'failed 480', 'failed 486', 'failed 487', 'failed 503'])
    assert.ok(outcomes.get(kind)! > CALLS / 50, `${kind}: ${outcomes.get(kind)}`)

  // By another way (branch) an INVITE of the past is a new call, not one that was merged (482): that table is empty too.
  for (const message of past)
    network.forge(
      serializeMessage(message).toString('latin1').replace(';branch=z9hG4bK', ';branch=z9hG4bKagain'),
      { address: '192.0.2.1', port: 5060, transport: 'udp' },
      { address: '192.0.2.2', port: 5060, transport: 'udp' },
    )
  clock.advance(300)
  const answers = network.carried.filter(({ from }) => from.address === '192.0.2.2')
  assert.ok(answers.length > past.length / 2)
  assert.deepEqual(
    answers.filter(({ message }) => summaryOf(message) === '482 INVITE'),
    [],
  )
  clock.advance(400_000)

  clock.advance(3 * DAY_MS)
  const nothing = { transactions: 0, dialogs: 0 }
  for (const stack of [caller, callee]) {
    const { guard, ...open } = stack.stats()
    assert.deepEqual(open, nothing)
    assert.deepEqual([guard?.bans, guard?.offenders, guard?.known], [0, 0, 0])
  }
  assert.equal(clock.pending, 0)
})
