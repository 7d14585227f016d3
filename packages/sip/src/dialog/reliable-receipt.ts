import type { SipResponse } from '../message/message.ts'
import type { Core } from '../core/core.ts'
import type { ChallengeAnswerer } from '../core/credentials.ts'
import type { RequestOptions } from '../core/types.ts'
import type { Dialog } from './dialog.ts'
import { InDialogRequest } from './in-dialog-request.ts'
import type { OnFinal, RequestEnd } from './in-dialog-request.ts'
import { withHeaders } from './update.ts'

/** A callee sends the next response once it has the PRACK of the last (RFC 3262 §3); one that does not wait is made to. */
const MAX_PENDING = 8

/** The reliable provisional responses of one early dialog, as its caller takes them (RFC 3262 §4). */
export class ReliableReceipt implements RequestEnd {
  readonly #core: Core
  readonly #dialog: Dialog
  readonly #answerer: ChallengeAnswerer | undefined
  #lastRSeq: number | undefined
  /** PRACKs without an answer. */
  #pending = 0
  /** RAck of a response that made the offer: its PRACK waits for the answer. */
  #waiting: string | undefined

  constructor(core: Core, dialog: Dialog, answerer: ChallengeAnswerer | undefined) {
    this.#core = core
    this.#dialog = dialog
    this.#answerer = answerer
  }

  /**
   * Whether the response is the next one; a copy was acknowledged before, and one that overtook another comes again. `seq`: of
   * the INVITE. The next one is acknowledged at once, unless it makes an offer.
   */
  take(rseq: number, seq: number, makesOffer: boolean): boolean {
    if (this.#waiting !== undefined || this.#pending === MAX_PENDING) return false
    if (this.#lastRSeq !== undefined && rseq !== this.#lastRSeq + 1) return false
    this.#lastRSeq = rseq
    const rack = `${rseq} ${seq} INVITE`
    if (makesOffer) this.#waiting = rack
    else this.#send(rack, {}, undefined)
    return true
  }

  /** Acknowledges the response that made the offer; false when none waits for that. */
  prack(options: RequestOptions, onFinal: OnFinal | undefined): boolean {
    const rack = this.#waiting
    if (rack === undefined) return false
    this.#waiting = undefined
    this.#send(rack, options, onFinal)
    return true
  }

  /** What became of a PRACK decides nothing: the callee fails the INVITE when it misses one. */
  onRequestEnd(_method: string, response: SipResponse, onFinal: OnFinal | undefined): void {
    this.#pending--
    onFinal?.(response)
  }

  #send(rack: string, options: RequestOptions, onFinal: OnFinal | undefined): void {
    this.#pending++
    const withRack = withHeaders(options, ['RAck', rack])
    new InDialogRequest(this.#core, this.#dialog, this.#answerer, 'PRACK', withRack, this, onFinal)
  }
}

/** RSeq (RFC 3262 §7.1): 1 to 2^31 - 1 and counting on, so up to 2^32 - 1; undefined when it cannot be read. */
export function rseqOf(text: string): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined
  const rseq = Number(text)
  return rseq >= 1 && rseq <= 0xffff_ffff ? rseq : undefined
}
