import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { makeSelfSigned } from '../open-api/self-signed.ts'
import { createManualClock, createReceiver, demoApp } from './delivery-test-kit.ts'
import { createPushClient } from './push-client.ts'
import type { PostOutcome } from './post.ts'
import type { PushClient } from './push-client.ts'
import { parsePushUrl } from './push-url.ts'

function client(t: TestContext, clock = createManualClock()): PushClient {
  const opened = createPushClient({
    clock,
    concurrency: 4,
    maxWaiting: 10,
    connectTimeoutMs: 5_000,
    answerTimeoutMs: 10_000,
  })
  t.after(() => {
    opened.close()
    assert.equal(clock.pending, 0, 'every timer is cancelled by close')
  })
  return opened
}

function post(to: PushClient, url: string, app = demoApp()): Promise<PostOutcome> {
  const target = parsePushUrl(url)
  assert.ok('origin' in target)
  return new Promise((settle) => to.post({ target, app, body: '{}', isUrgent: false, settle }))
}

describe('https', () => {
  async function tlsServer(t: TestContext) {
    const { key, cert } = await makeSelfSigned(['localhost'], Date.now())
    const server = createServer({ key, cert }, (request, response) =>
      request.resume().on('end', () => response.end()),
    )
    let resumed = 0
    server.on('secureConnection', (socket) => {
      if (socket.isSessionReused()) resumed++
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    })
    return { url: `https://localhost:${(server.address() as AddressInfo).port}/`, resumed: () => resumed }
  }

  it('[push.https] [faq.30] refuses a certificate nobody vouches for', async (t) => {
    const { url } = await tlsServer(t)
    const outcome = await post(client(t), url)
    assert.equal(outcome.kind, 'failed')
    assert.match(outcome.kind === 'failed' ? outcome.error : '', /SELF_SIGNED|UNABLE_TO_VERIFY/)
  })

  it('[push.https] [faq.30] takes it when the app does not want certificates verified', async (t) => {
    const { url } = await tlsServer(t)
    const pushes = client(t)
    assert.equal((await post(pushes, url, demoApp({ verifyPushCertificate: false }))).kind, 'delivered')
    assert.equal((await post(pushes, url)).kind, 'failed', 'the other apps still verify')
  })

  it('resumes the TLS session on the next connection', async (t) => {
    const { url, resumed } = await tlsServer(t)
    const clock = createManualClock()
    const pushes = client(t, clock)
    const app = demoApp({ verifyPushCertificate: false })
    await post(pushes, url, app)
    clock.advance(10_000)
    await post(pushes, url, app)
    assert.equal(resumed(), 1)
  })
})

describe('time', () => {
  it('[push.timeout.connect] gives a connection five seconds, its TLS handshake included', async (t) => {
    const clock = createManualClock()
    const mute = createTcpServer()
    mute.listen(0, '127.0.0.1')
    await once(mute, 'listening')
    t.after(() => mute.close())
    const outcome = post(client(t, clock), `https://127.0.0.1:${(mute.address() as AddressInfo).port}/`)
    const [socket] = await once(mute, 'connection')
    clock.advance(5_000)
    assert.deepEqual(await outcome, {
      kind: 'failed',
      status: 0,
      error: 'no connection in time',
      latencyMs: 5_000,
    })
    socket.destroy()
  })

  it('closes connections that have had nothing to do for a while', async (t) => {
    const clock = createManualClock()
    const receiver = await createReceiver(clock)
    t.after(() => receiver.close())
    const pushes = client(t, clock)
    await post(pushes, receiver.url)
    const [first] = receiver.received
    const closed = once(first!.socket, 'close')
    clock.advance(5_000)
    await closed
    assert.equal((await post(pushes, receiver.url)).kind, 'delivered')
    assert.equal(receiver.connections, 2)
  })

  it('does not reuse a connection that the server is about to close', async (t) => {
    const clock = createManualClock()
    const receiver = await createReceiver(clock)
    t.after(() => receiver.close())
    receiver.react = () => ({ headers: { 'Keep-Alive': 'timeout=1' } })
    const pushes = client(t, clock)
    await post(pushes, receiver.url)
    await post(pushes, receiver.url)
    assert.equal(receiver.connections, 2)
  })
})

