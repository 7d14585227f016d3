import type { SipResponse } from '../message/message.ts'
import type { ClientTransaction, ClientUser } from '../transaction/client-transaction.ts'
import { localResponse } from '../core/core.ts'
import type { Core } from '../core/core.ts'
import type { ChallengeAnswerer } from '../core/credentials.ts'
import { newBranch } from '../shared/ids.ts'
import type { RequestOptions } from '../core/types.ts'
import type { Hop } from '../transport/address.ts'
import { leaveHop, requestInDialog } from './dialog.ts'
import type { Dialog } from './dialog.ts'

/** Told how an in-dialog request ended; 408 and 503 are also what a time-out and a dead transport become. */
export type RequestEnd = {
  onRequestEnd(method: string, response: SipResponse, onFinal: OnFinal | undefined): void
}
export type OnFinal = (response: SipResponse) => void

/** One non-INVITE request inside a dialog, with the answer to a challenge. */
export class InDialogRequest implements ClientUser {
  #core: Core
  #dialog: Dialog
  #answerer: ChallengeAnswerer | undefined
  #tried: Set<string> | undefined
  #method: string
  #options: RequestOptions | undefined
  #end: RequestEnd
  #onFinal: OnFinal | undefined
  #seq = 0
  #extra: readonly string[] | undefined
  #hop: Hop | undefined

  constructor(
    core: Core,
    dialog: Dialog,
    answerer: ChallengeAnswerer | undefined,
    method: string,
    options: RequestOptions | undefined,
    end: RequestEnd,
    onFinal: OnFinal | undefined,
  ) {
    this.#core = core
    this.#dialog = dialog
    this.#answerer = answerer
    this.#method = method
    this.#options = options
    this.#end = end
    this.#onFinal = onFinal
    this.#send(undefined)
  }

  onResponse(_transaction: ClientTransaction, response: SipResponse): void {
    if (response.status < 200) return
    if (response.status === 503 && this.#tryNext(response)) return
    if (this.#answerer !== undefined) {
      const uri = this.#dialog.remoteTarget
      this.#tried ??= new Set()
      const challenged = { method: this.#method, uri, body: this.#options?.body }
      const extra = this.#answerer.answer(response, challenged, this.#tried)
      if (extra !== undefined) {
        this.#send(extra)
        return
      }
    }
    this.#end.onRequestEnd(this.#method, response, this.#onFinal)
  }

  onTimeout(): void {
    if (this.#tryNext(undefined)) return
    this.#end.onRequestEnd(this.#method, localResponse(408, 'Request Timeout'), this.#onFinal)
  }

  onSendFailed(): void {
    if (this.#tryNext(undefined)) return
    this.#end.onRequestEnd(this.#method, localResponse(503, 'Service Unavailable'), this.#onFinal)
  }

  #send(extra: readonly string[] | undefined): void {
    this.#seq = ++this.#dialog.localSeq
    this.#extra = extra
    this.#sendIt()
  }

  /** RFC 3263 §4.3: the same request, with a branch of its own, to the next hop of the dialog. */
  #tryNext(response: SipResponse | undefined): boolean {
    if (!leaveHop(this.#core, this.#dialog, this.#hop!, response)) return false
    this.#sendIt()
    return true
  }

  #sendIt(): void {
    const branch = newBranch()
    const sending = requestInDialog(
      this.#core,
      this.#dialog,
      branch,
      this.#method,
      this.#seq,
      this.#options,
      this.#extra,
    )
    this.#hop = sending.hop
    this.#core.layer.request(sending.request, branch, sending.face.transport, sending.hop, this)
  }
}
