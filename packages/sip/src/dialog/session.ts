import { NO_BODY } from '../message/message.ts'
import type { SipRequest, SipResponse } from '../message/message.ts'
import type { ServerTransaction } from '../transaction/server-transaction.ts'
import { allowOf } from '../ua/allow.ts'
import { refuseLocally, reply } from '../ua/core.ts'
import type { CallRoute, Core } from '../ua/core.ts'
import type { ChallengeAnswerer } from '../ua/credentials.ts'
import { ALLOWS_UPDATE, HAS_ALLOW, featuresOf } from '../ua/features.ts'
import type { Features } from '../ua/features.ts'
import { Incoming } from '../ua/incoming.ts'
import type { AnswerWatcher } from '../ua/incoming.ts'
import type { DialogCall, DialogHandlers, LossCause, RequestOptions } from '../ua/types.ts'
import { AnswerRepeater } from './answer-repeater.ts'
import { findWay, refreshTarget, seqOf } from './dialog.ts'
import type { Dialog } from './dialog.ts'
import { retryAfter } from './glare.ts'
import { InDialogRequest } from './in-dialog-request.ts'
import type { OnFinal, RequestEnd } from './in-dialog-request.ts'
import type { OfferState } from './offer-state.ts'
import { Reinvite } from './reinvite.ts'
import type { ReinviteOwner } from './reinvite.ts'
import { refusalInDialog } from './refusal.ts'
import { agree, agreementHeaders, isTooSmall, raised, sessionExpiresOf } from './session-interval.ts'
import type { Agreement, SessionLimits } from './session-interval.ts'
import { SessionTimer } from './session-timer.ts'
import type { SessionTimerOwner } from './session-timer.ts'
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

/** A request of the peer that has no final response yet. */
type PeerRequest = {
  readonly transaction: ServerTransaction
  readonly request: SipRequest
  readonly seq: number
}

/**
 * What happens inside a dialog, the same for both sides: BYE, re-INVITE and UPDATE with glare, other requests, CSeq order,
 * session timers (RFC 3261 §12.2, §14, §15; RFC 3311; RFC 4028). It ends once, by our BYE, the peer's, or a loss.
 */
