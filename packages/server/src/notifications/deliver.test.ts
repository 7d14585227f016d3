import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import type { App } from '../tenants/app.ts'
import {
  MINUTE,
  createManualClock,
  createMemoryOutbox,
  createReceiver,
  demoApp,
  expectedAksk,
  expectedWsse,
  T0,
  tokenByPosition,
} from './delivery-test-kit.ts'
import type { ManualClock, MemoryOutbox, Received, Receiver } from './delivery-test-kit.ts'
import { createDeliverer } from './deliver.ts'
import type { Deliverer, DelivererOptions, DeliveryReport } from './deliver.ts'
import type { OutboxItem } from './outbox.ts'

type Bench = {
  readonly clock: ManualClock
  readonly outbox: MemoryOutbox
  readonly receiver: Receiver
  readonly deliverer: Deliverer
  readonly reports: DeliveryReport[]
  /** Commits rows for the receiver and hands them over, as storage does. */
  push(...drafts: readonly Partial<OutboxItem>[]): readonly OutboxItem[]
  /** A deliverer over the same outbox, as after a restart. */
  another(): Deliverer
}

async function bench(
  t: TestContext,
  options: Partial<DelivererOptions> & { app?: Partial<App> } = {},
): Promise<Bench> {
  const clock = createManualClock()
  const outbox = createMemoryOutbox(clock)
  const receiver = await createReceiver(clock)
  const reports: DeliveryReport[] = []
  const opened: Deliverer[] = []
  const { app, ...rest } = options
  const apps = { findApp: async (key: string) => demoApp({ ...app, key }) }
  const another = (): Deliverer => {
    const deliverer = createDeliverer({
      outbox,
      apps,
      clock,
      onAttempt: (report) => reports.push(report),
      ...rest,
    })
    opened.push(deliverer)
    return deliverer
  }
  const deliverer = another()
  t.after(async () => {
    await Promise.all(opened.map((one) => one.close()))
    await receiver.close()
    assert.equal(clock.pending, 0, 'every timer is cancelled by close')
  })
  return {
    clock,
    outbox,
    receiver,
    deliverer,
    reports,
    another,
    push(...drafts) {
      const items = outbox.commit(...drafts.map((draft) => ({ url: `${receiver.url}/status`, ...draft })))
      deliverer.enqueue(items)
      return items
    },
  }
}

const bodies = (receiver: Receiver): string[] => receiver.received.map(({ body }) => body)
const fee = (n: number): string => `{"sessionId":"s${n}"}`
const feePush = (...ns: readonly number[]): string =>
  `{"eventType":"fee","feeLst":[${ns.map(fee).join(',')}]}`

describe('a push on the wire', () => {
  it('[push.method] [push.url] [push.header.Content-Type] [push.body.length] [faq.21] is a POST of the whole body to the very address, with its length and not chunked', async (t) => {
    const { push, receiver, deliverer, outbox } = await bench(t)
    push({ url: `${receiver.url}/a%20b/status?x=1&y=%2B`, body: '{"eventType":"callin","größe":1}' })
    await deliverer.drain()
    const [received] = receiver.received
    assert.equal(received?.path, '/a%20b/status?x=1&y=%2B')
    assert.equal(received?.body, '{"eventType":"callin","größe":1}')
    assert.equal(received?.headers['content-type'], 'application/json;charset=UTF-8')
    assert.equal(received?.headers['content-length'], String(Buffer.byteLength(received.body)))
    assert.equal(received?.headers['transfer-encoding'], undefined)
    assert.equal(outbox.rows.size, 0)
  })

  it('[push.sign.verified] [habit.20] is signed so that a receiver who splits the header by position can verify it', async (t) => {
    const { push, receiver, deliverer } = await bench(t, { app: { pushSignature: 'aksk+x-wsse' } })
    push({})
    await deliverer.drain()
    const headers = receiver.received[0]?.headers ?? {}
    assert.equal(headers.authorization, 'AKSK realm="SDP",profile="UsernameToken",type="Appkey"')
    const aksk = tokenByPosition(headers['x-aksk'])
    assert.equal(aksk.username, 'demoKey')
    assert.equal(aksk.digest, expectedAksk('demo secret', aksk.nonce, aksk.created))
    assert.equal(aksk.created, '2026-01-24T02:30:03Z')
    const wsse = tokenByPosition(headers['x-wsse'])
    assert.equal(wsse.digest, expectedWsse('demo secret', wsse.nonce, wsse.created))
  })

  it('[push.sign.anew] is signed anew for every attempt', async (t) => {
    const { push, receiver, deliverer, clock } = await bench(t)
    receiver.react = (_, index) => ({ status: index === 0 ? 500 : 200 })
    await deliverer.start()
    push({})
    await deliverer.drain()
    clock.advance(MINUTE)
    await receiver.arrived(2)
    await deliverer.drain()
    const tokens = receiver.received.map(({ headers }) => tokenByPosition(headers['x-aksk']))
    assert.notEqual(tokens[0]?.nonce, tokens[1]?.nonce)
    assert.deepEqual(
      tokens.map(({ created }) => created),
      ['2026-01-24T02:30:03Z', '2026-01-24T02:31:03Z'],
    )
  })

  it('reuses a connection for the pushes that follow', async (t) => {
    const { push, receiver, deliverer } = await bench(t)
    for (let n = 0; n < 5; n++) {
      push({})
      await deliverer.drain()
    }
    assert.equal(receiver.received.length, 5)
    assert.equal(receiver.connections, 1)
  })
})