describe('a dead server', () => {
  it('gets one POST at a time until it answers again', async (t) => {
    const clock = createManualClock()
    const pushes = client(t, clock)
    const dead = await createReceiver(clock)
    await dead.close()
    for (let n = 0; n < 32; n++) assert.equal((await post(pushes, dead.url)).kind, 'failed')
    assert.equal((await post(pushes, dead.url)).kind, 'skipped')

    const back = await createReceiver(clock, Number(new URL(dead.url).port))
    t.after(() => back.close())
    let answer = (): void => {}
    const answers = new Promise<void>((resolve) => (answer = resolve))
    back.react = () => ({ after: answers })
    clock.advance(1_000)
    const probe = post(pushes, dead.url)
    await back.arrived(1)
    const held = post(pushes, dead.url)
    await new Promise(setImmediate)
    assert.equal(back.received.length, 1, 'the next waits for the probe')
    answer()
    assert.equal((await probe).kind, 'delivered')
    assert.equal((await held).kind, 'delivered')
    assert.equal((await post(pushes, dead.url)).kind, 'delivered')
  })

  it('sends what is put off, and what waited for a probe in vain, back for the time of the next probe', async (t) => {
    const clock = createManualClock()
    const pushes = client(t, clock)
    const dead = await createReceiver(clock)
    await dead.close()
    for (let n = 0; n < 32; n++) await post(pushes, dead.url)
    const skipped = await post(pushes, dead.url)
    assert.equal(skipped.kind === 'skipped' && skipped.retryAt, clock.now() + 1_000)
    clock.advance(1_000)
    const [probe, ...held] = await Promise.all([1, 2, 3].map(() => post(pushes, dead.url)))
    assert.equal(probe?.kind, 'failed')
    assert.deepEqual(
      held.map((outcome) => outcome.kind === 'skipped' && outcome.retryAt - clock.now()),
      [2_000, 2_002],
    )
  })

  it('gets an urgent POST all the same', async (t) => {
    const clock = createManualClock()
    const pushes = client(t, clock)
    const dead = await createReceiver(clock)
    await dead.close()
    for (let n = 0; n < 32; n++) await post(pushes, dead.url)
    const target = parsePushUrl(dead.url)
    assert.ok('origin' in target)
    const outcome = await new Promise<PostOutcome>((settle) =>
      pushes.post({ target, app: demoApp(), body: '{}', isUrgent: true, settle }),
    )
    assert.equal(outcome.kind, 'failed')
  })
})

describe('addresses', () => {
  const cases: readonly (readonly [string, string | undefined, string?])[] = [
    ['http://192.0.2.1/status', 'http://192.0.2.1', '/status'],
    ['http://192.0.2.1:8080', 'http://192.0.2.1:8080', '/'],
    ['https://customer.example/a/../b?x=%2B1&y=a b', 'https://customer.example', '/a/../b?x=%2B1&y=a%20b'],
    ['https://customer.example/状态', 'https://customer.example', '/%E7%8A%B6%E6%80%81'],
    ['https://customer.example/a/../b?x=%2B1', 'https://customer.example', '/a/../b?x=%2B1'],
    ['http://customer.example?x=1#part', 'http://customer.example', '/?x=1'],
    ['HTTP://Customer.Example:80/S', 'http://customer.example', '/S'],
    ['http://[2001:db8::1]:81/s', 'http://[2001:db8::1]:81', '/s'],
    ['ftp://customer.example/', undefined],
    ['customer.example/status', undefined],
    ['', undefined],
    [' http://192.0.2.1/status', undefined],
    ['http://192.0.2.1/status ', undefined],
    ['http://192.0.2.1/status\n', undefined],
    ['http://192.0.2.1/sta\ttus', undefined],
    ['http:\\\\192.0.2.1\\status', undefined],
    ['http://192.0.2.1\\status', undefined],
    ['http:/192.0.2.1/status', undefined],
    ['http:///192.0.2.1/status', undefined],
    ['http:192.0.2.1/status', undefined],
  ]
  for (const [url, origin, path] of cases) {
    it(`[push.url] reads ${JSON.stringify(url)} as ${origin === undefined ? 'none' : `${origin} and ${path}`}`, () => {
      const read = parsePushUrl(url)
      if (origin === undefined) assert.match('fault' in read ? read.fault : '', /^the address /)
      else assert.deepEqual(read, { origin, path })
    })
  }
})
