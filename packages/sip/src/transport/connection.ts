import type { X509Certificate } from 'node:crypto'
import type { Hop } from './address.ts'
import { certifies } from './tls-names.ts'
import type { SendFailure } from './transport.ts'
import type { Wire, WireWatch } from './wire.ts'

/** A peer that does not read is cut off rather than buffered without end. */
const MAX_UNSENT_BYTES = 4 * 1024 * 1024

/** Pongs beyond it are not written: they are small, and what they cost does not show in their bytes. */
const MAX_UNSENT_BEFORE_PONG = 4096

/** A connection to one peer, whoever opened it. */
export class Connection {
  readonly wire: Wire
  readonly watch: WireWatch
  readonly isOurs: boolean
  /** The peer, as its messages name their source. */
  peer: Hop
  /** The peer's certificate, when it is trusted. */
  certificate: X509Certificate | undefined
  /** Where the table has it. */
  readonly keys = new Set<string>()
  /** Whose message was handed to the connection, and not answered yet. */
  readonly #waiting = new Set<SendFailure>()

  /** Told when it is gone: whoever keeps it. */
  readonly #keepers = new Set<() => void>()

  constructor(wire: Wire, watch: WireWatch, peer: Hop, isOurs: boolean) {
    this.wire = wire
    this.watch = watch
    this.peer = peer
    this.isOurs = isOurs
  }

  send(bytes: Uint8Array, failure: SendFailure | undefined): void {
    if (failure !== undefined) {
      failure.waitsAmong = this.#waiting
      this.#waiting.add(failure)
    }
    this.wire.write(bytes)
    this.watch.onWrite()
    if (this.wire.unsentBytes > MAX_UNSENT_BYTES) this.wire.cut()
  }

  /** Answers a ping, unless the peer sends pings and reads nothing. */
  pong(write: () => void): void {
    if (this.wire.unsentBytes <= MAX_UNSENT_BEFORE_PONG) write()
  }

  /** Tells of its end, until the function that this gives is called. */
  onLost(tell: () => void): () => void {
    // A function of its own: one may keep the connection twice.
    const keeper = (): void => tell()
    this.#keepers.add(keeper)
    return () => void this.#keepers.delete(keeper)
  }

  onClosed(): void {
    this.watch.close()
    const keepers = [...this.#keepers]
    this.#keepers.clear()
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const tell of keepers) tell()
    for (const failure of waiting) failure.onSendFailed()
  }

  /** Whether messages meant for this domain or address may go here: we opened it for that, or the peer has proved it. */
  speaksFor(name: string): boolean {
    const { serverName, address } = this.peer
    if (this.isOurs && (serverName ?? address) === name) return true
    return this.certificate !== undefined && certifies(this.certificate, name)
  }
}
