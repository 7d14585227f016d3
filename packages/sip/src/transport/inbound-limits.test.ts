import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { createSecureContext } from 'node:tls'
import { WebSocket } from 'ws'
import { serializeMessage } from '../message/serialize.ts'
import { ManualClock } from '../testkit/manual-clock.ts'
import { testRequest } from '../testkit/requests.ts'
import { timersOf } from '../transaction/clock.ts'
import { Connection } from './connection.ts'
import { INBOUND_LIMITS } from './inbound-limits.ts'
import { openTcp } from './tcp.ts'
import { openTls } from './tls.ts'
import type { TlsSource } from './tls-source.ts'
import type { Transport, TransportSink } from './transport.ts'
import { openWebSocket } from './ws.ts'

const HOST = '127.0.0.1'
const MESSAGE = serializeMessage(
  testRequest({ from: { address: HOST, port: 5060, transport: 'tcp' }, method: 'OPTIONS' }),
)
const HALF = MESSAGE.subarray(0, MESSAGE.length >> 1)

type Server = {
  readonly clock: ManualClock
  readonly transport: Transport
  /** Resolves when so many messages came. */
  heard(count: number): Promise<void>
  /** A connection that was accepted. */
  client(): Promise<Socket>
  isOpen(socket: Socket): boolean
}

async function serve(limits = INBOUND_LIMITS): Promise<Server> {
  const clock = new ManualClock()
  let messages = 0
  const sink = { onMessage: () => void messages++, onFault() {}, onThrown() {} }
  const listen = { address: HOST, port: 0, transport: 'tcp' } as const
  const transport = await openTcp(listen, sink, timersOf(clock), limits)
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await new Promise((resolve) => setImmediate(resolve))
  }
  const isOpen = (socket: Socket): boolean =>
    transport.isConnected({ address: HOST, port: socket.localPort ?? 0, transport: 'tcp' })
  return {
    clock,
    transport,
    heard: (count) => until(() => messages >= count),
    isOpen,
    async client() {
      const socket = connect(transport.local.port, HOST)
      await once(socket, 'connect')
      await until(() => isOpen(socket))
      return socket
    },
  }
}

/** The server hangs up exactly when the hands have turned so far. */
async function hangsUpAfter(server: Server, socket: Socket, ms: number): Promise<void> {
  server.clock.advance(ms - 1)
  await new Promise((resolve) => setImmediate(resolve))
  assert.ok(server.isOpen(socket))
  socket.resume()
  const closed = once(socket, 'close')
  server.clock.advance(1)
  await closed
  await server.transport.close()
  assert.equal(server.clock.pending, 0)
}

describe('a TCP connection that a peer opened', () => {
  it('is closed when no first message comes in time', async () => {
    const server = await serve()
    await hangsUpAfter(server, await server.client(), 10_000)
  })

  it('is closed when nothing but pings come in that time', async () => {
    const server = await serve()
    const socket = await server.client()
    server.clock.advance(9000)
    socket.write('\r\n\r\n')
    await once(socket, 'data')
    await hangsUpAfter(server, socket, 1000)
  })

  it('is closed when a message is begun and not finished in time, however it drips', async () => {
    const server = await serve()
    const socket = await server.client()
    server.clock.advance(9000)
    socket.write(MESSAGE)
    await server.heard(1)
    server.clock.advance(60_000)
    socket.write(Buffer.concat([MESSAGE, HALF]))
    await server.heard(2)
    server.clock.advance(4000)
    socket.write(MESSAGE.subarray(HALF.length, HALF.length + 1))
    await hangsUpAfter(server, socket, 6000)
  })

  it('is closed when nothing passes for long, and kept by pings and by what is sent to it', async () => {
    const server = await serve()
    const socket = await server.client()
    socket.write(MESSAGE)
    await server.heard(1)
    server.clock.advance(599_999)
    socket.write('\r\n\r\n')
    await once(socket, 'data')
    server.clock.advance(599_999)
    server.transport.send(MESSAGE, { address: HOST, port: socket.localPort!, transport: 'tcp' })
    await hangsUpAfter(server, socket, 600_000)
  })

  it('is refused when its address has too many already, and welcome when one of them has gone', async () => {
    const server = await serve({ ...INBOUND_LIMITS, maxPerAddress: 2 })
    const first = await server.client()
    const second = await server.client()
    const third = connect(server.transport.local.port, HOST).resume()
    await once(third, 'close')
    first.destroy()
    while (server.clock.pending > 1) await new Promise((resolve) => setImmediate(resolve))
    const fourth = await server.client()
    assert.ok(server.isOpen(second) && server.isOpen(fourth))
    await server.transport.close()
    assert.equal(server.clock.pending, 0)
  })
})

