import { isIPv6 } from 'node:net'
import type { Endpoint, Hop, TransportName } from './address.ts'
import { Connection } from './connection.ts'
import { ConnectionTable } from './connection-table.ts'
import { FlowWatch } from './flow-watch.ts'
import type { Gate } from './gate.ts'
import type { SendFailure, Transport, TransportSink } from './transport.ts'
import type { Wire, WireWatch } from './wire.ts'

/** Opens a connection to a hop and adopts it; absent where only peers open them. May throw. */
export type Dial = (hop: Hop, transport: ConnectionTransport) => Connection

/**
 * A transport of connections (RFC 3261 §18): all messages to one peer share one, whoever opened it. What carries the bytes is
 * the business of tcp.ts, tls.ts and ws.ts.
 */
export class ConnectionTransport implements Transport {
  readonly name: TransportName
  readonly reliable = true
  readonly family: 4 | 6
  readonly local: Endpoint
  readonly sink: TransportSink
  readonly table = new ConnectionTable()
  readonly #gate: Gate
  readonly #dial: Dial | undefined
  readonly #onClose: () => void
  #closed = false

  constructor(
    name: TransportName,
    gate: Gate,
    sink: TransportSink,
    dial: Dial | undefined,
    onClose: () => void = () => {},
  ) {
    this.name = name
    this.local = gate.local
    this.family = isIPv6(gate.local.address) ? 6 : 4
    this.sink = sink
    this.#gate = gate
    this.#dial = dial
    this.#onClose = onClose
  }

  send(bytes: Uint8Array, hop: Hop, failure?: SendFailure): void {
    if (this.#closed) return
    const connection = this.#connectionTo(hop)
    if (connection !== undefined) connection.send(bytes, failure)
    else if (failure !== undefined) queueMicrotask(() => failure.onSendFailed())
  }

  isConnected(hop: Hop): boolean {
    return this.table.find(hop) !== undefined
  }

  keep(hop: Hop, onLost: () => void = () => {}, pingAfterMs?: number): () => void {
    const connection = this.#closed ? undefined : this.#connectionTo(hop)
    if (connection === undefined) return () => {}
    const { watch } = connection
    const leave = connection.onLost(() => {
      if (!this.#closed) onLost()
    })
    // A connection that the peer opened is the peer's to keep.
    if (!(watch instanceof FlowWatch)) return leave
    watch.keep(pingAfterMs)
    return () => {
      leave()
      watch.release()
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#onClose()
    for (const connection of this.table) {
      connection.watch.close()
      connection.wire.cut()
    }
    await this.#gate.close()
  }

  /** Takes a connection into use. Whoever made it reports what comes of it: messages, `drop`. */
  adopt(wire: Wire, watch: WireWatch, peer: Hop, isOurs: boolean): Connection {
    const connection = new Connection(wire, watch, peer, isOurs)
    this.table.add(connection)
    return connection
  }

  /** The connection is gone. */
  drop(connection: Connection): void {
    this.table.remove(connection)
    connection.onClosed()
  }

  #connectionTo(hop: Hop): Connection | undefined {
    const open = this.table.find(hop)
    if (open !== undefined || this.#dial === undefined) return open
    try {
      return this.#dial(hop, this)
    } catch {
      // Port 0, or an address that is none.
      return undefined
    }
  }
}
