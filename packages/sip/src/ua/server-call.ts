import { dialogOfRequest, seqOf } from '../dialog/dialog.ts'
import { afterSending } from '../dialog/offer-state.ts'
import { ReliableProvisionals } from '../dialog/reliable-provisionals.ts'
import type { ReliableOwner } from '../dialog/reliable-provisionals.ts'
import { Session } from '../dialog/session.ts'
import type { SessionOwner } from '../dialog/session.ts'
import { header } from '../message/headers.ts'
import type { SipRequest, SipResponse } from '../message/message.ts'
import { parseUri } from '../message/uri.ts'
import type { InviteUser, ServerTransaction } from '../transaction/server-transaction.ts'
import type { Endpoint, Hop } from '../transport/address.ts'
import { allowOf } from '../core/allow.ts'
import { asksForSips, contactOf, hasBody, refuse, refuseLocally, reply } from '../core/core.ts'
import type { Core, Face } from '../core/core.ts'
import { REQUIRES_100REL, SUPPORTED, SUPPORTS_100REL, featuresOf } from '../core/features.ts'
import type { Features } from '../core/features.ts'
import { Incoming } from '../core/incoming.ts'
import type { AnswerWatcher } from '../core/incoming.ts'
import { newTag } from '../shared/ids.ts'
import type {
  DialogHandlers,
  ForkRequestOptions,
  ProgressOptions,
  RequestOptions,
  ResponseOptions,
  ServerCall,
  ServerCallHandlers,
} from '../core/types.ts'

const NO_HANDLERS: ServerCallHandlers = {
  onAck() {},
  onBye() {},
  onCancel() {},
  onLost() {},
  onReinvite: (_call, request) => request.respond(488),
}

/**
 * An incoming call.
 *
 *     ringing -answer-> answered (2xx repeated) -ACK-> confirmed -> over
 *     ringing -reject, CANCEL, BYE-> over
 */
export class IncomingCall implements ServerCall, SessionOwner, InviteUser, ReliableOwner, AnswerWatcher {
  readonly callId: string
  readonly request: SipRequest
  readonly source: Hop
  readonly local: Endpoint
  owner: unknown
  handlers: ServerCallHandlers = NO_HANDLERS
  readonly #core: Core
  readonly #transaction: ServerTransaction
  readonly #session: Session
  readonly #localTag: string
  /** Of the INVITE; read when first asked for. */
  #features: Features | undefined
  #state: 'ringing' | 'answered' | 'confirmed' | 'over' = 'ringing'
  /** `bye` was asked for before the ACK came; a callee must wait for it (RFC 3261 §15). */
  #isLeaving = false
  #byeOptions: RequestOptions | undefined
  /** Made for the first reliable provisional response (RFC 3262). */
  #provisionals: ReliableProvisionals | undefined
  /** The PRACK at hand makes an offer. */
  #isPrackOffer = false
  /** The 2xx that waits for a PRACK. */
  #heldAnswer: { readonly options: ResponseOptions | undefined } | undefined

