import type { SipRequest } from '../message/message.ts'
import type { ServerTransaction } from '../transaction/server-transaction.ts'
import { allowOf } from '../core/allow.ts'
import { reply } from '../core/core.ts'
import type { Core } from '../core/core.ts'
import { Incoming } from '../core/incoming.ts'
import type { AnswerWatcher } from '../core/incoming.ts'
import type { DialogCall, DialogHandlers } from '../core/types.ts'
import { refreshTarget } from './dialog.ts'
import type { Dialog } from './dialog.ts'
import { retryAfter } from './glare.ts'

/** The session that the peer's requests would change. */
export type PeerRequestsOwner = {
  readonly dialog: Dialog
  readonly call: DialogCall
  readonly handlers: DialogHandlers
  readonly isOpen: boolean
  /** The INVITE that makes the dialog was answered with 2xx. */
  readonly isConfirmed: boolean
  readonly ownsCallId: boolean
  readonly openOffer: OpenOffer
  /** Flat headers of a 422 to a session interval that is too short (RFC 4028 §9). */
  intervalRefusal(request: SipRequest): readonly string[] | undefined
  /** Whoever sends a re-INVITE has our 2xx: its ACK was lost, or comes late (RFC 5407 §3.1.4). */
  takeAckAsLost(reinvite: SipRequest): void
  /** Flat headers of the 2xx. */
  answerHeaders(request: SipRequest): readonly string[] | undefined
  /** A 2xx went out, with an answer or, to a re-INVITE without one, an offer. */
  onAccepted(answered: PeerRequest, bytes: Uint8Array): void
}

/** Whose offer waits for its answer: while one does, no other may be made (RFC 3264 §4). */
export type OpenOffer = 'ours' | 'theirs' | undefined

export type PeerRequest = {
  readonly transaction: ServerTransaction
  readonly request: SipRequest
  /** CSeq number. */
  readonly seq: number
}

/** The re-INVITEs and UPDATEs of a peer, one of each at a time, and what they meet when they collide. */
export class PeerRequests implements AnswerWatcher {
  readonly #core: Core
  readonly #owner: PeerRequestsOwner
  #invite: PeerRequest | undefined
  #update: PeerRequest | undefined

  constructor(core: Core, owner: PeerRequestsOwner) {
    this.#core = core
    this.#owner = owner
  }

  get isInviting(): boolean {
    return this.#invite !== undefined
  }

  /** A re-INVITE, with an offer or waiting for one, or an UPDATE with an offer has no answer yet. */
  get isOffering(): boolean {
    const update = this.#update
    return this.isInviting || (isPending(update) && update.request.body.length > 0)
  }

  /** RFC 3261 §14.2. */
  onReinvite(transaction: ServerTransaction, request: SipRequest, seq: number): void {
    const owner = this.#owner
    const { isConfirmed, ownsCallId, openOffer } = owner
    if (openOffer === 'theirs' || (!isConfirmed && !ownsCallId)) {
      this.#reply(transaction, request, 500, retryAfter())
    } else if (openOffer === 'ours' || !isConfirmed) {
      this.#reply(transaction, request, 491)
    } else if (!this.#refuseInterval(transaction, request)) {
      owner.takeAckAsLost(request)
      if (owner.isOpen) this.#handReinvite({ transaction, request, seq })
      else this.#reply(transaction, request, 481)
    }
  }

  /** RFC 3311 §5.2. */
  onUpdate(transaction: ServerTransaction, request: SipRequest, seq: number): void {
    const isOffer = request.body.length > 0
    const openOffer = isOffer ? this.#owner.openOffer : undefined
    if (isPending(this.#update) || openOffer === 'theirs') {
      this.#reply(transaction, request, 500, retryAfter())
    } else if (openOffer === 'ours') {
      this.#reply(transaction, request, 491)
    } else if (!this.#refuseInterval(transaction, request)) {
      this.#update = { transaction, request, seq }
      const { call, handlers } = this.#owner
      const incoming = this.#incoming(transaction, request)
      if (!isOffer) incoming.respond(200)
      else if (handlers.onUpdate === undefined) incoming.respond(488)
      else handlers.onUpdate(call, incoming)
    }
  }

  answerHeaders(request: SipRequest): readonly string[] | undefined {
    return this.#owner.answerHeaders(request)
  }

  onAnswered(transaction: ServerTransaction, _request: SipRequest, status: number, bytes: Uint8Array): void {
    const answered = [this.#invite, this.#update].find((open) => open?.transaction === transaction)
    if (answered === undefined) return
    this.#forget(answered)
    if (status >= 300 || !this.#owner.isOpen) return
    // RFC 3261 §12.2.2, RFC 3311 §5.1: a target refresh, once it is accepted.
    refreshTarget(this.#core, this.#owner.dialog, answered.request)
    this.#owner.onAccepted(answered, bytes)
  }

  /** The dialog ends: what has no answer gets 487 (RFC 3261 §15.1.2). */
  end(): void {
    const update = this.#update
    this.#update = undefined
    if (isPending(update)) this.#reply(update.transaction, update.request, 487)
    this.#endInvite()
  }

  #endInvite(): void {
    const invite = this.#invite
    this.#invite = undefined
    if (invite !== undefined) this.#reply(invite.transaction, invite.request, 487)
  }

  #handReinvite(invite: PeerRequest): void {
    const { transaction, request } = invite
    this.#invite = invite
    transaction.toTag = this.#owner.dialog.localTag
    const { call, handlers } = this.#owner
    const incoming = this.#incoming(transaction, request)
    transaction.user = {
      onCancel: () => {
        this.#endInvite()
        this.#owner.handlers.onReinviteCancelled?.(call, incoming)
      },
    }
    try {
      handlers.onReinvite(call, incoming)
    } catch (error) {
      this.#core.report(error, 'onReinvite')
      incoming.respond(500)
    }
  }

  #forget(answered: PeerRequest): void {
    if (answered === this.#invite) this.#invite = undefined
    else this.#update = undefined
  }

  #refuseInterval(transaction: ServerTransaction, request: SipRequest): boolean {
    const headers = this.#owner.intervalRefusal(request)
    if (headers !== undefined) this.#reply(transaction, request, 422, headers)
    return headers !== undefined
  }

  /** A request that may refresh target and session. */
  #incoming(transaction: ServerTransaction, request: SipRequest): Incoming {
    const { localTag, contact } = this.#owner.dialog
    const allow = allowOf(this.#owner.handlers)
    return new Incoming(this.#core, transaction, request, localTag, allow, contact, this)
  }

  #reply(
    transaction: ServerTransaction,
    request: SipRequest,
    status: number,
    extra?: readonly string[],
  ): void {
    reply(this.#core, transaction, request, status, this.#owner.dialog.localTag, undefined, extra)
  }
}

/** One that nobody answers is over when its sender has given up, and with it its transaction. */
function isPending(update: PeerRequest | undefined): update is PeerRequest {
  return update !== undefined && !update.transaction.isAnswered
}
