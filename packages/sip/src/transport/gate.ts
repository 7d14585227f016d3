import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import type { Timers } from '../shared/timers.ts'
import type { Endpoint, ListenOptions } from './address.ts'
import { InboundWatch } from './inbound-limits.ts'
import type { InboundLimits } from './inbound-limits.ts'
import { listenError } from './listen-error.ts'
import { sourceKeyOf } from './source-key.ts'
import type { TransportSink } from './transport.ts'

/** A connection that a peer opened, watched since its first packet: a handshake counts as the wait for a first message. */
export type Guest = { readonly socket: Socket; readonly peer: Endpoint; readonly watch: InboundWatch }

/** Takes the connections that peers open to one address, as many as the limits allow. */
export class Gate {
  readonly local: Endpoint
  readonly #server: Server
  readonly #timers: Timers
  readonly #limits: InboundLimits
  readonly #sink: Pick<TransportSink, 'admitsConnection'>
  readonly #guests = new Map<string, Guest>()
  /** Connections by source: an IPv4 address, or the /64 of an IPv6 address. */
  readonly #counts = new Map<string, number>()
  /** Told of each. */
  onGuest: (guest: Guest) => void = ({ socket }) => socket.destroy()

  constructor(
    server: Server,
    timers: Timers,
    limits: InboundLimits,
    sink: Pick<TransportSink, 'admitsConnection'>,
  ) {
    this.#sink = sink
    this.#server = server
    this.#timers = timers
    this.#limits = limits
    const bound = server.address()
    if (bound === null || typeof bound === 'string') throw new Error('a TCP server has a socket address')
    this.local = { address: bound.address, port: bound.port }
    server.on('connection', (socket) => {
      const { remoteAddress: address, remotePort: port } = socket
      if (address === undefined || port === undefined) socket.destroy()
      else this.#admit(socket, { address, port })
    })
    server.on('error', () => {})
  }

  /** The guest at the other end of a socket that stands on a guest's own (TLS, HTTP). */
  guestOf({ remoteAddress, remotePort }: Socket): Guest | undefined {
    return this.#guests.get(`${remoteAddress} ${remotePort}`)
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const { socket } of this.#guests.values()) socket.destroy()
    await closed
  }

  #admit(socket: Socket, peer: Endpoint): void {
    const { address } = peer
    const source = sourceKeyOf(address)
    const count = this.#counts.get(source) ?? 0
    if (count >= this.#limits.maxPerAddress || this.#sink.admitsConnection?.(address) === false) {
      socket.destroy()
      return
    }
    this.#counts.set(source, count + 1)
    const watch = new InboundWatch(this.#timers, this.#limits, () => socket.destroy())
    const guest: Guest = { socket, peer, watch }
    const key = `${address} ${peer.port}`
    this.#guests.set(key, guest)
    socket.on('error', () => {})
    socket.on('close', () => {
      watch.close()
      if (this.#guests.get(key) === guest) this.#guests.delete(key)
      const left = this.#counts.get(source)! - 1
      if (left > 0) this.#counts.set(source, left)
      else this.#counts.delete(source)
    })
    this.onGuest(guest)
  }
}

/** Listens; rejects with a sentence for people. An IPv6 wildcard takes IPv6 alone: IPv4 has an address and a face of its own. */
export async function openGate(
  options: ListenOptions,
  timers: Timers,
  limits: InboundLimits,
  sink: Pick<TransportSink, 'admitsConnection'>,
): Promise<Gate> {
  const server = createServer({ noDelay: true, keepAlive: true })
  server.maxConnections = limits.maxConnections
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError(options, error)))
    server.listen({ port: options.port, host: options.address, ipv6Only: true }, () => resolve())
  })
  server.removeAllListeners('error')
  return new Gate(server, timers, limits, sink)
}
