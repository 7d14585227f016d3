import { NO_BODY } from '../message/message.ts'
import type { SipRequest, SipResponse } from '../message/message.ts'
import type { ServerTransaction } from '../transaction/server-transaction.ts'
import { allowOf } from '../core/allow.ts'
import { hasBody, refuseLocally, reply } from '../core/core.ts'
import type { CallRoute, Core } from '../core/core.ts'
import type { ChallengeAnswerer } from '../core/credentials.ts'
import { Incoming } from '../core/incoming.ts'
import type { DialogCall, DialogHandlers, LossCause, RequestOptions } from '../core/types.ts'
import { AnswerRepeater } from './answer-repeater.ts'
import { findWay, refreshTarget, seqOf } from './dialog.ts'
import type { Dialog } from './dialog.ts'
import { InDialogRequest } from './in-dialog-request.ts'
import type { OnFinal, RequestEnd } from './in-dialog-request.ts'
import type { OfferState } from './offer-state.ts'
import { PeerRequests } from './peer-requests.ts'
import type { OpenOffer, PeerRequest, PeerRequestsOwner } from './peer-requests.ts'
import { refusalInDialog } from './refusal.ts'
import { Reinvite } from './reinvite.ts'
import type { ReinviteOwner } from './reinvite.ts'
import type { SessionLimits } from '../core/session-interval.ts'
import { SessionRefresh } from './session-refresh.ts'
import type { RefreshOwner } from './session-refresh.ts'
import { Update } from './update.ts'
import type { UpdateOwner } from './update.ts'

/** The call that a session belongs to. */
export type SessionOwner = {
  readonly call: DialogCall
  readonly sessionHandlers: DialogHandlers
  /** ACK of the 2xx that made the dialog. */
  onFirstAck(request: SipRequest): void
  /** The peer's BYE was answered; the first INVITE may still need an answer (487). */
  onPeerBye(): void
  /** PRACK; false: nothing waits for it. */
  onPrack(transaction: ServerTransaction, request: SipRequest): boolean
  /** The dialog is over, whatever ended it: nothing of the call may wait any more. */
  onDrop(): void
}

/**
 * What happens inside a dialog, the same for both sides: BYE, re-INVITE and UPDATE with glare, other requests, CSeq order,
 * session timers (RFC 3261 §12.2, §14, §15; RFC 3311; RFC 4028). It ends once, by our BYE, the peer's, or a loss.
 */
