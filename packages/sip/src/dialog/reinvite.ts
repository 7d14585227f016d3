import type { SipResponse } from '../message/message.ts'
import type { ClientTransaction, ClientUser } from '../transaction/client-transaction.ts'
import type { TimerHandle, Waiter } from '../transaction/clock.ts'
import { localResponse } from '../ua/core.ts'
import type { Core } from '../ua/core.ts'
import type { ChallengeAnswerer } from '../ua/credentials.ts'
import { newBranch } from '../ua/ids.ts'
import type { RequestOptions } from '../ua/types.ts'
import { refreshTarget, requestInDialog } from './dialog.ts'
import type { Dialog } from './dialog.ts'
import type { OnFinal } from './in-dialog-request.ts'

export type ReinviteOwner = {
  /** Whether an INVITE of the peer is open in this dialog: ours must wait (RFC 3261 §14.1). */
  readonly isPeerInviting: boolean
  onReinviteEnd(response: SipResponse, onFinal: OnFinal): void
}

/** Retries after glare that a peer gets before its 491 is final. */
const MAX_GLARES = 5

/** One re-INVITE of ours: sent, retried after glare, acknowledged. */
export class Reinvite implements ClientUser, Waiter {
  #core: Core
  #dialog: Dialog
  #answerer: ChallengeAnswerer | undefined
  #tried: Set<string> | undefined
  #owner: ReinviteOwner
  #ownsCallId: boolean
  #options: RequestOptions
  #onFinal: OnFinal
  #extra: readonly string[] | undefined
  #seq = 0
  #glares = 0
  #timer: TimerHandle
  #ack: Uint8Array | undefined
  #state: 'inviting' | 'waiting' | 'answered' | 'ended' = 'inviting'

  /** `ownsCallId`: we made the Call-ID; it decides who of two colliding sides waits longer. */
  constructor(
    core: Core,
    dialog: Dialog,
    answerer: ChallengeAnswerer | undefined,
    owner: ReinviteOwner,
    ownsCallId: boolean,
    options: RequestOptions,
    onFinal: OnFinal,
  ) {
    this.#core = core
    this.#dialog = dialog
    this.#answerer = answerer
    this.#owner = owner
    this.#ownsCallId = ownsCallId
    this.#options = options
    this.#onFinal = onFinal
    if (owner.isPeerInviting) this.#waitOutGlare()
    else this.#send()
  }

  /** No final response yet: a peer's INVITE meets a 491. */
  get isInviting(): boolean {
    return this.#state === 'inviting'
  }

  /** The 2xx of a delayed offer waits for its ACK with the answer. */
  get isUnacknowledged(): boolean {
    return this.#state === 'answered' && this.#ack === undefined
  }

  get isOpen(): boolean {
    return this.#state === 'inviting' || this.#state === 'waiting'
  }

  ack(options: RequestOptions | undefined): void {
    if (!this.isUnacknowledged) return
    const { layer } = this.#core
    const sending = requestInDialog(
      this.#core,
      this.#dialog,
      newBranch(),
      'ACK',
      this.#seq,
      options,
      this.#extra,
    )
    this.#ack = layer.sendOnce(sending.request, sending.face.transport, sending.hop)
  }

  /** The dialog ended: nothing is reported any more; a late 2xx is still acknowledged. */
  end(): void {
    this.#core.timers.clear(this.#timer)
    if (this.#state !== 'answered') this.#state = 'ended'
  }

  onTimer(): void {
    if (this.#state !== 'waiting') return
    if (this.#owner.isPeerInviting) this.#waitOutGlare()
    else this.#send()
  }

  onResponse(_transaction: ClientTransaction, response: SipResponse): void {
    const { status } = response
    if (status < 200) return
    if (status < 300) {
      this.#onAnswer(response)
      return
    }
    if (this.#state !== 'inviting') return
    if (status === 491 && this.#glares < MAX_GLARES) {
      this.#waitOutGlare()
      return
    }
    this.#tried ??= new Set()
    const challenged = { method: 'INVITE', uri: this.#dialog.remoteTarget, body: this.#options.body }
    const extra = this.#answerer?.answer(response, challenged, this.#tried)
    if (extra === undefined) {
      this.#finish(response)
    } else {
      this.#extra = extra
      this.#send()
    }
  }

  onTimeout(): void {
    this.#finish(localResponse(408, 'Request Timeout'))
  }

  onSendFailed(): void {
    this.#finish(localResponse(503, 'Service Unavailable'))
  }

  #onAnswer(response: SipResponse): void {
    if (this.#state === 'answered') {
      // A 2xx again: our ACK was lost. Its copy goes the way the first one went.
      if (this.#ack !== undefined)
        this.#core.layer.resend(this.#ack, this.#dialog.face.transport, this.#dialog.hop)
      return
    }
    const isOver = this.#state === 'ended'
    this.#state = 'answered'
    refreshTarget(this.#dialog, response)
    const hasOffer = this.#options.body !== undefined && this.#options.body.length > 0
    if (hasOffer || isOver) this.ack(undefined)
    if (!isOver) this.#owner.onReinviteEnd(response, this.#onFinal)
  }

  #finish(response: SipResponse): void {
    if (this.#state !== 'inviting') return
    this.#state = 'ended'
    this.#owner.onReinviteEnd(response, this.#onFinal)
  }

  /** RFC 3261 §14.1: 2.1–4 s for the owner of the Call-ID, 0–2 s for the other, in steps of 10 ms. */
  #waitOutGlare(): void {
    this.#state = 'waiting'
    this.#glares++
    const steps = this.#ownsCallId ? 210 + Math.floor(Math.random() * 191) : Math.floor(Math.random() * 201)
    this.#timer = this.#core.timers.set(steps * 10, this)
  }

  #send(): void {
    this.#state = 'inviting'
    const branch = newBranch()
    this.#seq = ++this.#dialog.localSeq
    const { layer } = this.#core
    const sending = requestInDialog(
      this.#core,
      this.#dialog,
      branch,
      'INVITE',
      this.#seq,
      this.#options,
      this.#extra,
    )
    layer.request(sending.request, branch, sending.face.transport, sending.hop, this)
  }
}
