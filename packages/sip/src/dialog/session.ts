import type { SipRequest, SipResponse } from '../message/message.ts'
import type { ServerTransaction } from '../transaction/server-transaction.ts'
import { allowOf } from '../ua/allow.ts'
import { refuseLocally, reply } from '../ua/core.ts'
import type { CallRoute, Core } from '../ua/core.ts'
import type { ChallengeAnswerer } from '../ua/credentials.ts'
import { Incoming } from '../ua/incoming.ts'
import type { AnswerWatcher } from '../ua/incoming.ts'
import type { DialogCall, DialogHandlers, RequestOptions } from '../ua/types.ts'
import { AnswerRepeater } from './answer-repeater.ts'
import { findWay, refreshTarget, seqOf } from './dialog.ts'
import type { Dialog } from './dialog.ts'
import { InDialogRequest } from './in-dialog-request.ts'
import type { OnFinal, RequestEnd } from './in-dialog-request.ts'
import { Reinvite } from './reinvite.ts'
import type { ReinviteOwner } from './reinvite.ts'

/** The call that a session belongs to. */
export type SessionOwner = {
  readonly call: DialogCall
  readonly sessionHandlers: DialogHandlers
  /** ACK of the 2xx that made the dialog. */
  onFirstAck(request: SipRequest): void
  /** The peer's BYE was answered; the first INVITE may still need an answer (487). */
  onPeerBye(): void
}

type PeerInvite = {
  readonly transaction: ServerTransaction
  readonly request: SipRequest
  readonly seq: number
}

/**
 * What happens inside a dialog, the same for both sides: BYE, re-INVITE with glare, other requests, CSeq order (RFC 3261
 * §12.2, §14, §15). It ends once, by our BYE, the peer's, or a loss.
 */
export class Session implements CallRoute, ReinviteOwner, RequestEnd, AnswerWatcher {
  readonly dialog: Dialog
  readonly #core: Core
  readonly #owner: SessionOwner
  readonly #ownsCallId: boolean
  readonly #answerer: ChallengeAnswerer | undefined
  #state: 'open' | 'leaving' | 'over' = 'open'
  #reinvite: Reinvite | undefined
  /** The peer's INVITE that has no final response yet. */
  #peerInvite: PeerInvite | undefined
  #repeater: AnswerRepeater | undefined
  /** CSeq of the INVITE that made the dialog, on the called side. */
  #firstSeq = -1

