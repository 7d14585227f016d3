import type { SipResponse } from '../message/message.ts'
import { withTag } from '../message/name-addr.ts'
import { runSoon } from '../shared/fault-report.ts'
import type { ClientTransaction, ClientUser } from '../transaction/client-transaction.ts'
import type { Hop } from '../transport/address.ts'
import { findHop } from '../transport/resolve.ts'
import { buildRequest, faceFor, localResponse } from './core.ts'
import type { Core, Face } from './core.ts'
import { ChallengeAnswerer } from './credentials.ts'
import { newBranch, newCallId, newTag } from '../shared/ids.ts'
import type { OutOfDialogOptions } from './types.ts'

/** One request outside any dialog, with the answer to a challenge. */
export class OutOfDialogRequest implements ClientUser {
  #core: Core
  #options: OutOfDialogOptions
  #onFinal: (response: SipResponse) => void
  #from: string
  #callId: string
  #seq: number
  #answerer: ChallengeAnswerer | undefined
  #tried = new Set<string>()
  #hop: Hop | undefined
  #face: Face | undefined

  constructor(core: Core, options: OutOfDialogOptions, onFinal: (response: SipResponse) => void) {
    this.#core = core
    this.#options = options
    this.#onFinal = onFinal
    this.#from = withTag(options.from, newTag())
    this.#callId = options.callId ?? newCallId()
    this.#seq = options.cseq ?? 1
    this.#answerer =
      options.credentials === undefined ? undefined : new ChallengeAnswerer(options.credentials)
    findHop(options.uri, options.hop, core.report, (hop) => this.#start(hop))
  }

  onResponse(_transaction: ClientTransaction, response: SipResponse): void {
    if (response.status < 200) return
    const { method, uri, body } = this.#options
    const extra = this.#answerer?.answer(response, { method, uri, body }, this.#tried)
    if (extra === undefined) {
      this.#onFinal(response)
    } else {
      this.#seq++
      this.#send(extra)
    }
  }

  onTimeout(): void {
    this.#onFinal(localResponse(408, 'Request Timeout'))
  }

  onSendFailed(): void {
    this.#onFinal(localResponse(503, 'Service Unavailable'))
  }

  #start(hop: Hop | undefined): void {
    this.#hop = hop
    this.#face = hop === undefined ? undefined : faceFor(this.#core, hop)
    if (this.#face === undefined) runSoon(() => this.onSendFailed(), this.#core.report, 'onFinal')
    else this.#send(undefined)
  }

  #send(extra: readonly string[] | undefined): void {
    const { method, uri, to, contact, maxForwards } = this.#options
    const face = this.#face!
    const branch = newBranch()
    const from = this.#from
    const parts = { method, uri, from, to, callId: this.#callId, seq: this.#seq, contact, maxForwards, extra }
    const request = buildRequest(this.#core, face, branch, { ...parts, options: this.#options })
    this.#core.layer.request(request, branch, face.transport, this.#hop!, this)
  }
}
