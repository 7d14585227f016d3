import type { SipResponse } from '../message/message.ts'
import type { ClientTransaction, ClientUser } from '../transaction/client-transaction.ts'
import type { TimerHandle, Waiter } from '../shared/timers.ts'
import type { Hop } from '../transport/address.ts'
import { bytesOf, keepBytes } from '../transport/kept-bytes.ts'
import type { KeptBytes } from '../transport/kept-bytes.ts'
import type { Transport } from '../transport/transport.ts'
import { GIVE_UP_MS } from '../transaction/timing.ts'
import { hasBody, localResponse } from '../core/core.ts'
import type { Core } from '../core/core.ts'
import type { ChallengeAnswerer } from '../core/credentials.ts'
import { newBranch } from '../shared/ids.ts'
import { MAX_RAISES } from '../core/session-interval.ts'
import type { RequestOptions } from '../core/types.ts'
import { refreshTarget, requestInDialog } from './dialog.ts'
import type { Dialog } from './dialog.ts'
import { MAX_GLARES, glareWaitMs } from './glare.ts'
import type { OffererOwner } from './glare.ts'
import type { OnFinal } from './in-dialog-request.ts'
import { withHeaders } from './update.ts'

export type ReinviteOwner = OffererOwner & {
  onReinviteEnd(response: SipResponse, onFinal: OnFinal): void
}

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
  #raises = 0
  #transaction: ClientTransaction | undefined
  #timer: TimerHandle
  #ack: { readonly bytes: KeptBytes; readonly transport: Transport; readonly hop: Hop } | undefined
  #state: 'inviting' | 'waiting' | 'answered' | 'ended' = 'inviting'
  /** Taken back by its owner; the CANCEL goes out once the peer has shown that it has the INVITE (RFC 3261 §9.1). */
  #cancelHeaders: readonly string[] | undefined
  #isCancelSent = false

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
    if (owner.mustWait) this.#waitOutGlare()
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
    const { hop } = sending
    const { transport } = sending.face
    this.#ack = { bytes: keepBytes(layer.sendOnce(sending.request, transport, hop)), transport, hop }
  }

  /** Takes the re-INVITE back. A 2xx that crosses the CANCEL is an answer like any other. */
  cancel(options: RequestOptions | undefined): void {
    if (!this.isOpen || this.#cancelHeaders !== undefined) return
    this.#cancelHeaders = options?.headers ?? []
    if (this.#state === 'waiting') {
      this.#core.timers.clear(this.#timer)
      this.#timer = this.#core.timers.set(0, this)
    } else if (this.#transaction?.hasProvisional === true) {
      this.#sendCancel()
    }
  }

  /** The dialog ended: nothing is reported any more; a late 2xx is still acknowledged. */
  end(): void {
    if (this.#state === 'answered' || this.#state === 'ended') return
    const { timers } = this.#core
    timers.clear(this.#timer)
    // The peer answers 487 now; should that never come, the transaction must not wait for ever.
    if (this.#state === 'inviting') this.#timer = timers.set(GIVE_UP_MS, this)
    this.#state = 'ended'
  }

  onTimer(): void {
    this.#timer = undefined
    switch (this.#state) {
      case 'waiting':
        if (this.#cancelHeaders !== undefined) this.#finish(localResponse(487, 'Request Terminated'))
        else if (this.#owner.mustWait) this.#waitOutGlare()
        else this.#send()
        return
      case 'inviting':
        this.#transaction?.end()
        if (this.#isCancelSent) this.#finish(localResponse(487, 'Request Terminated'))
        else this.#finish(localResponse(408, 'Request Timeout'))
        return
      case 'ended':
        this.#transaction?.end()
        return
      case 'answered':
        return
      default:
        this.#state satisfies never
    }
  }

  onResponse(_transaction: ClientTransaction, response: SipResponse): void {
    const { status } = response
    const { timers } = this.#core
    if (status < 200) {
      if (this.#cancelHeaders !== undefined) {
        this.#sendCancel()
        return
      }
      // Timer C: a peer that only ever says 100 has given up on us.
      if (this.#state === 'inviting') {
        timers.clear(this.#timer)
        this.#timer = timers.set(this.#core.inviteTimeoutMs, this)
      }
      return
    }
    timers.clear(this.#timer)
    this.#timer = undefined
    if (status < 300) {
      this.#onAnswer(response)
      return
    }
    if (this.#state !== 'inviting') return
    if (this.#cancelHeaders !== undefined) {
      this.#finish(response)
      return
    }
    if (status === 491 && this.#glares < MAX_GLARES) {
      this.#waitOutGlare()
      return
    }
    if (status === 422 && this.#raises < MAX_RAISES && this.#owner.raiseInterval(response)) {
      this.#raises++
      this.#send()
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
      // A 2xx again: our ACK was lost.
      const ack = this.#ack
      if (ack !== undefined) this.#core.layer.resend(bytesOf(ack.bytes), ack.transport, ack.hop)
      return
    }
    const isOver = this.#state === 'ended'
    this.#state = 'answered'
    refreshTarget(this.#core, this.#dialog, response)
    if (hasBody(this.#options) || isOver) this.ack(undefined)
    if (!isOver) this.#owner.onReinviteEnd(response, this.#onFinal)
  }

  #sendCancel(): void {
    const { timers, layer } = this.#core
    if (this.#isCancelSent || this.#transaction === undefined) return
    if (!layer.cancel(this.#transaction, this.#cancelHeaders ?? [])) return
    this.#isCancelSent = true
    timers.clear(this.#timer)
    this.#timer = timers.set(GIVE_UP_MS, this)
  }

  #finish(response: SipResponse): void {
    if (!this.isOpen) return
    this.#state = 'ended'
    this.#owner.onReinviteEnd(response, this.#onFinal)
  }

  #waitOutGlare(): void {
    this.#state = 'waiting'
    this.#glares++
    this.#timer = this.#core.timers.set(glareWaitMs(this.#ownsCallId), this)
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
      withHeaders(this.#options, this.#owner.refreshHeaders()),
      this.#extra,
    )
    this.#transaction = layer.request(sending.request, branch, sending.face.transport, sending.hop, this)
  }
}
