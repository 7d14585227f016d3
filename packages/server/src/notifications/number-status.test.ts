import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { XNumber } from '../numbers/x-number.ts'
import type { E164 } from '../shared/e164.ts'
import { newApp } from '../tenants/app.ts'
import { createDeliverer } from './deliver.ts'
import { createManualClock, createMemoryOutbox, createReceiver, MINUTE } from './delivery-test-kit.ts'
import { numberStatusPush } from './number-status.ts'

const app = newApp({
  key: 'demoKey',
  secret: 's',
  tenantId: 't',
  mode: 'AXB',
  pushNumberStatus: true,
  statusUrl: 'http://192.0.2.1/status',
})
const x = (n: number): XNumber => ({
  number: `+86170${String(n).padStart(8, '0')}` as E164,
  appKey: app.key,
  areaCode: '0755',
  province: '',
  status: 'unusable',
  cause: '2',
  smsCapable: false,
})

async function delivering(t: TestContext) {
  const clock = createManualClock()
  const receiver = await createReceiver(clock)
  const outbox = createMemoryOutbox(clock)
  const deliverer = createDeliverer({ outbox, apps: { findApp: async () => app }, clock })
  t.after(async () => {
    await deliverer.close()
    await receiver.close()
  })
  const commit = (numbers: readonly number[]) =>
    outbox.commit(
      ...numbers.map((n) => ({
        ...numberStatusPush(x(n), { ...app, numberStatusUrl: `${receiver.url}/numbers` })!,
        appKey: app.key,
      })),
    )
  return { receiver, clock, outbox, deliverer, commit }
}

test('[num.merge] [num.eventType] [num.numInfo] [num.number] states that change within a second go out as one push', async (t) => {
  const { receiver, clock, deliverer, commit } = await delivering(t)
  deliverer.enqueue(commit([1]))
  clock.advance(500)
  deliverer.enqueue(commit([2]))
  assert.equal(receiver.received.length, 0)
  clock.advance(500)
  await receiver.arrived(1)
  const [push] = receiver.received
  assert.equal(push?.path, '/numbers')
  assert.equal(
    push?.body,
    '{"eventType":"numStatus","numInfo":[{"number":"+8617000000001","status":"10","cause":"2"},{"number":"+8617000000002","status":"10","cause":"2"}]}',
  )
})

test('[num.limit] a push of states holds a hundred entries at most', async (t) => {
  const { receiver, clock, deliverer, commit } = await delivering(t)
  deliverer.enqueue(commit(Array.from({ length: 130 }, (_, n) => n)))
  await receiver.arrived(1)
  clock.advance(1_000)
  await receiver.arrived(2)
  await deliverer.drain()
  const counts = receiver.received.map(
    ({ body }) => (JSON.parse(body) as { numInfo: unknown[] }).numInfo.length,
  )
  assert.deepEqual(counts, [100, 30])
})

test('[num.retry] a push of states that failed is sent again after a minute as it was', async (t) => {
  const { receiver, clock, outbox, deliverer, commit } = await delivering(t)
  receiver.react = (_push, index) => ({ status: index === 0 ? 500 : 200 })
  await deliverer.start()
  deliverer.enqueue(commit([1, 2]))
  await deliverer.drain()
  assert.deepEqual(
    [...outbox.rows.values()].map((row) => row.attempts),
    [1, 1],
  )
  deliverer.enqueue(commit([3]))
  await deliverer.drain()
  clock.advance(MINUTE)
  await receiver.arrived(3)
  await deliverer.drain()
  const [first, other, again] = receiver.received.map(({ body }) => body)
  assert.match(other!, /0003/)
  assert.equal(again, first)
})

test('[num.url] a state goes to the address for states, else to that for call events', () => {
  assert.equal(numberStatusPush(x(1), app)?.url, app.statusUrl)
  const own = { ...app, numberStatusUrl: 'http://192.0.2.1/numbers' }
  assert.equal(numberStatusPush(x(1), own)?.url, own.numberStatusUrl)
})
