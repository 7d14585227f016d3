import { connect, createServer, isIPv6 } from 'node:net'
import type { Server, Socket } from 'node:net'
import { StreamFramer } from '../message/framing.ts'
import type { FramedItem } from '../message/framing.ts'
import type { Timers } from '../shared/timers.ts'
import type { Endpoint, Hop, ListenOptions } from './address.ts'
import { INBOUND_LIMITS, InboundWatch } from './inbound-limits.ts'
import type { InboundLimits } from './inbound-limits.ts'
import { listenError } from './listen-error.ts'
import { receiveParsed } from './receive.ts'
import type { SendFailure, Transport, TransportSink } from './transport.ts'

const CONNECT_TIMEOUT_MS = 5000
/** A peer that does not read is cut off rather than buffered without end. */
const MAX_UNSENT_BYTES = 4 * 1024 * 1024
const PONG = Buffer.from('\r\n')

/** SIP over TCP (RFC 3261 §18): framed by Content-Length, connections shared by all messages to the same peer. */
export async function openTcp(
  options: ListenOptions,
  sink: TransportSink,
  timers: Timers,
  limits: InboundLimits = INBOUND_LIMITS,
): Promise<Transport> {
  const server = createServer({ noDelay: true, keepAlive: true })
  server.maxConnections = limits.maxConnections
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(options, error)))
    server.listen(options.port, options.address, () => resolve())
  })
  server.removeAllListeners('error')
  return new TcpTransport(server, sink, timers, limits)
}

type Connection = {
  readonly socket: Socket
  readonly peer: Hop
  /** Whose message was handed to a connection that does not stand yet. */
  unsent: SendFailure[]
  /** Of a connection that the peer opened. */
  readonly watch: InboundWatch | undefined
}

class TcpTransport implements Transport {
  readonly name = 'tcp'
  readonly reliable = true
  readonly family: 4 | 6
  readonly local: Endpoint
  readonly #server: Server
  readonly #sink: TransportSink
  readonly #timers: Timers
  readonly #limits: InboundLimits
  /** By the peer's socket address, whoever opened the connection. */
  readonly #connections = new Map<string, Connection>()
  /** Connections that peers opened, by address. */
  readonly #inbound = new Map<string, number>()
  #closed = false

  constructor(server: Server, sink: TransportSink, timers: Timers, limits: InboundLimits) {
    this.#server = server
    this.#sink = sink
    this.#timers = timers
    this.#limits = limits
    const bound = server.address()
    if (bound === null || typeof bound === 'string') throw new Error('a TCP server has a socket address')
    this.local = { address: bound.address, port: bound.port }
    this.family = isIPv6(bound.address) ? 6 : 4
    server.on('connection', (socket) => {
      const address = socket.remoteAddress
      const port = socket.remotePort
      if (address === undefined || port === undefined) socket.destroy()
      else this.#accept(socket, { address, port, transport: 'tcp' })
    })
    server.on('error', () => {})
  }

  send(bytes: Uint8Array, hop: Hop, failure?: SendFailure): void {
    if (this.#closed) return
    const connection = this.#connections.get(keyOf(hop)) ?? this.#open(hop, failure)
    if (connection === undefined) return
    if (failure !== undefined && connection.socket.connecting) connection.unsent.push(failure)
    connection.socket.write(bytes)
    connection.watch?.onWrite()
    if (connection.socket.writableLength > MAX_UNSENT_BYTES) connection.socket.destroy()
  }

  isConnected(hop: Hop): boolean {
    return this.#connections.has(keyOf(hop))
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const { socket, watch } of this.#connections.values()) {
      watch?.close()
      socket.destroy()
    }
    await closed
  }

  #open(hop: Hop, failure: SendFailure | undefined): Connection | undefined {
    try {
      // No local port: a connection from the listening port could not be opened twice to one peer.
      const localAddress = isUnspecified(this.local.address) ? undefined : this.local.address
      const socket = connect({
        host: hop.address,
        port: hop.port,
        localAddress,
        noDelay: true,
        keepAlive: true,
      })
      socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy())
      socket.once('connect', () => socket.setTimeout(0))
      return this.#adopt(socket, hop, undefined)
    } catch {
      if (failure !== undefined) queueMicrotask(() => failure.onSendFailed())
      return undefined
    }
  }

  #accept(socket: Socket, peer: Hop): void {
    const { address } = peer
    const count = this.#inbound.get(address) ?? 0
    if (count >= this.#limits.maxPerAddress) {
      socket.destroy()
      return
    }
    this.#inbound.set(address, count + 1)
    const watch = new InboundWatch(this.#timers, this.#limits, () => socket.destroy())
    socket.on('close', () => {
      watch.close()
      const left = this.#inbound.get(address)! - 1
      if (left > 0) this.#inbound.set(address, left)
      else this.#inbound.delete(address)
    })
    this.#adopt(socket, peer, watch)
  }

  #adopt(socket: Socket, peer: Hop, watch: InboundWatch | undefined): Connection {
    const key = keyOf(peer)
    const connection: Connection = { socket, peer, unsent: [], watch }
    const framer = new StreamFramer()
    this.#connections.set(key, connection)
    socket.on('connect', () => {
      connection.unsent = []
    })
    socket.on('data', (chunk: Buffer) => {
      const events = framer.push(chunk)
      watch?.onRead(events.length > 0, framer.isUnfinished)
      for (const event of events) {
        if (socket.destroyed) return
        try {
          this.#receive(event, connection)
        } catch (error) {
          this.#sink.onThrown(error, this.name)
        }
      }
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      if (this.#connections.get(key) === connection) this.#connections.delete(key)
      for (const failure of connection.unsent) failure.onSendFailed()
      connection.unsent = []
    })
    return connection
  }

  #receive(event: FramedItem, { socket, peer }: Connection): void {
    // RFC 5626 §3.5.1: a double CRLF is a ping and is answered by one CRLF.
    if (event.kind === 'keepalive') socket.write(PONG)
    else if (event.kind === 'message') receiveParsed(event.result, peer, this, this.#sink)
    else {
      try {
        if (event.answerable !== undefined) this.#sink.onFault(event.answerable, event.fault, peer, this)
      } finally {
        socket.destroySoon()
      }
    }
  }
}

const keyOf = (hop: Hop): string => `${hop.address} ${hop.port}`
const isUnspecified = (address: string): boolean => address === '0.0.0.0' || address === '::'
