import { parseCSeq } from '../message/cseq.ts'
import { header } from '../message/headers.ts'
import type { SipResponse } from '../message/message.ts'
import type { Core } from '../core/core.ts'
import type { ChallengeAnswerer } from '../core/credentials.ts'
import { REQUIRES_100REL, featuresOf } from '../core/features.ts'
import type { ForkRequestOptions } from '../core/types.ts'
import { confirmDialog } from './dialog.ts'
import type { OnFinal } from './in-dialog-request.ts'
import { afterReceiving, afterSending } from './offer-state.ts'
import { ReliableReceipt, rseqOf } from './reliable-receipt.ts'
import type { Session } from './session.ts'

/** Early dialogs of one INVITE; forks beyond that are heard of when they answer. */
const MAX_FORKS = 20

/** Makes the session of a fork by its first response. */
export type SessionMaker = { enter(response: SipResponse): Session }

type EarlyDialog = {
  readonly session: Session
  /** Made for its first reliable provisional response. */
  receipt: ReliableReceipt | undefined
}

/** The early dialogs of an INVITE of ours, one for each fork that was heard of (RFC 3261 §12.1.2, §13.2.2.4). */
export class EarlyDialogs {
  readonly #core: Core
  readonly #answerer: ChallengeAnswerer | undefined
  readonly #maker: SessionMaker
  #open: EarlyDialog[] = []

  constructor(core: Core, answerer: ChallengeAnswerer | undefined, maker: SessionMaker) {
    this.#core = core
    this.#answerer = answerer
    this.#maker = maker
  }

  /** That of a fork, or the one heard of last. */
  of(fork: string | undefined): Session | undefined {
    return this.#find(fork)?.session
  }

  /**
   * Takes a provisional response with this To-tag: whether to handle it. Not so a reliable one that came before or out of order
   * (RFC 3262 §4), and the first of a fork too many.
   */
  take(response: SipResponse, fork: string): boolean {
    let early = this.#find(fork)
    if (early === undefined) {
      if (fork === '' || response.status === 199) return true
      if (this.#open.length === MAX_FORKS) return false
      early = { session: this.#maker.enter(response), receipt: undefined }
      this.#open.push(early)
    }
    const text = header(response, 'RSeq')
    if (text === undefined || (featuresOf(response) & REQUIRES_100REL) === 0) return true
    const rseq = rseqOf(text)
    return rseq !== undefined && this.#acknowledge(early, response, rseq)
  }

  /** Acknowledges a reliable response that made the offer. */
  prack(options: ForkRequestOptions, onFinal: OnFinal | undefined): void {
    const early = this.#find(options.fork)
    if (early?.receipt?.prack(options, onFinal) !== true) return
    early.session.offer = afterSending(early.session.offer)
  }

  /** Nothing more comes of this fork (RFC 6228 §5); false when it was not heard of. */
  end(fork: string): boolean {
    const early = this.#find(fork)
    if (early === undefined) return false
    this.#open = this.#open.filter((one) => one !== early)
    early.session.drop()
    return true
  }

  /** The session of the fork that answered; the others are over. */
  confirm(response: SipResponse, fork: string): Session {
    let session = this.of(fork)
    if (session === undefined) session = this.#maker.enter(response)
    else confirmDialog(this.#core, session.dialog, response)
    if (session.offer === 'awaited') session.offer = 'theirs'
    const open = this.#open
    this.#open = []
    for (const other of open) if (other.session !== session) other.session.drop()
    return session
  }

  drop(): void {
    const open = this.#open
    this.#open = []
    for (const { session } of open) session.drop()
  }

  #find(fork: string | undefined): EarlyDialog | undefined {
    if (fork === undefined) return this.#open.at(-1)
    for (const early of this.#open) if (early.session.dialog.remoteTag === fork) return early
    return undefined
  }

  #acknowledge(early: EarlyDialog, response: SipResponse, rseq: number): boolean {
    const { session } = early
    early.receipt ??= new ReliableReceipt(this.#core, session.dialog, this.#answerer)
    const hasBody = response.body.length > 0
    const seq = parseCSeq(header(response, 'CSeq') ?? '')?.seq ?? 0
    const isNext = early.receipt.take(rseq, seq, hasBody && session.offer === 'awaited')
    if (isNext && hasBody) session.offer = afterReceiving(session.offer)
    return isNext
  }
}
