import type { Core } from '../core/core.ts'
import type { AnsweredForks } from '../dialog/forks.ts'
import type { SipResponse } from '../message/message.ts'
import type { TimerHandle, Waiter } from '../shared/timers.ts'
import type { ClientTransaction, ClientUser } from '../transaction/client-transaction.ts'
import { GIVE_UP_MS } from '../transaction/timing.ts'

/**
 * An INVITE that was left because its hop said nothing. Should the hop be heard after all, what it began is ended: by CANCEL as
 * soon as that is allowed (RFC 3261 §9.1), and each 2xx by ACK and BYE.
 */
export class LeftInvite implements ClientUser, Waiter {
  readonly #core: Core
  readonly #transaction: ClientTransaction
  readonly #forks: AnsweredForks
  #isCancelled = false
  #timer: TimerHandle

  /** `forks`: of this INVITE, none of which has won. */
  constructor(core: Core, transaction: ClientTransaction, forks: AnsweredForks) {
    this.#core = core
    this.#transaction = transaction
    this.#forks = forks
    transaction.user = this
  }

  onResponse(transaction: ClientTransaction, response: SipResponse): void {
    const { layer, timers } = this.#core
    if (response.status < 200) {
      if (this.#isCancelled || !layer.cancel(transaction, [])) return
      this.#isCancelled = true
      this.#timer = timers.set(GIVE_UP_MS, this)
      return
    }
    timers.clear(this.#timer)
    if (response.status >= 300) return
    transaction.user = this.#forks
    this.#forks.onResponse(transaction, response)
  }

  onTimeout(): void {}

  onSendFailed(): void {}

  /** No final response came in spite of the CANCEL. */
  onTimer(): void {
    this.#timer = undefined
    this.#transaction.end()
  }
}
