import { randomBytes } from 'node:crypto'

/** Then it is lost, and another goes out. */
const LOST_AFTER_MS = 1000
const SECRET_BYTES = 11

/**
 * A datagram to ourselves: it waits where messages wait, so the time it takes is theirs. Shorter than any message; with a
 * secret, for others can write our address on datagrams too.
 */
export class QueueProbe {
  readonly #send: (probe: Uint8Array) => void
  /** A secret and a number of one byte. */
  readonly #bytes = randomBytes(SECRET_BYTES + 1)
  #sentAt: number | undefined
  #tookMs = 0
  /** So many took longer, each than the one before. */
  #growths = 0
  /** One came back: nothing on this machine keeps them from it. */
  #isProven = false

  constructor(send: (probe: Uint8Array) => void) {
    this.#send = send
  }

  /** Sends one, unless one is under way. */
  send(now: number): void {
    if (this.#sentAt !== undefined && now - this.#sentAt < LOST_AFTER_MS) return
    this.#sentAt = now
    this.#bytes[SECRET_BYTES] = (this.#bytes[SECRET_BYTES]! + 1) & 255
    this.#send(this.#bytes)
  }

  /** Takes a datagram; false when it is not the one that is under way. */
  take(datagram: Uint8Array, now: number): boolean {
    if (this.#sentAt === undefined || !this.#bytes.equals(datagram)) return false
    const tookMs = now - this.#sentAt
    this.#growths = tookMs > this.#tookMs ? this.#growths + 1 : 0
    this.#tookMs = tookMs
    this.#sentAt = undefined
    this.#isProven = true
    return true
  }

  /** The queue was empty at this instant: what was under way then is lost. */
  onEmpty(at: number): void {
    this.#tookMs = 0
    this.#growths = 0
    if (this.#sentAt !== undefined && this.#sentAt < at) this.#sentAt = undefined
  }

  /** How long messages wait, milliseconds: at least what the last took, or the one under way has taken. Undefined: not known. */
  waitMs(now: number): number | undefined {
    if (!this.#isProven) return undefined
    return Math.max(this.#tookMs, this.#sentAt === undefined ? 0 : now - this.#sentAt)
  }
  /** How often in a row the wait grew, to more than `leastMs` at last; 0: it did not. */
  growthsTo(leastMs: number): number {
    return this.#tookMs > leastMs ? this.#growths : 0
  }
}