describe('a peer that connects and does not finish its handshake', () => {
  const opened = {
    TLS: async (sink: TransportSink, clock: ManualClock) =>
      openTls({ address: HOST, port: 0, transport: 'tls', tls: NO_CERTIFICATE }, sink, timersOf(clock)),
    WebSocket: (sink: TransportSink, clock: ManualClock) =>
      openWebSocket({ address: HOST, port: 0, transport: 'ws' }, sink, timersOf(clock)),
  }
  for (const [what, open] of Object.entries(opened)) {
    it(`is hung up on in time (${what})`, async () => {
      const clock = new ManualClock()
      const transport = await open({ onMessage() {}, onFault() {}, onThrown() {} }, clock)
      const socket = connect(transport.local.port, HOST).resume()
      await once(socket, 'connect')
      // Half a ClientHello, and half a request line.
      socket.write(what === 'TLS' ? Buffer.from([0x16, 3, 1, 0]) : 'GET / HT')
      while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve))
      const closed = new Promise((resolve) => socket.on('error', () => {}).on('close', resolve))
      clock.advance(INBOUND_LIMITS.messageTimeoutMs)
      await closed
      await transport.close()
      assert.equal(clock.pending, 0)
    })
  }
})

describe('a WebSocket', () => {
  const sink = { onMessage() {}, onFault() {}, onThrown() {} }
  async function connected(t: TestContext) {
    const clock = new ManualClock()
    const transport = await openWebSocket({ address: HOST, port: 0, transport: 'ws' }, sink, timersOf(clock))
    t.after(() => transport.close())
    const client = new WebSocket(`ws://${HOST}:${transport.local.port}/`, ['sip'], { autoPong: false })
    t.after(() => client.terminate())
    await once(client, 'open')
    /** What was sent before has come. */
    const isRead = async (): Promise<void> => {
      client.ping()
      await once(client, 'pong')
    }
    const closed = once(client, 'close')
    return { clock, client, isRead, closed }
  }

  it('is closed when a message is begun and not finished in time, whatever comes between its fragments', async (t) => {
    const { clock, client, isRead, closed } = await connected(t)
    client.send(MESSAGE)
    await isRead()
    clock.advance(60_000)
    client.send(HALF, { fin: false })
    await isRead()
    clock.advance(5000)
    client.send('', { fin: false })
    client.pong()
    await isRead()
    clock.advance(4999)
    assert.equal(client.readyState, WebSocket.OPEN)
    clock.advance(1)
    await closed
  })

  it('is closed when it has said nothing for long, though it answers pings', async (t) => {
    const { clock, client, isRead, closed } = await connected(t)
    clock.advance(599_999)
    client.pong()
    await isRead()
    clock.advance(1)
    await closed
  })

  it('is closed when a message is cut into too many fragments', async (t) => {
    const { client, closed } = await connected(t)
    for (let i = 0; i < 100; i++) client.send('x', { fin: false })
    await closed
  })
})

it('pings whose answers are not read are not answered without end', () => {
  const unsent = { bytes: 0 }
  const wire = {
    write: (bytes: Uint8Array) => void (unsent.bytes += bytes.length),
    get unsentBytes() {
      return unsent.bytes
    },
    cut() {},
    end() {},
  }
  const watch = { onRead() {}, onWrite() {}, close() {} }
  const connection = new Connection(wire, watch, { address: HOST, port: 1, transport: 'tcp' }, false)
  for (let i = 0; i < 10_000; i++) connection.pong(() => wire.write(Buffer.from('\r\n')))
  assert.ok(unsent.bytes < 5000)
  unsent.bytes = 0
  connection.pong(() => wire.write(Buffer.from('\r\n')))
  assert.equal(unsent.bytes, 2)
})

it('a peer that does not read is cut off, not buffered for without end', async () => {
  const server = await serve()
  const socket = await server.client()
  socket.pause()
  const hop = { address: HOST, port: socket.localPort!, transport: 'tcp' } as const
  const chunk = Buffer.alloc(64 * 1024, 'x')
  let sentBytes = 0
  while (server.isOpen(socket)) {
    server.transport.send(chunk, hop)
    sentBytes += chunk.length
    assert.ok(sentBytes < 64 * 1024 * 1024)
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.ok(sentBytes > 4 * 1024 * 1024)
  socket.destroy()
  await server.transport.close()
})

/** Nobody gets as far as to see it. */
const NO_CERTIFICATE: TlsSource = {
  clientCert: 'none',
  verifyServers: true,
  contextFor: () => createSecureContext(),
  contextOptions: () => ({}),
  reload: () => Promise.resolve(),
  onReload: () => () => {},
}