export class Session
  implements CallRoute, ReinviteOwner, UpdateOwner, RequestEnd, PeerRequestsOwner, RefreshOwner
{
  readonly dialog: Dialog
  /** Of the INVITE that made the dialog, then of what else makes an offer without an object of its own. */
  offer: OfferState
  readonly #core: Core
  readonly #owner: SessionOwner
  readonly ownsCallId: boolean
  readonly #answerer: ChallengeAnswerer | undefined
  #state: 'open' | 'leaving' | 'over' = 'open'
  #isConfirmed = false
  #reinvite: Reinvite | undefined
  #update: Update | undefined
  /** Made for the first of them. */
  #peers: PeerRequests | undefined
  #repeater: AnswerRepeater | undefined
  /** CSeq of the INVITE that made the dialog, on the called side. */
  #firstSeq = -1
  /** Made when the call is answered. */
  #refresh: SessionRefresh | undefined

  constructor(
    core: Core,
    dialog: Dialog,
    owner: SessionOwner,
    ownsCallId: boolean,
    answerer: ChallengeAnswerer | undefined,
    offer: OfferState,
  ) {
    this.#core = core
    this.dialog = dialog
    this.#owner = owner
    this.ownsCallId = ownsCallId
    this.#answerer = answerer
    this.offer = offer
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  get isConfirmed(): boolean {
    return this.#isConfirmed
  }

  get call(): DialogCall {
    return this.#owner.call
  }

  get handlers(): DialogHandlers {
    return this.#owner.sessionHandlers
  }

  get hasOffer(): boolean {
    return this.handlers.sessionOffer !== undefined
  }

  get mustWait(): boolean {
    return this.openOffer !== undefined
  }

  get openOffer(): OpenOffer {
    if (this.offer === 'theirs') return 'theirs'
    // Who is awaited to offer first has the word; to an offer of the other it is as good as made.
    if (this.offer !== 'settled') return 'ours'
    if (this.#reinvite?.isInviting === true || this.#update?.isOffering === true) return 'ours'
    return this.#peers?.isOffering === true || this.#reinvite?.isUnacknowledged === true
      ? 'theirs'
      : undefined
  }

  owns(callId: string, remoteTag: string): boolean {
    return this.dialog.callId === callId && this.dialog.remoteTag === remoteTag
  }

  /** Our INVITE was answered with this 2xx; `limits` are what it asked for. */
  confirm(response: SipResponse, limits: SessionLimits): void {
    this.#isConfirmed = true
    this.#refresh = new SessionRefresh(this.#core.timers, this, limits)
    this.#refresh.onAccepted(response)
  }

  /** Repeats the 2xx that made the dialog until its ACK; `seq` is the CSeq number of its INVITE. */
  awaitFirstAck(transaction: ServerTransaction, seq: number, bytes: Uint8Array): void {
    // Answered means let in: now a Contact's host name may be looked up, in time for our first request.
    findWay(this.#core, this.dialog)
    this.#isConfirmed = true
    this.#firstSeq = seq
    this.#repeat(transaction, seq, bytes)
    this.#refresh?.apply()
  }

  bye(options: RequestOptions | undefined): void {
    if (this.#state !== 'open') return
    this.#settle()
    this.#state = 'leaving'
    new InDialogRequest(this.#core, this.dialog, this.#answerer, 'BYE', options, this, undefined)
  }

  reinvite(options: RequestOptions, onFinal: OnFinal): void {
    if (this.#state !== 'open' || this.#reinvite?.isOpen === true) {
      refuseLocally(this.#core, this.#state === 'open' ? 491 : 481, onFinal)
      return
    }
    this.dialog.allow = allowOf(this.handlers)
    this.#reinvite = new Reinvite(
      this.#core,
      this.dialog,
      this.#answerer,
      this,
      this.ownsCallId,
      options,
      onFinal,
    )
  }

  ackReinvite(options: RequestOptions | undefined): void {
    this.#reinvite?.ack(options)
  }

  cancelReinvite(options: RequestOptions | undefined): void {
    this.#reinvite?.cancel(options)
  }

  update(options: RequestOptions, onFinal: OnFinal): void {
    const mustWait = this.#update?.isOpen === true || (hasBody(options) && this.mustWait)
    if (this.#state !== 'open' || mustWait) {
      refuseLocally(this.#core, this.#state === 'open' ? 491 : 481, onFinal)
      return
    }
    this.#update = new Update(
      this.#core,
      this.dialog,
      this.#answerer,
      this,
      this.ownsCallId,
      options,
      onFinal,
    )
  }

  request(method: string, options: RequestOptions, onFinal: OnFinal): void {
    if (this.#state === 'open') {
      new InDialogRequest(this.#core, this.dialog, this.#answerer, method, options, this, onFinal)
    } else {
      refuseLocally(this.#core, 481, onFinal)
    }
  }

  onRequest(transaction: ServerTransaction, request: SipRequest): void {
    const seq = seqOf(request)
    const { dialog } = this
    if (seq <= dialog.remoteSeq) {
      // RFC 3261 §12.2.2: older than what we have seen, and no retransmission, or it would not have come here.
      this.#reply(transaction, request, 500, ['Retry-After', '0'])
      return
    }
    dialog.remoteSeq = seq
    if (this.#state === 'over') {
      this.#reply(transaction, request, 481)
      return
    }
    switch (request.method) {
      case 'BYE':
        this.#onBye(transaction, request)
        return
      case 'INVITE':
      case 'UPDATE':
        this.#onChange(transaction, request, seq)
        return
      case 'PRACK':
        if (!this.#owner.onPrack(transaction, request)) this.#reply(transaction, request, 481)
        return
      default:
        this.#onOther(transaction, request)
    }
  }

  onAck(request: SipRequest): void {
    const seq = seqOf(request)
    if (this.#repeater?.seq !== seq) return
    this.#repeater.stop()
    this.#repeater = undefined
    this.offer = 'settled'
    if (seq === this.#firstSeq) this.#owner.onFirstAck(request)
    else if (this.#state === 'open') this.handlers.onReinviteAck?.(this.call, request)
  }

  onNoAck(): void {
    this.#repeater = undefined
    this.#lose('no-ack')
  }

  intervalRefusal(request: SipRequest): readonly string[] | undefined {
    return this.#refresh?.refusalOf(request)
  }

  answerHeaders(request: SipRequest): readonly string[] | undefined {
    return this.#isConfirmed ? this.agreeTo(request) : undefined
  }

  /** What our 2xx of an INVITE or UPDATE says of the session timer. */
  agreeTo(request: SipRequest): readonly string[] | undefined {
    const { timers, sessionLimits } = this.#core
    this.#refresh ??= new SessionRefresh(timers, this, sessionLimits)
    return this.#refresh.agreeTo(request)
  }

  takeAckAsLost(reinvite: SipRequest): void {
    if (this.#repeater === undefined || this.#repeater.seq !== this.#firstSeq) return
    this.#repeater.stop()
    this.#repeater = undefined
    this.#owner.onFirstAck({ ...reinvite, method: 'ACK', body: NO_BODY })
  }

  onAccepted({ transaction, request, seq }: PeerRequest, bytes: Uint8Array): void {
    if (this.#isConfirmed) this.#refresh?.apply()
    if (request.method !== 'INVITE') return
    // Without an offer in it, ours was in the 2xx, and the answer comes with the ACK.
    if (request.body.length === 0) this.offer = 'ours'
    this.#repeat(transaction, seq, bytes)
  }

  onReinviteEnd(response: SipResponse, onFinal: OnFinal): void {
    if (this.#state !== 'open') return
    if (response.status < 300) this.#refresh?.onAccepted(response)
    onFinal(response)
    this.#checkAlive(response)
  }

  onUpdateEnd(response: SipResponse, onFinal: OnFinal): void {
    if (this.#state !== 'open') return
    if (response.status < 300) {
      refreshTarget(this.#core, this.dialog, response)
      if (this.#isConfirmed) this.#refresh?.onAccepted(response)
    }
    onFinal(response)
    this.#checkAlive(response)
  }

  onRequestEnd(method: string, response: SipResponse, onFinal: OnFinal | undefined): void {
    if (method === 'BYE') {
      this.drop()
      return
    }
    if (this.#state !== 'open') return
    onFinal?.(response)
    this.#checkAlive(response)
  }

  refreshHeaders(): readonly string[] | undefined {
    return this.#refresh?.headers()
  }

  raiseInterval(response: SipResponse): boolean {
    return this.#refresh?.raise(response) === true
  }

  sessionOffer(): Uint8Array | undefined {
    return this.handlers.sessionOffer?.(this.call)
  }

  sendRefresh(offer: Uint8Array | undefined): void {
    const isOpen = this.#reinvite?.isOpen === true || this.#update?.isOpen === true
    if (this.#state !== 'open' || isOpen || this.#peers?.isInviting === true) return
    const isUpdate = offer === undefined
    const onFinal = (response: SipResponse): void => {
      if (response.status >= 300) this.#refresh?.onRefused(response, isUpdate)
    }
    if (isUpdate) this.update({}, onFinal)
    else this.reinvite({ body: offer }, onFinal)
  }

  onSessionExpired(): void {
    this.#lose('expired')
  }

  /** Forgets the dialog; sends nothing. */
  drop(): void {
    this.#settle()
    this.#state = 'over'
    // While a call is not answered, the entry is the call's, and stands for all its forks.
    const { calls } = this.#core
    if (calls.get(this.dialog.localTag) === this) calls.delete(this.dialog.localTag)
    this.#owner.onDrop()
  }

  #onBye(transaction: ServerTransaction, request: SipRequest): void {
    this.#reply(transaction, request, 200)
    const wasOpen = this.#state === 'open'
    this.drop()
    if (!wasOpen) return
    this.#owner.onPeerBye()
    this.handlers.onBye(this.call, request)
  }

  /** A re-INVITE or UPDATE of the peer. */
  #onChange(transaction: ServerTransaction, request: SipRequest, seq: number): void {
    if (this.#state !== 'open') {
      this.#reply(transaction, request, 481)
      return
    }
    this.#peers ??= new PeerRequests(this.#core, this)
    if (request.method === 'INVITE') this.#peers.onReinvite(transaction, request, seq)
    else this.#peers.onUpdate(transaction, request, seq)
  }

  #onOther(transaction: ServerTransaction, request: SipRequest): void {
    const { method } = request
    const handlers = this.handlers
    const allow = allowOf(handlers)
    if (this.#state !== 'open') {
      this.#reply(transaction, request, 481)
    } else if (handlers.onRequest !== undefined && handlers.takes?.includes(method) !== false) {
      const { localTag } = this.dialog
      handlers.onRequest(this.call, new Incoming(this.#core, transaction, request, localTag, allow))
    } else {
      const { status, headers } = refusalInDialog(method, allow)
      this.#reply(transaction, request, status, headers)
    }
  }

  #lose(why: LossCause): void {
    if (this.#state !== 'open') return
    this.bye(undefined)
    this.handlers.onLost(this.call, why)
  }

  /**
   * RFC 3261 §12.2.1.2: 481 and 408 tell that the peer has no such dialog any more. Of an early dialog the INVITE's own answer
   * tells.
   */
  #checkAlive(response: SipResponse): void {
    if (this.#state !== 'open' || !this.#isConfirmed) return
    const { status } = response
    const isLocal = response.headers.length === 0
    if (status === 408) {
      this.#lose('timeout')
    } else if (status === 481 || (status === 503 && isLocal)) {
      this.drop()
      this.handlers.onLost(this.call, status === 481 ? 'no-dialog' : 'transport')
    }
  }

  #repeat(transaction: ServerTransaction, seq: number, bytes: Uint8Array): void {
    // A newer INVITE of the peer proves that it has the older 2xx.
    this.#repeater?.stop()
    this.#repeater = new AnswerRepeater(this.#core.timers, transaction, seq, bytes, this)
  }

  #settle(): void {
    this.#repeater?.stop()
    this.#repeater = undefined
    this.#refresh?.stop()
    this.#peers?.end()
    this.#update?.end()
    this.#reinvite?.end()
    if (this.#reinvite?.isUnacknowledged === true) this.#reinvite.ack(undefined)
  }

  #reply(
    transaction: ServerTransaction,
    request: SipRequest,
    status: number,
    extra?: readonly string[],
  ): void {
    reply(this.#core, transaction, request, status, this.dialog.localTag, undefined, extra)
  }
}
