import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { it, type TestContext } from 'node:test'
import { joinParts } from '@maskline/smpp'
import { createReceiver } from '../notifications/delivery-test-kit.ts'
import { silentLog } from '../shared/log.ts'
import { manualClock } from '../testkit/manual-clock.ts'
import type { DeliveryReceipt, IncomingPart, OutgoingPart } from './carrier.ts'
import { createHttpCarrier } from './http-carrier.ts'
import { startWebhook } from './http-webhook.ts'
import { B, X } from './sms-test-kit.ts'

/** The HTTP adapter against servers and clients on loopback (docs/reference/sms-http.md). */

const PART: OutgoingPart = {
  id: 'sms-1',
  from: X,
  to: B,
  text: '你好 "you"',
  userData: Buffer.alloc(0),
  coding: 'ucs2',
}

async function aggregator(t: TestContext) {
  const hands = manualClock(1_000)
  const server = await createReceiver(hands.clock)
  const carrier = createHttpCarrier({
    name: 'agg',
    url: `${server.url}/send?account=7`,
    token: 'out-token',
    timeoutMs: 10_000,
    clock: hands.clock,
  })
  t.after(async () => {
    await carrier.close()
    await server.close()
    assert.equal(hands.pending(), 0, 'no timer is left')
  })
  return { server, carrier, hands }
}

it('a text is posted whole, with its id, and taken under the id of the answer', async (t) => {
  const { server, carrier } = await aggregator(t)
  server.react = () => ({ body: '{"messageId":"agg-9"}' })
  assert.deepEqual(await carrier.submit(PART), { state: 'accepted', messageId: 'agg-9' })
  const [{ path, headers, body } = assert.fail('nothing came')] = server.received
  assert.equal(path, '/send?account=7')
  assert.equal(headers.authorization, 'Bearer out-token')
  assert.equal(headers['idempotency-key'], 'sms-1')
  assert.deepEqual(JSON.parse(body), { id: 'sms-1', from: X, to: B, text: '你好 "you"' })
})

it('what the answer says decides whether it is taken, refused, refused for now, or unknown', async (t) => {
  const { server, carrier } = await aggregator(t)
  const outcomes = {
    200: { state: 'accepted', messageId: 'sms-1' },
    202: { state: 'accepted', messageId: 'sms-1' },
    302: { state: 'refused', status: 302, temporary: false },
    400: { state: 'refused', status: 400, temporary: false },
    429: { state: 'refused', status: 429, temporary: true },
    503: { state: 'refused', status: 503, temporary: true },
    500: { state: 'unknown' },
    504: { state: 'unknown' },
  }
  for (const [status, outcome] of Object.entries(outcomes)) {
    server.react = () => ({ status: Number(status) })
    assert.deepEqual(await carrier.submit(PART), outcome, status)
  }
})

