import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { it } from 'node:test'
import fc from 'fast-check'
import { splitText } from '@maskline/smpp'
import type { Mode } from '../tenants/app.ts'
import { openStorage } from '../storage/index.ts'
import { manualClock } from '../testkit/manual-clock.ts'
import type { OutgoingPart, SmsCarrier, SubmitOutcome } from './carrier.ts'
import type { SmsStore } from './ports.ts'
import { POLICY, relayOver, routeTo, seed, type SmsEvent, T0 } from './relay-test-kit.ts'
import { A, B, X } from './sms-test-kit.ts'

/** What the network does with a part each time it is given it; the last one goes on for ever. */
type Behaviour = SubmitOutcome['state'] | 'busy'

type Scenario = {
  readonly mode: Mode
  /** Lengths of the texts, in the order of their coming. */
  readonly texts: readonly number[]
  readonly network: readonly Behaviour[]
  /** The process dies at the so many-th step of each run; after the last it lives. */
  readonly crashes: readonly number[]
}

const scenario: fc.Arbitrary<Scenario> = fc.record({
  mode: fc.constantFrom<Mode>('AXB', 'X'),
  texts: fc.array(fc.constantFrom(5, 200, 400), { minLength: 1, maxLength: 4 }),
  network: fc.array(fc.constantFrom<Behaviour>('accepted', 'refused', 'unsent', 'unknown', 'busy'), {
    minLength: 1,
    maxLength: 6,
  }),
  crashes: fc.array(fc.nat(40), { maxLength: 3 }),
})

/** A process: it dies at a step, before or after what the step does, and from then on nothing of it goes on. */
function createProcess(diesAt: number | undefined) {
  let steps = 0
  let die = (): void => {}
  const died = new Promise<'died'>((resolve) => (die = () => resolve('died')))
  const step = (): Promise<void> => {
    if (diesAt === undefined || steps++ < diesAt) return Promise.resolve()
    die()
    return new Promise(() => {})
  }
  return {
    died,
    /** Each call is a step before and a step after. */
    wrap:
      <Arguments extends unknown[], Result>(work: (...given: Arguments) => Promise<Result>) =>
      async (...given: Arguments): Promise<Result> => {
        await step()
        const result = await work(...given)
        await step()
        return result
      },
  }
}

/** What the network knows, which no crash of ours makes it forget. */
function createNetwork(behaviours: readonly Behaviour[]) {
  const written: { readonly id: string; readonly outcome: SubmitOutcome }[] = []
  const submit = async (part: OutgoingPart): Promise<SubmitOutcome> => {
    const nth = written.filter(({ id }) => id === part.id).length
    const behaviour = behaviours[Math.min(nth, behaviours.length - 1)]!
    const outcome = outcomeOf(behaviour, part)
    written.push({ id: part.id, outcome })
    return outcome
  }
  return { written, submit }
}

function outcomeOf(behaviour: Behaviour, { id }: OutgoingPart): SubmitOutcome {
  if (behaviour === 'accepted') return { state: 'accepted', messageId: id }
  if (behaviour === 'refused') return { state: 'refused', status: 11, temporary: false }
  if (behaviour === 'busy') return { state: 'refused', status: 88, temporary: true }
  return { state: behaviour }
}

