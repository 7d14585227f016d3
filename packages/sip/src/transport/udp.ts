import { createSocket } from 'node:dgram'
import type { RemoteInfo, Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { Endpoint, Hop, ListenOptions } from './address.ts'
import { listenError } from './listen-error.ts'
import { receiveDatagram } from './receive.ts'
import type { SendFailure, Transport, TransportSink } from './transport.ts'

/** Room for a burst while the process is busy; the kernel may grant less. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024

/** SIP over UDP (RFC 3261 §18). */
export async function openUdp(options: ListenOptions, sink: TransportSink): Promise<Transport> {
  const family = isIPv6(options.address) ? 6 : 4
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
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
  return new UdpTransport(socket, family, sink)
}

class UdpTransport implements Transport {
  readonly name = 'udp'
  readonly reliable = false
  readonly family: 4 | 6
  readonly local: Endpoint
  readonly #socket: Socket
  #closed = false

  constructor(socket: Socket, family: 4 | 6, sink: TransportSink) {
    this.#socket = socket
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

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve()
    this.#closed = true
    return new Promise((resolve) => this.#socket.close(() => resolve()))
  }
}