it('a text that cannot leave is unsent; one whose answer does not come is unknown', async (t) => {
  const { server, carrier, hands } = await aggregator(t)
  server.react = () => ({ drop: true })
  assert.deepEqual(await carrier.submit(PART), { state: 'unknown' })
  server.react = () => ({ raw: 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{' })
  assert.deepEqual(await carrier.submit(PART), { state: 'unknown' })
  server.react = () => ({ after: new Promise(() => {}) })
  const late = carrier.submit(PART)
  await server.arrived(3)
  hands.advance(10_000)
  assert.deepEqual(await late, { state: 'unknown' })

  const closed = createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address() as AddressInfo
  closed.close()
  await once(closed, 'close')
  const nowhere = createHttpCarrier({
    name: 'nowhere',
    url: `http://127.0.0.1:${port}/`,
    timeoutMs: 10_000,
    clock: hands.clock,
  })
  assert.deepEqual(await nowhere.submit(PART), { state: 'unsent' })
  await nowhere.close()
})

it('a close tells the outcome of what is under way', async (t) => {
  const { server, carrier } = await aggregator(t)
  server.react = () => ({ after: new Promise(() => {}) })
  const open = carrier.submit(PART)
  await server.arrived(1)
  await carrier.close()
  assert.deepEqual(await open, { state: 'unknown' })
})

async function webhook(t: TestContext) {
  const parts: IncomingPart[] = []
  const receipts: DeliveryReceipt[] = []
  let isBroken = false
  const server = await startWebhook({
    host: '127.0.0.1',
    port: 0,
    aggregators: new Map([
      [
        'agg 1',
        {
          token: 'in-token',
          handlers: {
            async onPart(part) {
              if (isBroken) throw new Error('the disk is full')
              parts.push(part)
            },
            async onReceipt(receipt) {
              receipts.push(receipt)
            },
          },
        },
      ],
    ]),
    clock: manualClock(5_000).clock,
    log: silentLog,
  })
  t.after(() => server.close())
  return {
    parts,
    receipts,
    breakStorage: () => void (isBroken = true),
    async post(
      path: string,
      body: unknown,
      headers: Record<string, string> = { authorization: 'Bearer in-token' },
    ) {
      const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
        method: 'POST',
        headers: { connection: 'close', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      })
      return [response.status, await response.text()] as const
    },
  }
}

const MESSAGES = '/v1/sms/agg%201/messages'
const SMS = { id: 'mo-1', from: '13800000021', to: '17000000001', text: '你好😀' }

it('a text that is handed in is acknowledged when it is stored, and asked for again when it is not', async (t) => {
  const { post, parts, breakStorage } = await webhook(t)
  assert.deepEqual(await post(MESSAGES, SMS), [204, ''])
  const [part] = parts
  assert.equal(joinParts([part!]), '你好😀')
  const { userData: _, ...rest } = part!
  assert.deepEqual(rest, {
    id: 'mo-1',
    from: '13800000021',
    to: '17000000001',
    coding: 'ucs2',
    receivedAt: 5_000,
  })
  breakStorage()
  assert.equal((await post(MESSAGES, SMS))[0], 503)
})

it('a receipt is handed on', async (t) => {
  const { post, receipts } = await webhook(t)
  const receipt = { messageId: 'agg-9', state: 'undeliverable', error: '27' }
  assert.deepEqual(await post('/v1/sms/agg%201/receipts', receipt), [204, ''])
  assert.deepEqual(receipts, [receipt])
})

it('strangers, wrong paths and wrong bodies are refused, each with what is wrong', async (t) => {
  const { post, parts, receipts } = await webhook(t)
  const statusOf = async (...given: Parameters<typeof post>) => (await post(...given))[0]
  assert.equal(await statusOf(MESSAGES, SMS, {}), 401)
  assert.equal(await statusOf(MESSAGES, SMS, { authorization: 'Bearer other' }), 401)
  assert.equal(await statusOf('/v1/sms/other/messages', SMS), 401)
  assert.equal(await statusOf('/v1/sms/%ff/messages', SMS), 401)
  assert.equal(await statusOf('/', SMS), 404)
  assert.equal(await statusOf(MESSAGES, 'x'.repeat(70_000)), 413)
  for (const [body, culprit] of [
    ['hello', 'body'],
    [[], 'from'],
    [{ ...SMS, from: undefined }, 'from'],
    [{ ...SMS, to: 17 }, 'to'],
    [{ ...SMS, text: null }, 'text'],
    [{ ...SMS, id: 7 }, 'id'],
  ] as const) {
    const [status, text] = await post(MESSAGES, body)
    assert.equal(status, 400)
    assert.match(text, new RegExp(culprit))
  }
  assert.equal(await statusOf('/v1/sms/agg%201/receipts', { messageId: 'a', state: 'gone' }), 400)
  assert.deepEqual([parts, receipts], [[], []])
})

it('a port that is taken is told in one sentence', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.after(() => void taken.close())
  const { port } = taken.address() as AddressInfo
  const options = {
    host: '127.0.0.1',
    port,
    aggregators: new Map(),
    clock: manualClock(0).clock,
    log: silentLog,
  }
  await assert.rejects(startWebhook(options), { code: 'SMS_LISTEN', message: /MASKLINE_SMS_HTTP_PORT/ })
})