  constructor(core: Core, transaction: ServerTransaction, request: SipRequest, face: Face) {
    this.#core = core
    this.#transaction = transaction
    this.request = request
    this.source = transaction.source
    this.local = face.transport.local
    this.#localTag = newTag()
    const contact = contactOf(face, parseUri(request.uri)?.user, asksForSips(request))
    const dialog = dialogOfRequest(request, this.#localTag, face, transaction.source, contact)
    this.callId = dialog.callId
    const offer = request.body.length > 0 ? 'theirs' : 'awaited'
    this.#session = new Session(core, dialog, this, false, undefined, offer)
    transaction.user = this
    transaction.toTag = this.#localTag
    core.calls.set(this.#localTag, this.#session)
  }

  get reliability(): 'none' | 'supported' | 'required' {
    const features = (this.#features ??= featuresOf(this.request))
    if ((features & REQUIRES_100REL) !== 0) return 'required'
    return (features & SUPPORTS_100REL) !== 0 ? 'supported' : 'none'
  }

  get call(): ServerCall {
    return this
  }

  get sessionHandlers(): DialogHandlers {
    return this.handlers
  }

  progress(status: number, options?: ProgressOptions): void {
    if (this.#state !== 'ringing' || this.#heldAnswer !== undefined || status <= 100 || status >= 200) return
    if (this.#isReliable(options)) {
      const { timers } = this.#core
      this.#provisionals ??= new ReliableProvisionals(timers, this.#transaction, seqOf(this.request), this)
      this.#provisionals.send(status, options)
    } else {
      this.#respond(status, options)
    }
  }

  answer(options?: ResponseOptions): void {
    if (this.#state !== 'ringing' || this.#heldAnswer !== undefined) return
    if (this.#provisionals?.holdsAnswer === true) this.#heldAnswer = { options }
    else this.#answer(options)
  }

  reject(status: number, options?: ResponseOptions): void {
    if (this.#state !== 'ringing') return
    this.#state = 'over'
    this.#core.guard?.onRefused(this.source, status)
    this.#respond(status, options)
    this.#session.drop()
  }

  rejectStateless(status: number, options?: ResponseOptions): void {
    if (this.#state !== 'ringing') return
    this.#state = 'over'
    refuse(this.#core, this.#transaction, this.request, status, options)
    this.#session.drop()
  }

  bye(options?: RequestOptions): void {
    if (this.#state === 'ringing') {
      this.reject(603)
    } else if (this.#state === 'answered') {
      this.#isLeaving = true
      this.#byeOptions = options
    } else {
      this.#state = 'over'
      this.#session.bye(options)
    }
  }

  reinvite(options: RequestOptions, onFinal: (response: SipResponse) => void): void {
    // The caller must have our 2xx, and we its ACK, before a new offer (RFC 3261 §14.1).
    if (this.#state === 'ringing' || this.#state === 'answered') refuseLocally(this.#core, 491, onFinal)
    else this.#session.reinvite(options, onFinal)
  }

  ackReinvite(options?: RequestOptions): void {
    this.#session.ackReinvite(options)
  }

  cancelReinvite(options?: RequestOptions): void {
    this.#session.cancelReinvite(options)
  }

  update(options: ForkRequestOptions, onFinal: (response: SipResponse) => void): void {
    this.#session.update(options, onFinal)
  }

  sendRequest(method: string, options: RequestOptions, onFinal: (response: SipResponse) => void): void {
    this.#session.request(method, options, onFinal)
  }

  onCancel(request: SipRequest): void {
    if (this.#state !== 'ringing') return
    this.reject(487)
    this.handlers.onCancel(this, request)
  }

  sendReliable(status: number, options: ResponseOptions | undefined, rseq: number): Uint8Array | undefined {
    if (hasBody(options)) this.#session.offer = afterSending(this.#session.offer)
    return this.#respond(status, options, ['Require', '100rel', 'RSeq', String(rseq)])
  }

  onNoPrack(): void {
    if (this.#state !== 'ringing') return
    this.reject(504)
    this.handlers.onLost(this, 'no-prack')
  }

  onPrack(transaction: ServerTransaction, request: SipRequest): boolean {
    const isExpected = this.#provisionals?.acknowledge(header(request, 'RAck') ?? '') === true
    if (!isExpected) return false
    const session = this.#session
    const hasSdp = request.body.length > 0
    const isAnswer = session.offer === 'ours'
    const mayOffer = session.offer === 'settled'
    const incoming = new Incoming(
      this.#core,
      transaction,
      request,
      this.#localTag,
      allowOf(this.handlers),
      undefined,
      this,
    )
    if (isAnswer) session.offer = 'settled'
    else if (hasSdp && mayOffer) session.offer = 'theirs'
    this.#isPrackOffer = hasSdp && mayOffer
    const isForUs = hasSdp && (isAnswer || mayOffer) && this.handlers.onPrack !== undefined
    if (!isForUs) {
      incoming.respond(hasSdp && !isAnswer ? 488 : 200)
      return true
    }
    try {
      this.handlers.onPrack?.(this, incoming)
    } catch (error) {
      this.#core.report(error, 'onPrack')
      incoming.respond(500)
    }
    return true
  }

  answerHeaders(): undefined {
    return undefined
  }

  /** The PRACK was answered: what waited for it follows. */
  onAnswered(): void {
    if (this.#isPrackOffer) this.#session.offer = 'settled'
    this.#isPrackOffer = false
    if (this.#state !== 'ringing') return
    const held = this.#heldAnswer
    if (held === undefined || this.#provisionals?.holdsAnswer === true) this.#provisionals?.next()
    else this.#answer(held.options)
  }

  onDrop(): void {
    this.#heldAnswer = undefined
    this.#provisionals?.stop()
    this.#provisionals = undefined
  }

  onFirstAck(request: SipRequest): void {
    if (this.#state !== 'answered') return
    this.#state = 'confirmed'
    this.#provisionals = undefined
    if (this.#isLeaving) this.bye(this.#byeOptions)
    else this.handlers.onAck(this, request)
  }

  onPeerBye(): void {
    if (this.#state === 'ringing') this.#respond(487, undefined)
    this.#state = 'over'
  }

  /** RFC 3262 §3: where the caller requires it, and where SDP must not be lost. */
  #isReliable(options: ProgressOptions | undefined): boolean {
    switch (this.reliability) {
      case 'none':
        return false
      case 'supported':
        return options?.reliable ?? hasBody(options)
      case 'required':
        return true
    }
  }

  #answer(options: ResponseOptions | undefined): void {
    this.#heldAnswer = undefined
    const extra = ['Supported', SUPPORTED]
    const agreed = this.#session.agreeTo(this.request)
    if (agreed !== undefined) for (const item of agreed) extra.push(item)
    const bytes = this.#respond(200, options, extra)
    if (bytes === undefined) return
    this.#state = 'answered'
    this.#provisionals?.stop()
    const session = this.#session
    if (hasBody(options)) session.offer = afterSending(session.offer)
    session.awaitFirstAck(this.#transaction, seqOf(this.request), bytes)
    this.handlers.onAnswered?.(this)
  }

  #respond(
    status: number,
    options: ResponseOptions | undefined,
    more?: readonly string[],
  ): Uint8Array | undefined {
    const { contact } = this.#session.dialog
    const extra = status < 300 ? ['Contact', contact, 'Allow', allowOf(this.handlers)] : undefined
    if (more !== undefined) for (const item of more) extra?.push(item)
    return reply(this.#core, this.#transaction, this.request, status, this.#localTag, options, extra)
  }
}
