import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { header } from '../message/headers.ts'
import { SDP_ANSWER, SDP_OFFER } from '../testkit/bench.ts'
import { ManualClock } from '../testkit/manual-clock.ts'
import { MemoryNetwork, summaryOf } from '../testkit/memory-network.ts'
import { seededRandom } from '../testkit/random.ts'
import { createSipStack } from '../ua/stack.ts'
import type { ClientCallHandlers, DialogCall, ServerCallHandlers, SipStack } from '../core/types.ts'

const CALLS = 200
const NO_BODY = new Uint8Array(0)

type Tally = {
  answered: number
  failed: number
  /** How often UPDATEs and re-INVITEs ended how. */
  readonly done: Map<string, number>
  /** Calls that died otherwise than by a BYE that came to them, and whether the other side had sent one. */
  readonly lost: { readonly why: string; readonly hasBye: boolean }[]
}

/**
 * Calls between two stacks that use every extension by chance, on a network that loses and reorders: reliable ringing, delayed
 * offers, UPDATE and re-INVITE of both sides at once, some taken back, sessions that are refreshed, hang-ups at any time.
 */
async function mixedCalls(loss: number, seed: number): Promise<Tally> {
  const clock = new ManualClock()
  const network = new MemoryNetwork({ clock, loss, delayMs: [1, 120], seed })
  const random = seededRandom(seed)
  const tally: Tally = { answered: 0, failed: 0, done: new Map(), lost: [] }
  const lost: [string, string][] = []
  const faults: unknown[] = []
  const note = (what: string): void => void tally.done.set(what, (tally.done.get(what) ?? 0) + 1)
  const later = (mostMs: number, run: () => void): unknown => clock.setTimer(random() * mostMs, run)

  const changeNow = (call: DialogCall): void => {
    const dice = random()
    if (dice < 0.4) call.update({ body: SDP_OFFER }, ({ status }) => note(`update ${status}`))
    else call.reinvite({ body: SDP_OFFER }, ({ status }) => note(`reinvite ${status}`))
    if (dice > 0.8) later(200, () => call.cancelReinvite())
  }
  const talk = (call: DialogCall): void => {
    for (let n = 0; n < 4; n++) later(20_000, () => changeNow(call))
    later(400_000, () => call.bye())
  }
  const shared = {
    onBye() {},
    onLost: (call: DialogCall, why: string) => void lost.push([call.callId, why]),
    onReinvite: (_call, request) => void later(300, () => request.respond(200, { body: SDP_ANSWER })),
    onUpdate: (_call, request) => request.respond(200, { body: SDP_ANSWER }),
    sessionOffer: () => SDP_OFFER,
  } satisfies Partial<ServerCallHandlers>
  const calleeHandlers: ServerCallHandlers = {
    ...shared,
    onAck: (call) => talk(call),
    onCancel() {},
    onPrack: (_call, request) => request.respond(200),
  }
  const callerHandlers: ClientCallHandlers = {
    ...shared,
    onProvisional(call, response, fork) {
      if (response.body.length > 0) later(100, () => call.prack({ body: SDP_ANSWER, fork }))
    },
    onAnswer(call) {
      tally.answered++
      later(100, () => {
        call.ack()
        talk(call)
      })
    },
    onFailure: () => void tally.failed++,
  }
  const sessionTimer = { expiresSec: 180 }
  const open = (address: string, onInvite: Parameters<typeof createSipStack>[0]['handlers']['onInvite']) =>
    createSipStack({
      listen: [{ address, port: 5060, transport: 'udp' }],
      clock,
      openTransport: network.open,
      sessionTimer,
      handlers: { onInvite, onFault: (error) => void faults.push(error) },
    })
  const callee: SipStack = await open('192.0.2.2', (call) => {
    call.handlers = calleeHandlers
    const isOffer = call.request.body.length === 0
    later(200, () => call.progress(180, { reliable: random() < 0.5 }))
    later(800, () => call.progress(183, { body: isOffer ? SDP_OFFER : SDP_ANSWER }))
    if (random() < 0.2) later(4000, () => call.reject(486))
    else later(4000, () => call.answer({ body: isOffer ? SDP_OFFER : SDP_ANSWER }))
  })
  const caller = await open('192.0.2.1', () => {})
  const reliabilities = ['none', 'supported', 'required'] as const
  for (let n = 0; n < CALLS; n++) {
    clock.setTimer(n * 50, () => {
      const call = caller.invite(
        {
          uri: 'sip:b@192.0.2.2',
          from: '<sip:a@192.0.2.1>',
          to: '<sip:b@192.0.2.2>',
          body: random() < 0.3 ? NO_BODY : SDP_OFFER,
          reliability: reliabilities[n % 3]!,
        },
        callerHandlers,
      )
      if (random() < 0.2) later(5000, () => call.cancel())
    })
  }
  clock.advance(900_000)
  for (const stack of [caller, callee]) assert.deepEqual(stack.stats(), { transactions: 0, dialogs: 0 })
  assert.equal(clock.pending, 0)
  assert.deepEqual(faults, [])
  const byes = network.carried.filter(({ message }) => summaryOf(message) === 'BYE')
  const ended = new Set(byes.map(({ message }) => header(message, 'Call-ID')))
  for (const [callId, why] of lost) tally.lost.push({ why, hasBye: ended.has(callId) })
  return tally
}

describe('calls that use all extensions at once', () => {
  for (const [loss, seed] of [
    [0, 1],
    [0.05, 2],
    [0.25, 3],
  ] as const) {
    it(`end once each and leave nothing at ${loss * 100} % loss`, async () => {
      const { answered, failed, done, lost } = await mixedCalls(loss, seed)
      assert.equal(answered + failed, CALLS)
      assert.ok(answered > CALLS / 2)
      for (const what of ['update 200', 'reinvite 200', 'reinvite 487']) assert.ok(done.has(what), what)
      // A request that crosses a BYE, which arrives after its 481, is all that may happen to a call on
      // a network that is not beyond use.
      for (const { why, hasBye } of lost) {
        assert.ok(hasBye)
        if (loss < 0.1) assert.equal(why, 'no-dialog')
      }
    })
  }
})