describe('what counts as delivered', () => {
  for (const status of [200, 201, 202, 204]) {
    it(`[push.ack.2xx] [push.ack.body] [habit.26] is ${status}`, async (t) => {
      const { push, receiver, deliverer, outbox } = await bench(t)
      receiver.react = () => ({ status, ...(status !== 204 && { body: 'any text' }) })
      push({})
      await deliverer.drain()
      assert.equal(outbox.rows.size, 0)
    })
  }

  for (const status of [301, 302, 307, 400, 401, 404, 500, 503]) {
    it(`[push.ack.others] is not ${status}`, async (t) => {
      const { push, receiver, deliverer, outbox } = await bench(t)
      receiver.react = () => ({ status, headers: { Location: `${receiver.url}/elsewhere` } })
      const [item] = push({})
      await deliverer.drain()
      assert.equal(receiver.received.length, 1, 'a redirection is not followed')
      assert.equal(outbox.rows.get(item!.id)?.attempts, 1)
    })
  }

  const oddAnswers: readonly (readonly [string, string, boolean])[] = [
    ['a chunked answer', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n', true],
    ['an answer that ends with the connection', 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc', true],
    ['an HTTP/1.0 answer', 'HTTP/1.0 200 OK\r\n\r\n', true],
    [
      'an answer after an interim one',
      'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
      true,
    ],
    [
      'an answer with a long body',
      `HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n${'x'.repeat(200_000)}`,
      true,
    ],
    ['half an answer', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', false],
    ['something else than HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', false],
    ['nothing', '', false],
  ]
  for (const [what, raw, isDelivered] of oddAnswers) {
    it(`is ${isDelivered ? '' : 'not '}${what}`, async (t) => {
      const { push, receiver, deliverer, outbox } = await bench(t)
      receiver.react = () => ({ raw })
      push({})
      await deliverer.drain()
      assert.equal(outbox.rows.size, isDelivered ? 0 : 1)
    })
  }

  it('[push.timeout.answer] is not an answer that comes too late', async (t) => {
    const { push, receiver, deliverer, clock, outbox, reports } = await bench(t)
    receiver.react = () => ({ after: new Promise(() => {}) })
    const [item] = push({})
    await receiver.arrived(1)
    clock.advance(9_999)
    assert.equal(reports.length, 0)
    clock.advance(1)
    await deliverer.drain()
    assert.equal(outbox.rows.get(item!.id)?.attempts, 1)
    assert.equal(outbox.rows.get(item!.id)?.firstFailedAt, T0 + 10_000)
  })

  it('is not an answer whose body never ends', async (t) => {
    const { push, receiver, deliverer, clock, outbox } = await bench(t)
    receiver.react = () => ({ raw: 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', keepOpen: true })
    push({})
    await receiver.arrived(1)
    clock.advance(10_000)
    await deliverer.drain()
    assert.equal(outbox.rows.size, 1)
  })
})

describe('the retry ladder', () => {
  it('[push.retry.ladder] [push.retry.sameBody] [push.retry.end] [faq.22] tries seven times, 1, 4, 9, 106, 203 and 300 minutes after the first failure, then gives up', async (t) => {
    const { push, receiver, deliverer, clock, outbox, reports } = await bench(t)
    receiver.react = () => ({ status: 500 })
    await deliverer.start()
    push({})
    for (let attempt = 1; attempt <= 7; attempt++) {
      await receiver.arrived(attempt)
      await deliverer.drain()
      const next = reports.at(-1)?.nextTryAt
      if (next === undefined) break
      clock.advance(next - clock.now() - 1)
      assert.equal(receiver.received.length, attempt, 'not a millisecond early')
      clock.advance(1)
    }
    assert.deepEqual(
      receiver.received.map(({ at }) => (at - T0) / MINUTE),
      [0, 1, 4, 9, 106, 203, 300],
    )
    assert.equal(new Set(bodies(receiver)).size, 1, 'the same body every time')
    assert.equal(outbox.rows.size, 0)
    clock.advance(10_000 * MINUTE)
    await deliverer.drain()
    assert.equal(receiver.received.length, 7)
  })

  it('[push.retry.stop] [faq.26] stops as soon as one retry succeeds', async (t) => {
    const { push, receiver, deliverer, clock, outbox } = await bench(t)
    receiver.react = (_, index) => ({ status: index < 2 ? 503 : 200 })
    await deliverer.start()
    push({})
    for (const [arrivals, wait] of [
      [1, 1 * MINUTE],
      [2, 3 * MINUTE],
      [3, 300 * MINUTE],
    ] as const) {
      await receiver.arrived(arrivals)
      await deliverer.drain()
      clock.advance(wait)
    }
    await deliverer.drain()
    assert.equal(receiver.received.length, 3)
    assert.equal(outbox.rows.size, 0)
  })

  it('reports an address that takes no push once, pushes nothing elsewhere and gives it up', async (t) => {
    const { push, deliverer, outbox, receiver, reports, clock } = await bench(t)
    await deliverer.start()
    const repaired = receiver.url.replace('//', '\\\\')
    push(
      { url: ` ${receiver.url}/status` },
      { url: `${receiver.url}/status\n` },
      { url: `${repaired}\\status` },
      { url: 'ftp://192.0.2.1/' },
    )
    await deliverer.drain()
    clock.advance(400 * MINUTE)
    await deliverer.drain()
    assert.deepEqual(
      reports.map(({ outcome, nextTryAt }) => [outcome.kind, nextTryAt]),
      [1, 2, 3, 4].map(() => ['impossible', undefined]),
    )
    assert.equal(receiver.received.length, 0)
    assert.equal(outbox.rows.size, 0)
  })

  it('[push.retry.unreachable] counts a name that does not resolve and a closed port as failures', async (t) => {
    const { push, deliverer, outbox, receiver } = await bench(t)
    const closed = await createReceiver(createManualClock())
    await closed.close()
    push({ url: closed.url }, { url: 'http://nowhere.invalid/' })
    await deliverer.drain()
    assert.deepEqual(
      [...outbox.rows.values()].map(({ attempts }) => attempts),
      [1, 1],
    )
    assert.equal(receiver.received.length, 0)
  })

  it('counts a connection that the server breaks as one failed attempt', async (t) => {
    const { push, receiver, deliverer, outbox } = await bench(t)
    receiver.react = () => ({ drop: true })
    const [item] = push({})
    await deliverer.drain()
    assert.equal(receiver.received.length, 1)
    assert.equal(outbox.rows.get(item!.id)?.attempts, 1)
  })

  it('sends a push again at once, uncounted, when a kept connection turns out to be closed', async (t) => {
    const { push, receiver, deliverer, outbox, reports } = await bench(t)
    push({})
    await deliverer.drain()
    receiver.react = (_, index) => ({ drop: index === 1 })
    push({ body: '{"n":"stale"}' })
    await deliverer.drain()
    assert.deepEqual(bodies(receiver).slice(1), ['{"n":"stale"}', '{"n":"stale"}'])
    assert.equal(receiver.connections, 2)
    assert.equal(outbox.rows.size, 0)
    assert.equal(reports.length, 2)
  })

  it('does so once only', async (t) => {
    const { push, receiver, deliverer, outbox } = await bench(t)
    push({})
    await deliverer.drain()
    receiver.react = () => ({ drop: true })
    const [item] = push({})
    await deliverer.drain()
    assert.equal(receiver.received.length, 3)
    assert.equal(outbox.rows.get(item!.id)?.attempts, 1)
  })
})

describe('order', () => {
  it('[push.order.session] sends the rows of a call one after another, also when the answers are slow', async (t) => {
    const { push, receiver, deliverer } = await bench(t)
    let inFlight = 0
    receiver.react = () => {
      assert.equal(++inFlight, 1, 'one at a time')
      return { after: new Promise((resolve) => setImmediate(() => resolve(void inFlight--))) }
    }
    for (const event of ['callin', 'callout', 'alerting', 'answer', 'disconnect'])
      push({ sessionId: 's', body: event })
    await deliverer.drain()
    assert.deepEqual(bodies(receiver), ['callin', 'callout', 'alerting', 'answer', 'disconnect'])
  })

  it('[push.order.parallel] sends different calls side by side', async (t) => {
    const { push, receiver } = await bench(t)
    receiver.react = () => ({ after: new Promise(() => {}) })
    push({ sessionId: 'one' }, { sessionId: 'two' }, { sessionId: 'one' })
    await receiver.arrived(2)
    assert.equal(receiver.connections, 2)
  })

  it('[push.order.failed] [push.order.cdr] [faq.12] goes on after a failed event and sends the CDR after the disconnect was tried', async (t) => {
    const { push, receiver, deliverer, outbox } = await bench(t)
    receiver.react = ({ body }) => ({ status: body === 'callin' || body === 'disconnect' ? 500 : 200 })
    push({ sessionId: 's', body: 'callin' }, { sessionId: 's', body: 'callout' })
    push({ sessionId: 's', body: 'disconnect' }, { sessionId: 's', kind: 'fee', body: fee(1) })
    await deliverer.drain()
    assert.deepEqual(bodies(receiver), ['callin', 'callout', 'disconnect', feePush(1)])
    assert.deepEqual(
      [...outbox.rows.values()].map(({ body }) => body),
      ['callin', 'disconnect'],
    )
  })
})

describe('CDR batches', () => {
  it('[push.batch.second] [push.batch.feeLst] [habit.25] [faq.25] gather for one second', async (t) => {
    const { push, receiver, clock, deliverer } = await bench(t)
    push({ kind: 'fee', body: fee(1) })
    clock.advance(400)
    push({ kind: 'fee', body: fee(2) })
    clock.advance(599)
    assert.equal(receiver.received.length, 0)
    clock.advance(1)
    await receiver.arrived(1)
    await deliverer.drain()
    assert.deepEqual(bodies(receiver), [feePush(1, 2)])
  })

  it('[push.batch.fifty] [habit.25] [faq.25] are complete at fifty', async (t) => {
    const { push, receiver, deliverer } = await bench(t)
    push(...Array.from({ length: 120 }, (_, n) => ({ kind: 'fee' as const, body: fee(n) })))
    await receiver.arrived(2)
    await deliverer.drain()
    const sizes = receiver.received.map(({ body }) => JSON.parse(body).feeLst.length)
    assert.deepEqual(sizes.toSorted(), [20, 50, 50])
  })

  it('[push.batch.app] never mix apps or addresses', async (t) => {
    const { push, receiver, deliverer } = await bench(t)
    const path = (name: string) => `${receiver.url}/${name}`
    push(
      { kind: 'fee', body: fee(1), appKey: 'one', url: path('a') },
      { kind: 'fee', body: fee(2), appKey: 'two', url: path('a') },
      { kind: 'fee', body: fee(3), appKey: 'one', url: path('b') },
      { kind: 'fee', body: fee(4), appKey: 'one', url: path('a') },
    )
    await deliverer.drain()
    const seen = receiver.received.map(({ path, headers, body }: Received) =>
      [path, tokenByPosition(headers['x-aksk']).username, body].join(' '),
    )
    assert.deepEqual(seen.toSorted(), [
      `/a one ${feePush(1, 4)}`,
      `/a two ${feePush(2)}`,
      `/b one ${feePush(3)}`,
    ])
  })

  it('[push.batch.retry] [push.retry.fee] [faq.23] are retried as they were, never merged with new records', async (t) => {
    const { push, receiver, deliverer, clock, outbox } = await bench(t)
    receiver.react = (_, index) => ({ status: index === 0 ? 500 : 200 })
    await deliverer.start()
    push({ kind: 'fee', body: fee(1) }, { kind: 'fee', body: fee(2) })
    await deliverer.drain()
    clock.advance(MINUTE - 500)
    push({ kind: 'fee', body: fee(3) })
    clock.advance(500)
    await receiver.arrived(2)
    clock.advance(500)
    await receiver.arrived(3)
    await deliverer.drain()
    assert.deepEqual(bodies(receiver), [feePush(1, 2), feePush(1, 2), feePush(3)])
    assert.equal(outbox.rows.size, 0)
  })

  it('come back whole when more failed batches are due than one read takes', async (t) => {
    const { receiver, deliverer, outbox, clock } = await bench(t)
    // Interleaved and due at one instant, so that a cut at any row would split many batches.
    const rows = Array.from({ length: 2_500 }, (_, n) => ({
      url: `${receiver.url}/fee`,
      kind: 'fee' as const,
      body: fee(n),
      attempts: 1,
      firstFailedAt: T0 - MINUTE,
      batchId: `batch ${n % 50}`,
    }))
    outbox.commit(...rows)
    await deliverer.start()
    while (outbox.rows.size > 0) {
      await deliverer.drain()
      clock.advance(250)
      await new Promise(setImmediate)
    }
    const expected = Array.from({ length: 50 }, (_, batch) =>
      feePush(...Array.from({ length: 50 }, (_, n) => batch + 50 * n)),
    )
    assert.deepEqual(bodies(receiver).toSorted(), expected.toSorted())
  })
})

describe('a crash', () => {
  it('loses nothing: the next run delivers what was left, in order', async (t) => {
    const { push, receiver, deliverer, outbox, another } = await bench(t)
    receiver.react = () => ({ after: new Promise(() => {}) })
    push(
      { sessionId: 's', body: 'callin' },
      { sessionId: 's', body: 'callout' },
      { sessionId: 's', kind: 'fee', body: fee(1) },
    )
    await receiver.arrived(1)
    await deliverer.close()
    assert.equal(outbox.rows.size, 3)
    receiver.react = () => ({})
    const next = another()
    await next.start()
    await next.drain()
    assert.deepEqual(bodies(receiver).slice(1), ['callin', 'callout', feePush(1)])
    assert.equal(outbox.rows.size, 0)
  })

  it('[push.duplicates] between the delivery and its removal makes a duplicate', async (t) => {
    const { push, receiver, deliverer, outbox, another } = await bench(t)
    outbox.refuse('remove', 1_000)
    push({ body: 'answer' })
    await receiver.arrived(1)
    await deliverer.close()
    outbox.refuse('remove', 0)
    const next = another()
    await next.start()
    await next.drain()
    assert.deepEqual(bodies(receiver), ['answer', 'answer'])
    assert.equal(outbox.rows.size, 0)
  })

  it('does not reset the ladder', async (t) => {
    const { push, receiver, deliverer, outbox, another, clock } = await bench(t)
    receiver.react = () => ({ status: 500 })
    push({})
    await deliverer.drain()
    await deliverer.close()
    clock.advance(30_000)
    const next = another()
    await next.start()
    clock.advance(30_000)
    await receiver.arrived(2)
    await next.drain()
    const [row] = outbox.rows.values()
    assert.deepEqual([row?.attempts, row?.firstFailedAt, row?.dueAt], [2, T0, T0 + 4 * MINUTE])
  })
})

describe('a read of the outbox', () => {
  it('that is older than a delivery does not send it again', async (t) => {
    const { push, receiver, deliverer, outbox } = await bench(t)
    const due = outbox.due
    let release = (): void => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    outbox.due = async (at, limit) => {
      const rows = await due(at, limit)
      await held
      return rows
    }
    push({})
    const started = deliverer.start()
    await deliverer.drain()
    assert.equal(outbox.rows.size, 0)
    release()
    await started
    await deliverer.drain()
    assert.equal(receiver.received.length, 1)
  })
})

describe('the wake-up for the next retry', () => {
  /** Turns the hands in small steps and lets everything happen that each step sets off. */
  async function pass(clock: ManualClock, ms: number, stepMs = 50): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      clock.advance(stepMs)
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
    }
  }

  it('misses no row when rows are due a millisecond apart and a read takes longer', async (t) => {
    const { receiver, deliverer, outbox, clock } = await bench(t)
    const due = outbox.due
    outbox.due = async (at, limit) => {
      const rows = await due(at, limit)
      clock.advance(3)
      return rows
    }
    const failed = { url: receiver.url, attempts: 1, firstFailedAt: T0 }
    outbox.commit(...Array.from({ length: 6 }, (_, n) => ({ ...failed, dueAt: T0 + MINUTE + n })))
    await deliverer.start()
    clock.advance(MINUTE - 3)
    await pass(clock, 3_000)
    assert.equal(receiver.received.length, 6)
    assert.equal(outbox.rows.size, 0)
  })

  it('comes again for a row that was still being put off when it was due', async (t) => {
    const { push, receiver, deliverer, outbox, clock } = await bench(t)
    receiver.react = (_, index) => ({ status: index === 0 ? 500 : 200 })
    await deliverer.start()
    outbox.refuse('postpone', 1_000)
    push({})
    await receiver.arrived(1)
    await pass(clock, MINUTE + 2_000, 1_000)
    assert.equal(receiver.received.length, 1, 'the outbox does not know of the failure yet')
    outbox.refuse('postpone', 0)
    await pass(clock, 3_000, 250)
    assert.equal(receiver.received.length, 2)
    assert.equal(outbox.rows.size, 0)
  })
})

describe('a push whose server is dead', () => {
  it('is not dropped unsent on its last rung, also while a probe is in flight', async (t) => {
    const { deliverer, outbox, clock } = await bench(t)
    const server = await createReceiver(clock)
    await server.close()
    const row = { url: server.url, firstFailedAt: T0 - 203 * MINUTE }
    outbox.commit(...Array.from({ length: 40 }, () => ({ ...row, attempts: 1 })))
    await deliverer.start()
    await deliverer.drain()

    const back = await createReceiver(clock, Number(new URL(server.url).port))
    t.after(() => back.close())
    let answer = (): void => {}
    const held = new Promise<void>((resolve) => (answer = resolve))
    back.react = () => ({ after: held })
    const last = { url: server.url, firstFailedAt: T0 - 299 * MINUTE, attempts: 6 }
    clock.advance(1_000)
    const lastOnes = outbox.commit(...Array.from({ length: 100 }, () => last))
    deliverer.enqueue(lastOnes)
    await back.arrived(1)
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
    assert.ok(lastOnes.every(({ id }) => outbox.rows.has(id)))
    answer()
    await deliverer.drain()
    assert.equal(back.received.length >= 100, true)
    assert.ok(lastOnes.every(({ id }) => !outbox.rows.has(id)))
  })

  it('keeps its rung and its attempts until it is really sent', async (t) => {
    const { push, deliverer, outbox, clock } = await bench(t, { concurrency: 1 })
    const server = await createReceiver(clock)
    await server.close()
    await deliverer.start()
    push(...Array.from({ length: 32 }, () => ({ url: server.url })))
    await deliverer.drain()
    const [item] = push({ url: server.url, attempts: 6, firstFailedAt: T0 - 300 * MINUTE })
    await deliverer.drain()
    const { attempts, firstFailedAt, dueAt } = outbox.rows.get(item!.id)!
    assert.deepEqual([attempts, firstFailedAt, dueAt], [6, T0 - 300 * MINUTE, T0 + 1_000])
  })

  it('is sent all the same an hour after its ladder, and then given up', async (t) => {
    const { push, deliverer, outbox, clock, reports } = await bench(t, { concurrency: 1 })
    const server = await createReceiver(clock)
    await server.close()
    push(...Array.from({ length: 32 }, () => ({ url: server.url })))
    await deliverer.drain()
    const [item] = push({ url: server.url, attempts: 2, firstFailedAt: T0 - 360 * MINUTE })
    await deliverer.drain()
    assert.equal(outbox.rows.has(item!.id), false)
    assert.equal(reports.at(-1)?.outcome.kind, 'failed')
  })
})

describe('storage that fails', () => {
  it('costs a push no attempt when its application cannot be read', async (t) => {
    let refusals = 1
    const { push, receiver, deliverer, outbox, clock } = await bench(t, {
      apps: {
        async findApp(key) {
          if (refusals-- > 0) throw new Error('the disk refuses')
          return demoApp({ key })
        },
      } as DelivererOptions['apps'],
    })
    await deliverer.start()
    const [item] = push({})
    await deliverer.drain()
    assert.equal(outbox.rows.get(item!.id)?.attempts, 0)
    clock.advance(1_000)
    await receiver.arrived(1)
    await deliverer.drain()
    assert.equal(outbox.rows.size, 0)
  })

  it('is asked again, and the push is not sent twice meanwhile', async (t) => {
    const errors: unknown[] = []
    const { push, receiver, deliverer, outbox, clock } = await bench(t, {
      onStorageError: (error) => errors.push(error),
    })
    await deliverer.start()
    outbox.refuse('remove', 2)
    push({})
    const drained = deliverer.drain()
    for (const _ of [1, 2]) {
      while (clock.pending === 0 || errors.length === 0) await new Promise(setImmediate)
      errors.length = 0
      clock.advance(1_000)
    }
    await drained
    assert.equal(outbox.rows.size, 0)
    assert.equal(receiver.received.length, 1)
  })

  it('is read again after a failed read at the start', async (t) => {
    const { receiver, deliverer, outbox, clock } = await bench(t)
    outbox.commit({ url: receiver.url })
    outbox.refuse('due', 1)
    await deliverer.start()
    assert.equal(receiver.received.length, 0)
    clock.advance(1_000)
    await receiver.arrived(1)
    await deliverer.drain()
    assert.equal(outbox.rows.size, 0)
  })
})

describe('bounds', () => {
  it('leaves rows beyond the memory limit in the outbox and delivers all of them in order', async (t) => {
    const { push, receiver, deliverer, clock, outbox } = await bench(t, { maxInMemory: 8 })
    await deliverer.start()
    for (let n = 0; n < 100; n++) push({ sessionId: `s${n % 3}`, body: `${n}` })
    while (outbox.rows.size > 0) {
      await deliverer.drain()
      clock.advance(250)
      await new Promise(setImmediate)
    }
    const got = bodies(receiver).map(Number)
    assert.equal(got.length, 100)
    for (let session = 0; session < 3; session++) {
      const ofSession = got.filter((n) => n % 3 === session)
      assert.deepEqual(
        ofSession,
        ofSession.toSorted((a, b) => a - b),
      )
    }
  })

  it('keeps a slow server from delaying others', async (t) => {
    const { push, receiver, deliverer, clock } = await bench(t, { concurrency: 2, maxWaitingPerServer: 5 })
    const slow = await createReceiver(clock)
    t.after(() => slow.close())
    slow.react = () => ({ after: new Promise(() => {}) })
    push(...Array.from({ length: 50 }, () => ({ url: slow.url })))
    push({ body: 'quick' })
    await receiver.arrived(1)
    assert.deepEqual(bodies(receiver), ['quick'])
    await slow.arrived(2)
    assert.equal(slow.connections, 2, 'no more connections than allowed')
    await deliverer.close()
  })

  it('stops hammering a dead server, and finds out when it is back', async (t) => {
    const { push, deliverer, clock, outbox, reports } = await bench(t, { concurrency: 1 })
    const dead = await createReceiver(clock)
    await dead.close()
    push(...Array.from({ length: 100 }, () => ({ url: dead.url })))
    await deliverer.drain()
    const skipped = reports.filter(({ outcome }) => outcome.kind === 'skipped')
    assert.ok(skipped.length >= 60, `${skipped.length} were not even tried`)
    const tried = [...outbox.rows.values()].filter(({ attempts }) => attempts === 1)
    assert.equal(tried.length, 100 - skipped.length, 'what was not sent has used up no attempt')

    const port = Number(new URL(dead.url).port)
    const back = await createReceiver(clock, port)
    t.after(() => back.close())
    push({ url: dead.url })
    await deliverer.drain()
    assert.equal(back.received.length, 0, 'still resting')
    clock.advance(1_000)
    push({ url: dead.url })
    await deliverer.drain()
    push({ url: dead.url }, { url: dead.url })
    await deliverer.drain()
    assert.equal(back.received.length, 3)
  })
})
