import type { SipResponse } from '../message/message.ts'
import { withTag } from '../message/name-addr.ts'
import { runSoon } from '../shared/fault-report.ts'
import type { ClientTransaction, ClientUser } from '../transaction/client-transaction.ts'
import type { Hop } from '../transport/address.ts'
import { buildRequest, contactOf, faceFor, isSips, localResponse } from '../core/core.ts'
import type { Core, Face } from '../core/core.ts'
import { ChallengeAnswerer } from '../core/credentials.ts'
import type { Tried } from '../core/credentials.ts'
import { newBranch, newCallId, newTag } from '../shared/ids.ts'
import type { OutOfDialogOptions, RequestWay } from '../core/types.ts'

/** One request outside any dialog, with the answer to a challenge. */
export class OutOfDialogRequest implements ClientUser {
  #core: Core
  #options: OutOfDialogOptions
  #onFinal: (response: SipResponse, way?: RequestWay) => void
  #from: string
  #callId: string
  #seq: number
  #answerer: ChallengeAnswerer | undefined
  readonly #tried: Tried = new Set()
  #hop: Hop | undefined
  #face: Face | undefined
  /** Where it goes when `#hop` fails. */
  #otherHops: readonly Hop[] = []
  /** Whether a server beyond the hop took it on: then no other is tried. */
  #isTaken = false

  constructor(
    core: Core,
    options: OutOfDialogOptions,
    onFinal: (response: SipResponse, way?: RequestWay) => void,
  ) {
    this.#core = core
    this.#options = options
    this.#onFinal = onFinal
    this.#from = withTag(options.from, newTag())
    this.#callId = options.callId ?? newCallId()
    this.#seq = typeof options.cseq === 'number' ? options.cseq : 1
    this.#answerer =
      options.credentials === undefined
        ? undefined
        : new ChallengeAnswerer(options.credentials, core.challenges)
    core.locator.locate(options.uri, options.hop, (hop, others) => this.#start(hop, others))
  }

  onResponse(_transaction: ClientTransaction, response: SipResponse): void {
    const { status } = response
    if (status < 200) {
      this.#isTaken ||= status > 100
      return
    }
    if (status === 503 && this.#tryNext(response)) return
    const { method, uri, body } = this.#options
    const extra = this.#answerer?.answer(response, { method, uri, body }, this.#tried)
    if (extra === undefined) {
      this.#end(response)
    } else {
      this.#seq++
      this.#send(extra)
    }
  }

  onTimeout(): void {
    if (!this.#tryNext(undefined)) this.#end(localResponse(408, 'Request Timeout'))
  }

  onSendFailed(): void {
    if (!this.#tryNext(undefined)) this.#end(localResponse(503, 'Service Unavailable'))
  }

  #start(hop: Hop | undefined, others: readonly Hop[]): void {
    this.#otherHops = others
    if (!this.#sendTo(hop))
      runSoon(() => this.#onFinal(localResponse(503, 'Service Unavailable')), this.#core.report, 'onFinal')
  }

  /** RFC 3263 §4.3: the same request, with a branch of its own, to the next hop. */
  #tryNext(response: SipResponse | undefined): boolean {
    this.#core.locator.failed(this.#hop!, response)
    if (this.#isTaken) return false
    const [next, ...others] = this.#otherHops
    this.#otherHops = others
    this.#tried.clear()
    return this.#sendTo(next)
  }

  #sendTo(hop: Hop | undefined): boolean {
    const face = hop === undefined ? undefined : faceFor(this.#core, hop)
    if (face === undefined) return false
    this.#hop = hop
    this.#face = face
    const { method, uri, body } = this.#options
    this.#send(this.#answerer?.foresee(hop!, { method, uri, body }, this.#tried))
    return true
  }

  #end(response: SipResponse): void {
    this.#onFinal(response, { hop: this.#hop!, contact: this.#contact() })
  }

  #contact(): string | undefined {
    const { contact, contactUser, contactParams = '' } = this.#options
    if (contact !== undefined || contactUser === undefined) return contact
    return contactOf(this.#face!, contactUser, isSips(this.#options.uri)) + contactParams
  }

  #send(extra: readonly string[] | undefined): void {
    const { method, uri, to, maxForwards, cseq } = this.#options
    const face = this.#face!
    const branch = newBranch()
    const request = buildRequest(this.#core, face, branch, {
      method,
      uri,
      from: this.#from,
      to,
      callId: this.#callId,
      seq: typeof cseq === 'function' ? cseq() : this.#seq,
      contact: this.#contact(),
      maxForwards,
      extra,
      options: this.#options,
    })
    this.#core.layer.request(request, branch, face.transport, this.#hop!, this)
  }
}