async function run({ mode, texts, network, crashes }: Scenario): Promise<void> {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'maskline-crash-'))
  const hands = manualClock(T0)
  const { clock } = hands
  const { written, submit } = createNetwork(network)
  /** Texts that the network still has, since nobody acknowledged all of their parts. */
  const waiting = texts.map((length, i) => splitText(String(i).repeat(length), { reference: i }))
  let acknowledged = 0
  try {
    for (const diesAt of [...crashes, undefined]) {
      const { died, wrap } = createProcess(diesAt)
      const storage = await openStorage({ dataDir, clock, groupCommitMs: 0 })
      await seed(storage, mode, {})
      const { sms } = storage
      const store: SmsStore = {
        ...sms,
        receive: wrap(sms.receive),
        due: wrap(sms.due),
        save: wrap(sms.save),
        nextDueAt: wrap(sms.nextDueAt),
      }
      const carrier: SmsCarrier = {
        name: 'smsc-1',
        takes: 'parts',
        submit: wrap(submit),
        close: () => Promise.resolve(),
      }
      const relay = relayOver(storage, {
        store,
        clock,
        customers: {
          post: wrap(async () => ({
            kind: 'answer' as const,
            status: 200,
            body: JSON.stringify({ actions: [routeTo(B)] }),
          })),
        },
        carriers: { waysFrom: () => [carrier] },
        policy: { ...POLICY, maxSending: 2, retryForMs: 60_000 },
      })
      const live = async (): Promise<void> => {
        await relay.start()
        const { onPart } = relay.handlersOf('smsc-1')
        while (waiting.length > 0) {
          for (const part of waiting[0]!) {
            const { promise: acknowledgement, resolve } = Promise.withResolvers<'read'>()
            await onPart({ ...part, from: A, to: X, receivedAt: clock.now(), acknowledgement })
            resolve('read')
          }
          waiting.shift()
          acknowledged++
        }
        for (let i = 0; i < 30; i++) {
          await relay.drain()
          hands.advance(5_000)
        }
        await relay.drain()
      }
      await Promise.race([live(), died])
      if (diesAt !== undefined) {
        await storage.close()
        continue
      }
      const messages = await storage.smsDetails.search({ limit: 100 })
      const events = (await storage.outbox.due(clock.now(), 100)).map(
        ({ body }) => (JSON.parse(body) as { smsEvent: SmsEvent }).smsEvent,
      )
      check({ texts: texts.length, acknowledged, messages, events, written })
      await relay.close()
      await storage.close()
    }
  } finally {
    rmSync(dataDir, { recursive: true })
  }
}

function check(seen: {
  readonly texts: number
  readonly acknowledged: number
  readonly messages: readonly { readonly id: string; readonly state: string }[]
  readonly events: readonly SmsEvent[]
  readonly written: readonly { readonly id: string; readonly outcome: SubmitOutcome }[]
}): void {
  const { texts, acknowledged, messages, events, written } = seen
  assert.equal(acknowledged, texts)
  assert.equal(messages.length, texts, 'what came again because of a crash is the same SMS')
  assert.deepEqual(
    messages.filter(({ state }) => state !== 'ended'),
    [],
    'everything came to its end',
  )
  const told = events.map(({ smsIdentifier }) => smsIdentifier)
  assert.deepEqual(told.toSorted(), messages.map(({ id }) => id).toSorted(), 'each is told once')
  const parts = Map.groupBy(written, ({ id }) => id)
  for (const [id, times] of parts) {
    // Only what did not leave, or was refused for now, may be given to the network once more.
    const again = times.slice(0, -1).map(({ outcome }) => outcome)
    assert.ok(
      again.every(
        (outcome) => outcome.state === 'unsent' || (outcome.state === 'refused' && outcome.temporary),
      ),
      `part ${id} was sent twice: ${JSON.stringify(times)}`,
    )
  }
  for (const { smsIdentifier, sendResult, extInfo } of events) {
    const accepted = [...parts]
      .filter(([id]) => id.startsWith(smsIdentifier))
      .filter(([, times]) => times.some(({ outcome }) => outcome.state === 'accepted')).length
    const splitNum = Number(extInfo.extParas.find(({ key }) => key === 'splitNum')?.value)
    // What a crash kept us from hearing is not claimed.
    assert.ok(splitNum <= accepted, 'no more segments are told than the network took')
    if (sendResult === 0) assert.equal(splitNum, accepted, 'a success is one')
  }
}

it('whatever crashes, every SMS is told once, however often the network hands it in, and no part is sent again that may have left', async () => {
  await fc.assert(fc.asyncProperty(scenario, run), { numRuns: 40 })
})

it('without a crash nothing is lost either', async () => {
  await run({ mode: 'AXB', texts: [5, 400], network: ['accepted'], crashes: [] })
})
