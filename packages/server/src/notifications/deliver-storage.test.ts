import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import type { TestContext } from 'node:test'
import type { CallRecord } from '../calls/call-record.ts'
import { openStorage } from '../storage/index.ts'
import { createDeliverer } from './deliver.ts'
import type { DeliveryReport } from './deliver.ts'
import {
  MINUTE,
  T0,
  answered,
  createManualClock,
  createReceiver,
  demoApp,
  demoRecord,
  ended,
  fact,
} from './delivery-test-kit.ts'
import { pushesOf } from './pushes.ts'

/** The way of a fact of a call to the customer, over the real storage: journal, outbox, delivery. */
async function platform(t: TestContext) {
  const clock = createManualClock()
  const receiver = await createReceiver(clock)
  const dataDir = await mkdtemp(join(tmpdir(), 'maskline-deliver-'))
  const app = demoApp({ statusUrl: `${receiver.url}/status`, cdrUrl: `${receiver.url}/fee` })
  const reports: DeliveryReport[] = []
  const running = new Set<() => Promise<void>>()
  t.after(async () => {
    for (const stop of running) await stop()
    await receiver.close()
    await rm(dataDir, { recursive: true })
  })
  async function run() {
    const storage = await openStorage({ dataDir, clock, pushesOf })
    await storage.apps.saveApp(app)
    const deliverer = createDeliverer({
      outbox: storage.outbox,
      apps: storage.apps,
      clock,
      onAttempt: (report) => reports.push(report),
    })
    storage.outbox.onCommitted((items) => deliverer.enqueue(items))
    await deliverer.start()
    const stop = async (): Promise<void> => {
      running.delete(stop)
      await deliverer.close()
      await storage.close()
    }
    running.add(stop)
    return { storage, deliverer, stop }
  }
  return { clock, receiver, reports, run }
}

const EVENTS = ['callin', 'callout', 'alerting', 'answer', 'disconnect'] as const

const call = (n: number): CallRecord =>
  demoRecord({ sessionId: `1200_${n}_0_20260124023003@pn01.example`, forward: answered, end: ended })

const told = (received: readonly { readonly body: string }[]): string[] =>
  received.flatMap(({ body }) => {
    const push = JSON.parse(body)
    return push.eventType === 'fee'
      ? push.feeLst.map((fee: { sessionId: string }) => `fee ${fee.sessionId}`)
      : [`${push.eventType} ${push.statusInfo.sessionId}`]
  })

it('brings every event of every call, and its CDR, to the customer in order', async (t) => {
  const { receiver, run } = await platform(t)
  const { storage, deliverer } = await run()
  for (const event of EVENTS) for (let n = 0; n < 20; n++) storage.journal.append(fact(event, call(n)))
  await storage.journal.flush()
  await deliverer.drain()
  const got = told(receiver.received)
  assert.equal(got.length, 120)
  for (let n = 0; n < 20; n++) {
    const { sessionId } = call(n)
    assert.deepEqual(
      got.filter((line) => line.endsWith(sessionId)),
      [...EVENTS, 'fee'].map((kind) => `${kind} ${sessionId}`),
    )
  }
  assert.deepEqual(await storage.outbox.due(T0 + 1_000 * MINUTE, 10), [])
})

it('climbs the whole ladder over a restart and then forgets the push', async (t) => {
  const { receiver, run, clock, reports } = await platform(t)
  receiver.react = () => ({ status: 500 })
  let { storage, deliverer, stop } = await run()
  storage.journal.append(fact('callin', call(1)))
  await storage.journal.flush()
  for (let attempt = 1; attempt <= 7; attempt++) {
    await receiver.arrived(attempt)
    await deliverer.drain()
    const next = reports.at(-1)?.nextTryAt
    if (next === undefined) break
    if (attempt === 3) {
      await stop()
      ;({ storage, deliverer, stop } = await run())
    }
    clock.advance(next - clock.now())
  }
  assert.deepEqual(
    receiver.received.map(({ at }) => (at - T0) / MINUTE),
    [0, 1, 4, 9, 106, 203, 300],
  )
  assert.deepEqual(await storage.outbox.due(T0 + 1_000 * MINUTE, 10), [])
})

it('retries a failed batch of CDRs as it was, over a restart', async (t) => {
  const { receiver, run, clock } = await platform(t)
  receiver.react = ({ path }) => ({ status: path === '/fee' ? 503 : 200 })
  const first = await run()
  for (let n = 0; n < 3; n++) first.storage.journal.append(fact('disconnect', call(n)))
  await first.storage.journal.flush()
  await first.deliverer.drain()
  await first.stop()
  const failed = receiver.received.find(({ path }) => path === '/fee')?.body

  receiver.react = () => ({})
  const second = await run()
  second.storage.journal.append(fact('disconnect', call(9)))
  await second.storage.journal.flush()
  const before = receiver.received.length
  clock.advance(MINUTE)
  await receiver.arrived(before + 2)
  await second.deliverer.drain()
  const fees = receiver.received.filter(({ path }) => path === '/fee').slice(1)
  assert.deepEqual(fees.map(({ body }) => JSON.parse(body).feeLst.length).toSorted(), [1, 3])
  assert.ok(fees.some(({ body }) => body === failed))
})

it('delivers after a crash what was committed before it', async (t) => {
  const { receiver, run } = await platform(t)
  receiver.react = () => ({ after: new Promise(() => {}) })
  const first = await run()
  for (const event of EVENTS) first.storage.journal.append(fact(event, call(1)))
  await first.storage.journal.flush()
  await receiver.arrived(1)
  await first.stop()
  receiver.react = () => ({})
  const second = await run()
  await second.deliverer.drain()
  assert.deepEqual(
    told(receiver.received.slice(1)),
    [...EVENTS, 'fee'].map((kind) => `${kind} ${call(1).sessionId}`),
  )
})
