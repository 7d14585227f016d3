import type { SipResponse } from '../message/message.ts'
import { withTag } from '../message/name-addr.ts'
import { runSoon } from '../shared/fault-report.ts'
import type { ClientTransaction, ClientUser } from '../transaction/client-transaction.ts'
import type { Hop } from '../transport/address.ts'
import type { TimerHandle, Waiter } from '../shared/timers.ts'
import { buildRequest, contactOf, isSips, localResponse } from '../core/core.ts'
import type { Core } from '../core/core.ts'
import { ChallengeAnswerer } from '../core/credentials.ts'
import type { Tried } from '../core/credentials.ts'
import { newBranch, newCallId, newTag } from '../shared/ids.ts'
import type { OutOfDialogOptions, RequestWay } from '../core/types.ts'
import { HopWalk, SILENT_HOP_MS } from './hop-walk.ts'

/** What may reach two servers without harm: a hop that says nothing is left for the next one. */
const ASKED_TWICE: ReadonlySet<string> = new Set(['OPTIONS', 'REGISTER'])

/** One request outside any dialog, with the answer to a challenge. */
export class OutOfDialogRequest implements ClientUser, Waiter {
  #core: Core
  #options: OutOfDialogOptions
  #onFinal: (response: SipResponse, way?: RequestWay) => void
  #from: string
  #callId: string
  #seq: number
  #answerer: ChallengeAnswerer | undefined
  readonly #tried: Tried = new Set()
  readonly #hops: HopWalk
  #transaction: ClientTransaction | undefined
  /** Of a hop that has said nothing. */
  #timer: TimerHandle

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
    this.#hops = new HopWalk(core)
    core.locator.locate(options.uri, options.hop, (hop, others) => this.#start(hop, others))
  }

  onResponse(_transaction: ClientTransaction, response: SipResponse): void {
    const { status } = response
    this.#waitNoMore()
    if (status < 200) {
      this.#hops.isTaken ||= status > 100
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

  /** The hop has said nothing: what it says later matches no transaction. */
  onTimer(): void {
    this.#timer = undefined
    this.#transaction?.end()
    this.onTimeout()
  }

  #start(hop: Hop | undefined, others: readonly Hop[]): void {
    if (this.#hops.start(hop, others)) this.#begin()
    else runSoon(() => this.#onFinal(localResponse(503, 'Service Unavailable')), this.#core.report, 'onFinal')
  }

  /** RFC 3263 §4.3: the same request, with a branch of its own, to the next hop. */
  #tryNext(response: SipResponse | undefined): boolean {
    this.#hops.failed(response)
    if (!this.#hops.next()) return false
    this.#tried.clear()
    this.#begin()
    return true
  }

  /** Sends to a hop that has not been tried. */
  #begin(): void {
    const { method, uri, body, silence } = this.#options
    this.#waitNoMore()
    const mayLeave = silence !== undefined || ASKED_TWICE.has(method)
    if (silence?.atLastHop === true || (mayLeave && this.#hops.hasMore))
      this.#timer = this.#core.timers.set(silence?.limitMs ?? SILENT_HOP_MS, this)
    this.#send(this.#answerer?.foresee(this.#hops.hop!, { method, uri, body }, this.#tried))
  }

  #waitNoMore(): void {
    this.#core.timers.clear(this.#timer)
    this.#timer = undefined
  }

  #end(response: SipResponse): void {
    this.#waitNoMore()
    this.#onFinal(response, { hop: this.#hops.hop!, contact: this.#contact() })
  }

  #contact(): string | undefined {
    const { contact, contactUser, contactParams = '' } = this.#options
    if (contact !== undefined || contactUser === undefined) return contact
    return contactOf(this.#hops.face!, contactUser, isSips(this.#options.uri)) + contactParams
  }

  #send(extra: readonly string[] | undefined): void {
    const { method, uri, to, maxForwards, cseq } = this.#options
    const { face, hop } = this.#hops
    const branch = newBranch()
    const request = buildRequest(this.#core, face!, branch, {
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
    this.#transaction = this.#core.layer.request(request, branch, face!.transport, hop!, this)
  }
}