  constructor(
    core: Core,
    dialog: Dialog,
    owner: SessionOwner,
    ownsCallId: boolean,
    answerer: ChallengeAnswerer | undefined,
  ) {
    this.#core = core
    this.dialog = dialog
    this.#owner = owner
    this.#ownsCallId = ownsCallId
    this.#answerer = answerer
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** A 2xx of ours still waits for its ACK: no BYE yet (RFC 3261 §15). */
  get isAwaitingAck(): boolean {
    return this.#repeater !== undefined
  }

  get isPeerInviting(): boolean {
    return this.#peerInvite !== undefined
  }

  owns(callId: string, remoteTag: string): boolean {
    return this.dialog.callId === callId && this.dialog.remoteTag === remoteTag
  }

  /** Repeats the 2xx that made the dialog until its ACK. */
  awaitFirstAck(transaction: ServerTransaction, bytes: Uint8Array): void {
    // Answered means let in: now a Contact's host name may be looked up, in time for our first request.
    findWay(this.#core, this.dialog)
    this.#firstSeq = this.dialog.remoteSeq
    this.#repeat(transaction, this.#firstSeq, bytes)
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
    this.request('UPDATE', options, onFinal)
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
      default:
        this.#onOther(transaction, request)
    }
  }

  onAck(request: SipRequest): void {
    const seq = seqOf(request)
    if (this.#repeater?.seq !== seq) return
    this.#repeater.stop()
    this.#repeater = undefined
    if (seq === this.#firstSeq) this.#owner.onFirstAck(request)
    else if (this.#state === 'open') this.#owner.sessionHandlers.onReinviteAck?.(this.#owner.call, request)
  }

  onNoAck(): void {
    this.#repeater = undefined
    if (this.#state !== 'open') return
    this.bye(undefined)
    this.#owner.sessionHandlers.onLost(this.#owner.call, 'no-ack')
  }

  onAnswered(transaction: ServerTransaction, request: SipRequest, status: number, bytes: Uint8Array): void {
    if (request.method === 'UPDATE') {
      // RFC 3311 §5.1: a target refresh, like a re-INVITE, and like it only when it is accepted.
      if (status < 300 && this.#state === 'open') refreshTarget(this.#core, this.dialog, request)
      return
    }
    const invite = this.#peerInvite
    if (invite?.transaction !== transaction) return
    this.#peerInvite = undefined
    if (status >= 300) return
    refreshTarget(this.#core, this.dialog, invite.request)
    this.#repeat(transaction, invite.seq, bytes)
  }

  onReinviteEnd(response: SipResponse, onFinal: OnFinal): void {
    if (this.#state !== 'open') return
    onFinal(response)
    this.#checkAlive(response)
  }

  onRequestEnd(method: string, response: SipResponse, onFinal: OnFinal | undefined): void {
    if (method === 'BYE') {
      this.drop()
      return
    }
    if (this.#state !== 'open') return
    if (method === 'UPDATE' && response.status < 300) refreshTarget(this.#core, this.dialog, response)
    onFinal?.(response)
    this.#checkAlive(response)
  }

  /** Forgets the dialog; sends nothing. */
  drop(): void {
    this.#settle()
    this.#state = 'over'
    // While a call is not answered, the entry is the call's, and stands for all its forks.
    const { calls } = this.#core
    if (calls.get(this.dialog.localTag) === this) calls.delete(this.dialog.localTag)
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
    if (this.#state !== 'open') {
      this.#reply(transaction, request, 481)
    } else if (this.#reinvite?.isInviting === true) {
      this.#reply(transaction, request, 491)
    } else if (this.#peerInvite !== undefined) {
      this.#reply(transaction, request, 500, ['Retry-After', String(Math.floor(Math.random() * 11))])
    } else {
      this.#peerInvite = { transaction, request, seq }
      transaction.toTag = this.dialog.localTag
      const { localTag, contact } = this.dialog
      const handlers = this.#owner.sessionHandlers
      const allow = allowOf(handlers)
      const incoming = new Incoming(this.#core, transaction, request, localTag, allow, contact, this)
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
  }

  #onOther(transaction: ServerTransaction, request: SipRequest): void {
    const { method } = request
    const handlers = this.#owner.sessionHandlers
    if (this.#state !== 'open') {
      this.#reply(transaction, request, 481)
      return
    }
    const { localTag, contact } = this.dialog
    if (method === 'UPDATE') {
      const incoming = new Incoming(
        this.#core,
        transaction,
        request,
        localTag,
        allowOf(handlers),
        contact,
        this,
      )
      if (request.body.length === 0) incoming.respond(200)
      else if (handlers.onUpdate === undefined) incoming.respond(488)
      else handlers.onUpdate(this.#owner.call, incoming)
    } else if (handlers.onRequest !== undefined && handlers.takes?.includes(method) !== false) {
      handlers.onRequest(
        this.#owner.call,
        new Incoming(this.#core, transaction, request, localTag, allowOf(handlers)),
      )
    } else {
      this.#reply(transaction, request, method === 'OPTIONS' ? 200 : 405, ['Allow', allowOf(handlers)])
    }
  }

  /** RFC 3261 §12.2.1.2: 481 and 408 tell that the peer has no such dialog any more. */
  #checkAlive(response: SipResponse): void {
    if (this.#state !== 'open') return
    const { status } = response
    const isLocal = response.headers.length === 0
    if (status === 481) {
      this.drop()
      this.#owner.sessionHandlers.onLost(this.#owner.call, 'no-dialog')
    } else if (status === 408) {
      this.bye(undefined)
      this.#owner.sessionHandlers.onLost(this.#owner.call, 'timeout')
    } else if (status === 503 && isLocal) {
      this.drop()
      this.#owner.sessionHandlers.onLost(this.#owner.call, 'transport')
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
    const invite = this.#peerInvite
    this.#peerInvite = undefined
    if (invite !== undefined) this.#reply(invite.transaction, invite.request, 487)
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
