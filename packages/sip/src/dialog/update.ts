import type { SipResponse } from '../message/message.ts'
import type { TimerHandle, Waiter } from '../shared/timers.ts'
import { hasBody } from '../core/core.ts'
import type { Core } from '../core/core.ts'
import type { ChallengeAnswerer } from '../core/credentials.ts'
import { MAX_RAISES } from '../core/session-interval.ts'
import type { RequestOptions } from '../core/types.ts'
import type { Dialog } from './dialog.ts'
import { MAX_GLARES, glareWaitMs } from './glare.ts'
import type { OffererOwner } from './glare.ts'
import { InDialogRequest } from './in-dialog-request.ts'
import type { OnFinal, RequestEnd } from './in-dialog-request.ts'

export type UpdateOwner = OffererOwner & {
  onUpdateEnd(response: SipResponse, onFinal: OnFinal): void
}

/** One UPDATE of ours (RFC 3311): sent, retried after glare and after a 422. */
export class Update implements RequestEnd, Waiter {
  readonly #core: Core
  readonly #dialog: Dialog
  readonly #answerer: ChallengeAnswerer | undefined
  readonly #owner: UpdateOwner
  readonly #ownsCallId: boolean
  readonly #options: RequestOptions
  readonly #onFinal: OnFinal
  #glares = 0
  #raises = 0
  #timer: TimerHandle
  #state: 'sent' | 'waiting' | 'ended' = 'sent'

  constructor(
    core: Core,
    dialog: Dialog,
    answerer: ChallengeAnswerer | undefined,
    owner: UpdateOwner,
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
    this.#send()
  }

  get isOpen(): boolean {
    return this.#state !== 'ended'
  }

  /** An offer of ours is on its way. */
  get isOffering(): boolean {
    return this.#state === 'sent' && this.#hasOffer
  }

  /** The dialog ended: nothing is reported any more. */
  end(): void {
    this.#core.timers.clear(this.#timer)
    this.#state = 'ended'
  }

  onTimer(): void {
    this.#timer = undefined
    if (this.#state !== 'waiting') return
    if (this.#hasOffer && this.#owner.mustWait && this.#glares < MAX_GLARES) this.#waitOutGlare()
    else this.#send()
  }

  onRequestEnd(_method: string, response: SipResponse): void {
    if (this.#state !== 'sent') return
    const { status } = response
    if (status === 491 && this.#glares < MAX_GLARES) {
      this.#waitOutGlare()
    } else if (status === 422 && this.#raises < MAX_RAISES && this.#owner.raiseInterval(response)) {
      this.#raises++
      this.#send()
    } else {
      this.#state = 'ended'
      this.#owner.onUpdateEnd(response, this.#onFinal)
    }
  }

  get #hasOffer(): boolean {
    return hasBody(this.#options)
  }

  #waitOutGlare(): void {
    this.#state = 'waiting'
    this.#glares++
    this.#timer = this.#core.timers.set(glareWaitMs(this.#ownsCallId), this)
  }

  #send(): void {
    this.#state = 'sent'
    const options = withHeaders(this.#options, this.#owner.refreshHeaders())
    new InDialogRequest(this.#core, this.#dialog, this.#answerer, 'UPDATE', options, this, undefined)
  }
}

/** The options with more headers of the stack's own before the user's. */
export function withHeaders(options: RequestOptions, more: readonly string[] | undefined): RequestOptions {
  return more === undefined ? options : { ...options, headers: [...more, ...(options.headers ?? [])] }
}
