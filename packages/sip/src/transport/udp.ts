import { createSocket } from 'node:dgram'
import type { RemoteInfo, Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { Timers } from '../shared/timers.ts'
import type { Endpoint, Hop, ListenOptions } from './address.ts'
import { listenError } from './listen-error.ts'
import { receiveDatagram } from './receive.ts'
import { Reminder } from './reminder.ts'
import type { SendFailure, Transport, TransportSink } from './transport.ts'

/** RFC 5626 §4.4.2: 24 to 29 s over UDP. */
const KEEP_ALIVE_EVERY_MS = 25_000
const KEEP_ALIVE = Buffer.from('\r\n\r\n')
/** Room for a burst while the process is busy; the kernel may grant less. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024

/** SIP over UDP (RFC 3261 §18). */
export async function openUdp(
  options: ListenOptions,
  sink: TransportSink,
  timers: Timers,
): Promise<Transport> {
  const family = isIPv6(options.address) ? 6 : 4
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    // An IPv6 wildcard takes IPv6 alone: IPv4 has an address and a face of its own.
    ipv6Only: family === 6,
    recvBufferSize: SOCKET_BUFFER_BYTES,
    sendBufferSize: SOCKET_BUFFER_BYTES,
    // Hops are literal addresses: the detour through the resolver would cost more than the send itself.
    lookup: (host, _options, done) => done(null, host, family),
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (error) => reject(listenError(options, error)))
    socket.bind(options.port, options.address, () => resolve())
  })
  socket.removeAllListeners('error')
  return new UdpTransport(socket, family, sink, timers)
}

class UdpTransport implements Transport {
  readonly name = 'udp'
  readonly reliable = false
  readonly family: 4 | 6
  readonly local: Endpoint
  readonly #socket: Socket
  readonly #timers: Timers
  readonly #kept = new Set<Reminder>()
  #closed = false

  constructor(socket: Socket, family: 4 | 6, sink: TransportSink, timers: Timers) {
    this.#socket = socket
    this.#timers = timers
    this.family = family
    const { address, port } = socket.address()
    this.local = { address, port }
    socket.on('message', (data: Buffer, from: RemoteInfo) => {
      receiveDatagram(data, { address: from.address, port: from.port, transport: 'udp' }, this, sink)
    })
    // An unconnected socket reports nothing about peers here, and what it does report ends no transaction.
    socket.on('error', () => {})
  }

  send(bytes: Uint8Array, hop: Hop, failure?: SendFailure): void {
    if (this.#closed) return
    try {
      if (failure === undefined) this.#socket.send(bytes, hop.port, hop.address)
      else
        this.#socket.send(bytes, hop.port, hop.address, (error) => {
          if (error !== null) failure.onSendFailed()
        })
    } catch {
      // Port 0 or an address that is none: as lost as a datagram can be.
      if (failure !== undefined) queueMicrotask(() => failure.onSendFailed())
    }
  }

  isConnected(): boolean {
    return false
  }

  keep(hop: Hop, _onLost?: () => void, pingAfterMs = Infinity): () => void {
    // No answer is waited for, as STUN would have one (RFC 5626 §3.5.2).
    const way = new Reminder(this.#timers, Math.min(KEEP_ALIVE_EVERY_MS, pingAfterMs), () =>
      this.send(KEEP_ALIVE, hop),
    )
    this.#kept.add(way)
    return () => {
      this.#kept.delete(way)
      way.close()
    }
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve()
    this.#closed = true
    for (const way of this.#kept) way.close()
    return new Promise((resolve) => this.#socket.close(() => resolve()))
  }
}