export class Session
  implements CallRoute, ReinviteOwner, UpdateOwner, RequestEnd, AnswerWatcher, SessionTimerOwner
{
  readonly dialog: Dialog
  /** Of the INVITE that made the dialog, then of what else makes an offer without an object of its own. */
  offer: OfferState
  readonly #core: Core
  readonly #owner: SessionOwner
  readonly #ownsCallId: boolean
  readonly #answerer: ChallengeAnswerer | undefined
  #state: 'open' | 'leaving' | 'over' = 'open'
  /** An INVITE of ours or the peer's was answered with 2xx: no early dialog any more. */
  #isConfirmed = false
  #reinvite: Reinvite | undefined
  #update: Update | undefined
  #peerInvite: PeerRequest | undefined
  #peerUpdate: PeerRequest | undefined
  #repeater: AnswerRepeater | undefined
  /** CSeq of the INVITE that made the dialog, on the called side. */
  #firstSeq = -1
  /** Of the peer's last message that carried Allow. */
  #features: Features = 0
  #limits: SessionLimits
  /** Goes into the 2xx at hand, and holds once that is sent. */
  #agreement: Agreement | undefined
  #timer: SessionTimer | undefined

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
    this.#ownsCallId = ownsCallId
    this.#answerer = answerer
    this.offer = offer
    this.#limits = core.sessionLimits
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  get mustWait(): boolean {
    return this.#peerInvite !== undefined || this.#openOffer !== undefined
  }

  owns(callId: string, remoteTag: string): boolean {
    return this.dialog.callId === callId && this.dialog.remoteTag === remoteTag
  }

  /** Our INVITE was answered with this 2xx; `limits` are what it asked for. */
  confirm(response: SipResponse, limits: SessionLimits): void {
    this.#isConfirmed = true
    this.#limits = limits
    this.#onRefreshed(response)
  }

  /** Repeats the 2xx that made the dialog until its ACK; `seq` is the CSeq number of its INVITE. */
  awaitFirstAck(transaction: ServerTransaction, seq: number, bytes: Uint8Array): void {
    // Answered means let in: now a Contact's host name may be looked up, in time for our first request.
    findWay(this.#core, this.dialog)
    this.#isConfirmed = true
    this.#firstSeq = seq
    this.#repeat(transaction, seq, bytes)
    this.#applyAgreement()
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
    this.dialog.allow = allowOf(this.#owner.sessionHandlers)
    this.#reinvite = new Reinvite(
      this.#core,
      this.dialog,
      this.#answerer,
      this,
      this.#ownsCallId,
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
    const isOffer = options.body !== undefined && options.body.length > 0
    const mustWait = this.#update?.isOpen === true || (isOffer && this.mustWait)
    if (this.#state !== 'open' || mustWait) {
      refuseLocally(this.#core, this.#state === 'open' ? 491 : 481, onFinal)
      return
    }
    this.#update = new Update(
      this.#core,
      this.dialog,
      this.#answerer,
      this,
      this.#ownsCallId,
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
        this.#onPeerReinvite(transaction, request, seq)
        return
      case 'UPDATE':
        this.#onPeerUpdate(transaction, request, seq)
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
    else if (this.#state === 'open') this.#owner.sessionHandlers.onReinviteAck?.(this.#owner.call, request)
  }

  onNoAck(): void {
    this.#repeater = undefined
    this.#lose('no-ack')
  }

  answerHeaders(request: SipRequest): readonly string[] | undefined {
    return this.#isConfirmed ? this.agreeTo(request) : undefined
  }

  /** What our 2xx of an INVITE or UPDATE says of the session timer (RFC 4028 §9). */
  agreeTo(request: SipRequest): readonly string[] | undefined {
    const features = this.#note(request)
    this.#agreement = agree(request, features, this.#limits, this.#canRefresh)
    return this.#agreement === undefined ? undefined : agreementHeaders(this.#agreement)
  }

  onAnswered(transaction: ServerTransaction, request: SipRequest, status: number, bytes: Uint8Array): void {
    if (this.#peerUpdate?.transaction === transaction) this.#peerUpdate = undefined
    const invite = this.#peerInvite
    const isInvite = invite?.transaction === transaction
    if (isInvite) this.#peerInvite = undefined
    if (status >= 300 || this.#state !== 'open' || (request.method === 'INVITE' && !isInvite)) return
    // RFC 3261 §12.2.2, RFC 3311 §5.1: a target refresh, once it is accepted.
    refreshTarget(this.#core, this.dialog, request)
    if (this.#isConfirmed) this.#applyAgreement()
    if (!isInvite) return
    // Without an offer in it, ours was in the 2xx, and the answer comes with the ACK.
    if (request.body.length === 0) this.offer = 'ours'
    this.#repeat(transaction, invite.seq, bytes)
  }

  onReinviteEnd(response: SipResponse, onFinal: OnFinal): void {
    if (this.#state !== 'open') return
    if (response.status < 300) this.#onRefreshed(response)
    onFinal(response)
    this.#checkAlive(response)
  }

  onUpdateEnd(response: SipResponse, onFinal: OnFinal): void {
    if (this.#state !== 'open') return
    if (response.status < 300) {
      refreshTarget(this.#core, this.dialog, response)
      if (this.#isConfirmed) this.#onRefreshed(response)
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
    return this.#timer?.headers(this.#limits)
  }

  raiseInterval(response: SipResponse): boolean {
    const limits = this.#timer === undefined ? undefined : raised(this.#limits, response)
    if (limits !== undefined) this.#limits = limits
    return limits !== undefined
  }

  /** By UPDATE without a body where the peer allows it, else by a re-INVITE with our SDP as it is (RFC 4028 §7.4). */
  refreshSession(): void {
    const isBusy =
      this.#reinvite?.isOpen === true || this.#update?.isOpen === true || this.#peerInvite !== undefined
    if (this.#state !== 'open' || isBusy) return
    const { call, sessionHandlers } = this.#owner
    const offer = this.#allowsUpdate ? undefined : sessionHandlers.sessionOffer?.(call)
    if (offer === undefined) this.update({}, (response) => this.#onRefreshEnd(response, true))
    else this.reinvite({ body: offer }, (response) => this.#onRefreshEnd(response, false))
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
    this.#owner.sessionHandlers.onBye(this.#owner.call, request)
  }

  #onPeerReinvite(transaction: ServerTransaction, request: SipRequest, seq: number): void {
    const openOffer = this.#openOffer
    if (this.#state !== 'open') {
      this.#reply(transaction, request, 481)
    } else if (openOffer === 'theirs' || !(this.#isConfirmed || this.#ownsCallId)) {
      this.#reply(transaction, request, 500, retryAfter())
    } else if (openOffer === 'ours' || !this.#isConfirmed) {
      this.#reply(transaction, request, 491)
    } else if (!this.#refuseInterval(transaction, request)) {
      this.#takeAckAsLost(request)
      if (this.#state === 'open') this.#handReinvite(transaction, request, seq)
      else this.#reply(transaction, request, 481)
    }
  }

  /** Whoever sends a re-INVITE has our 2xx: its ACK was lost, or comes late (RFC 5407 §3.1.4). */
  #takeAckAsLost(request: SipRequest): void {
    if (this.#repeater === undefined || this.#repeater.seq !== this.#firstSeq) return
    this.#repeater.stop()
    this.#repeater = undefined
    this.#owner.onFirstAck({ ...request, method: 'ACK', body: NO_BODY })
  }

  #handReinvite(transaction: ServerTransaction, request: SipRequest, seq: number): void {
    this.#peerInvite = { transaction, request, seq }
    transaction.toTag = this.dialog.localTag
    const handlers = this.#owner.sessionHandlers
    const incoming = this.#incoming(transaction, request)
    transaction.user = {
      onCancel: () => {
        this.#peerInvite = undefined
        this.#reply(transaction, request, 487)
        this.#owner.sessionHandlers.onReinviteCancelled?.(this.#owner.call, incoming)
      },
    }
    try {
      handlers.onReinvite(this.#owner.call, incoming)
    } catch (error) {
      this.#core.report(error, 'onReinvite')
      incoming.respond(500)
    }
  }

  /** RFC 3311 §5.2. */
  #onPeerUpdate(transaction: ServerTransaction, request: SipRequest, seq: number): void {
    const isOffer = request.body.length > 0
    const openOffer = isOffer ? this.#openOffer : undefined
    if (this.#state !== 'open') {
      this.#reply(transaction, request, 481)
    } else if (this.#peerUpdate?.transaction.isAnswered === false || openOffer === 'theirs') {
      this.#reply(transaction, request, 500, retryAfter())
    } else if (openOffer === 'ours') {
      this.#reply(transaction, request, 491)
    } else if (!this.#refuseInterval(transaction, request)) {
      this.#peerUpdate = { transaction, request, seq }
      const { call, sessionHandlers } = this.#owner
      const incoming = this.#incoming(transaction, request)
      if (!isOffer) incoming.respond(200)
      else if (sessionHandlers.onUpdate === undefined) incoming.respond(488)
      else sessionHandlers.onUpdate(call, incoming)
    }
  }

  #onOther(transaction: ServerTransaction, request: SipRequest): void {
    const { method } = request
    const handlers = this.#owner.sessionHandlers
    const allow = allowOf(handlers)
    if (this.#state !== 'open') {
      this.#reply(transaction, request, 481)
    } else if (handlers.onRequest !== undefined && handlers.takes?.includes(method) !== false) {
      const { localTag } = this.dialog
      handlers.onRequest(this.#owner.call, new Incoming(this.#core, transaction, request, localTag, allow))
    } else {
      const { status, headers } = refusalInDialog(method, allow)
      this.#reply(transaction, request, status, headers)
    }
  }

  /** A request that may refresh target and session. */
  #incoming(transaction: ServerTransaction, request: SipRequest): Incoming {
    const { localTag, contact } = this.dialog
    const allow = allowOf(this.#owner.sessionHandlers)
    return new Incoming(this.#core, transaction, request, localTag, allow, contact, this)
  }

  /** Whose offer waits for its answer: while one does, no other may be made (RFC 3264 §4). */
  get #openOffer(): 'ours' | 'theirs' | undefined {
    if (this.offer === 'theirs') return 'theirs'
    // Who is awaited to offer first has the word; to an offer of the other it is as good as made.
    if (this.offer !== 'settled') return 'ours'
    if (this.#reinvite?.isInviting === true || this.#update?.isOffering === true) return 'ours'
    if (this.#peerInvite !== undefined || this.#reinvite?.isUnacknowledged === true) return 'theirs'
    const update = this.#peerUpdate
    return update !== undefined && update.request.body.length > 0 && !update.transaction.isAnswered
      ? 'theirs'
      : undefined
  }

  get #allowsUpdate(): boolean {
    return (this.#features & ALLOWS_UPDATE) !== 0
  }

  get #canRefresh(): boolean {
    return this.#allowsUpdate || this.#owner.sessionHandlers.sessionOffer !== undefined
  }

  #note(message: SipRequest | SipResponse): Features {
    const features = featuresOf(message)
    if ((features & HAS_ALLOW) !== 0) this.#features = features
    return features
  }

  /** A session refresh of ours was accepted: its 2xx says what holds from now on (RFC 4028 §7.2). */
  #onRefreshed(response: SipResponse): void {
    this.#note(response)
    const said = sessionExpiresOf(response)
    const { expiresSec } = this.#limits
    if (said !== undefined) this.#setTimer(said.expiresSec, said.refresher !== 'uas', false)
    else if (expiresSec > 0 && this.#canRefresh) this.#setTimer(expiresSec, true, true)
    else this.#stopTimer()
  }

  #applyAgreement(): void {
    const agreement = this.#agreement
    this.#agreement = undefined
    if (agreement === undefined) this.#stopTimer()
    else this.#setTimer(agreement.expiresSec, agreement.refresher === 'uas', !agreement.requires)
  }

  #setTimer(expiresSec: number, isRefresher: boolean, isOneSided: boolean): void {
    if (this.#timer === undefined) {
      this.#timer = new SessionTimer(this.#core.timers, this, expiresSec, isRefresher, isOneSided)
    } else {
      this.#timer.reset(expiresSec, isRefresher, isOneSided)
    }
  }

  #stopTimer(): void {
    this.#timer?.stop()
    this.#timer = undefined
  }

  #onRefreshEnd(response: SipResponse, isUpdate: boolean): void {
    const { status } = response
    if (status < 300 || status === 408 || status === 481) return
    const timer = this.#timer
    const isUnknown = isUpdate && (status === 405 || status === 501) && this.#allowsUpdate
    if (isUnknown) this.#features = HAS_ALLOW
    if (isUnknown && this.#owner.sessionHandlers.sessionOffer !== undefined) {
      this.refreshSession()
    } else if (timer?.isOneSided === true && response.headers.length > 0) {
      timer.restart()
    }
  }

  /** 422 to a session interval that is too short for us (RFC 4028 §9). */
  #refuseInterval(transaction: ServerTransaction, request: SipRequest): boolean {
    if (!isTooSmall(request, this.#limits)) return false
    this.#reply(transaction, request, 422, ['Min-SE', String(this.#limits.minSec)])
    return true
  }

  #lose(why: LossCause): void {
    if (this.#state !== 'open') return
    this.bye(undefined)
    this.#owner.sessionHandlers.onLost(this.#owner.call, why)
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
      this.#owner.sessionHandlers.onLost(this.#owner.call, status === 481 ? 'no-dialog' : 'transport')
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
    this.#stopTimer()
    const invite = this.#peerInvite
    this.#peerInvite = undefined
    if (invite !== undefined) this.#reply(invite.transaction, invite.request, 487)
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
