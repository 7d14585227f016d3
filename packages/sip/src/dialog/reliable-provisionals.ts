import type { TimerHandle, Timers, Waiter } from '../shared/timers.ts'
import type { ServerTransaction } from '../transaction/server-transaction.ts'
import { GIVE_UP_MS, T1 } from '../transaction/timing.ts'
import { hasBody } from '../core/core.ts'
import type { ResponseOptions } from '../core/types.ts'

export type ReliableOwner = {
  /** Sends a provisional response with this RSeq; returns its bytes, undefined when it is too late for one. */
  sendReliable(status: number, options: ResponseOptions | undefined, rseq: number): Uint8Array | undefined
  /** 64·T1 have passed without a PRACK. */
  onNoPrack(): void
}

type Waiting = { readonly status: number; readonly options: ResponseOptions | undefined }

/** Responses that wait for a PRACK; beyond that the oldest without a body gives way. */
const MAX_WAITING = 8

/**
 * The reliable provisional responses of one INVITE (RFC 3262 §3): one at a time, each repeated after T1, 2·T1, 4·T1 … until its
 * PRACK, over any transport.
 */
export class ReliableProvisionals implements Waiter {
  readonly #timers: Timers
  readonly #transaction: ServerTransaction
  /** CSeq number of the INVITE. */
  readonly #seq: number
  readonly #owner: ReliableOwner
  /** By chance in the lower half, so that counting on overflows nothing (RFC 3262 §7.1). */
  #rseq = 1 + Math.floor(Math.random() * 0x7fff_fffe)
  readonly #waiting: Waiting[] = []
  /** The one without its PRACK. */
  #bytes: Uint8Array | undefined
  #hasBody = false
  #timer: TimerHandle
  #intervalMs = T1
  #waitedMs = 0
  #isFinal = false

  constructor(timers: Timers, transaction: ServerTransaction, seq: number, owner: ReliableOwner) {
    this.#timers = timers
    this.#transaction = transaction
    this.#seq = seq
    this.#owner = owner
  }

  /** The 2xx must wait: the caller may not have the SDP yet that it would confirm. */
  get holdsAnswer(): boolean {
    return (
      (this.#bytes !== undefined && this.#hasBody) || this.#waiting.some(({ options }) => hasBody(options))
    )
  }

  send(status: number, options: ResponseOptions | undefined): void {
    if (this.#isFinal) return
    if (this.#bytes !== undefined) this.#queue({ status, options })
    else this.#begin(status, options)
  }

  /** Takes a PRACK's RAck: whether it names the response that waits for it (RFC 3262 §3, §7.2). */
  acknowledge(rack: string): boolean {
    if (this.#bytes === undefined) return false
    const [rseq, seq, method] = rack.trim().split(/\s+/)
    if (Number(rseq) !== this.#rseq || Number(seq) !== this.#seq || method !== 'INVITE') return false
    this.#timers.clear(this.#timer)
    this.#bytes = undefined
    return true
  }

  /** Sends the next one that waited. */
  next(): void {
    const first = this.#bytes === undefined && !this.#isFinal ? this.#waiting.shift() : undefined
    if (first !== undefined) this.#begin(first.status, first.options)
  }

  /** The final response is out: nothing is repeated any more, a PRACK on its way still fits. */
  stop(): void {
    this.#isFinal = true
    this.#waiting.length = 0
    this.#timers.clear(this.#timer)
  }

  onTimer(): void {
    this.#waitedMs += this.#intervalMs
    if (this.#waitedMs >= GIVE_UP_MS) {
      this.stop()
      this.#owner.onNoPrack()
      return
    }
    this.#transaction.repeat(this.#bytes!)
    this.#intervalMs = Math.min(this.#intervalMs * 2, GIVE_UP_MS - this.#waitedMs)
    this.#timer = this.#timers.set(this.#intervalMs, this)
  }

  #queue(waiting: Waiting): void {
    if (this.#waiting.length === MAX_WAITING) {
      const spare = this.#waiting.findIndex(({ options }) => !hasBody(options))
      this.#waiting.splice(Math.max(spare, 0), 1)
    }
    this.#waiting.push(waiting)
  }

  #begin(status: number, options: ResponseOptions | undefined): void {
    const bytes = this.#owner.sendReliable(status, options, ++this.#rseq)
    if (bytes === undefined) return
    this.#bytes = bytes
    this.#hasBody = hasBody(options)
    this.#intervalMs = T1
    this.#waitedMs = 0
    this.#timer = this.#timers.set(T1, this)
  }
}
