import type { TimerHandle, Timers, Waiter } from '../shared/timers.ts'
import type { ServerTransaction } from '../transaction/server-transaction.ts'
import { GIVE_UP_MS, T1, T2 } from '../transaction/timing.ts'

/** Repeats a 2xx of an INVITE until its ACK (RFC 3261 §13.3.1.4), over any transport; then says that none came. */
export class AnswerRepeater implements Waiter {
  readonly seq: number
  #timers: Timers
  #transaction: ServerTransaction
  #bytes: Uint8Array
  #noAck: { onNoAck(): void }
  #timer: TimerHandle
  #intervalMs = T1
  #waitedMs = 0

  constructor(
    timers: Timers,
    transaction: ServerTransaction,
    seq: number,
    bytes: Uint8Array,
    noAck: { onNoAck(): void },
  ) {
    this.#timers = timers
    this.#transaction = transaction
    this.seq = seq
    this.#bytes = bytes
    this.#noAck = noAck
    this.#timer = timers.set(T1, this)
  }

  onTimer(): void {
    this.#waitedMs += this.#intervalMs
    if (this.#waitedMs >= GIVE_UP_MS) {
      this.#noAck.onNoAck()
      return
    }
    this.#transaction.repeat(this.#bytes)
    this.#intervalMs = Math.min(this.#intervalMs * 2, T2, GIVE_UP_MS - this.#waitedMs)
    this.#timer = this.#timers.set(this.#intervalMs, this)
  }

  stop(): void {
    this.#timers.clear(this.#timer)
  }
}
