import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createAsker } from './ask.ts'
import {
  createManualClock,
  createReceiver,
  demoApp,
  demoRecord,
  expectedAksk,
  T0,
  tokenByPosition,
} from './delivery-test-kit.ts'

const record = demoRecord({ forward: undefined })
const app = demoApp({ mode: 'X', verifyPushCertificate: false })

async function asking(t: TestContext) {
  const clock = createManualClock()
  const customer = await createReceiver(clock)
  const asker = createAsker(clock)
  t.after(async () => {
    asker.close()
    await customer.close()
    assert.equal(clock.pending, 0, 'no timer is left')
  })
  return {
    clock,
    customer,
    asker,
    ask: (url = `${customer.url}/ask?x=1`) => asker.ask(record, app, url, T0, 5_000),
  }
}

test('[x.callin.notifyMode] [x.callin.eventType] [x.callin.timestamp] [x.callin.sessionId] [x.callin.caller] [x.callin.called] the question is a signed callin with notifyMode Block and no binding', async (t) => {
  const { ask, customer } = await asking(t)
  customer.react = () => ({ body: '{"operation":"close"}' })
  assert.deepEqual(await ask(), { kind: 'answer', status: 200, body: '{"operation":"close"}' })
  const [{ path, body, headers } = assert.fail('nothing came')] = customer.received
  assert.equal(path, '/ask?x=1')
  assert.deepEqual(JSON.parse(body), {
    eventType: 'callin',
    statusInfo: {
      timestamp: '2026-01-24 02:30:03',
      sessionId: record.sessionId,
      caller: record.caller,
      called: record.x,
      notifyMode: 'Block',
    },
  })
  const token = tokenByPosition(headers['x-aksk'])
  assert.equal(token.digest, expectedAksk(app.secret, token.nonce, token.created))
  assert.equal(headers['content-type'], 'application/json;charset=UTF-8')
})

test('an answer with another status is given as it is', async (t) => {
  const { ask, customer } = await asking(t)
  customer.react = () => ({ status: 503, body: 'later' })
  assert.deepEqual(await ask(), { kind: 'answer', status: 503, body: 'later' })
})

test('[x.timeout] [x.noRetry] a customer who does not answer in time is asked once and given up', async (t) => {
  const { ask, customer, clock } = await asking(t)
  const never = Promise.withResolvers<void>()
  customer.react = () => ({ after: never.promise })
  const answer = ask()
  await customer.arrived(1)
  clock.advance(4_999)
  clock.advance(1)
  assert.deepEqual(await answer, { kind: 'failed', why: 'no whole answer in time' })
  clock.advance(3_600_000)
  assert.equal(customer.received.length, 1)
  never.resolve()
})

test('a broken answer, a dead server, a huge answer and a bad address are failures with a reason', async (t) => {
  const { ask, customer } = await asking(t)
  customer.react = () => ({ raw: 'HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"op' })
  assert.equal((await ask()).kind, 'failed')
  customer.react = () => ({ drop: true })
  assert.equal((await ask()).kind, 'failed')
  customer.react = () => ({ body: 'x'.repeat(100_000) })
  assert.deepEqual(await ask(), { kind: 'failed', why: 'the answer is longer than 65536 bytes' })
  assert.equal((await ask('http://127.0.0.1:1/')).kind, 'failed')
  assert.equal((await ask('ftp://customer.example/')).kind, 'failed')
})

test('a stop of the platform breaks the question off', async (t) => {
  const { ask, asker, customer } = await asking(t)
  customer.react = () => ({ after: new Promise(() => {}) })
  const answer = ask()
  await customer.arrived(1)
  asker.close()
  assert.deepEqual(await answer, { kind: 'failed', why: 'the platform stops' })
})
