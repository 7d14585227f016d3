import type { SipRequest } from '../message/message.ts'
import { newTag } from '../shared/ids.ts'
import type { ServerTransaction } from '../transaction/server-transaction.ts'
import type { Hop } from '../transport/address.ts'
import { refuse, reply } from './core.ts'
import type { Core } from './core.ts'
import { REQUIRES_100REL, featuresOf } from './features.ts'
import type { IncomingRequest, ResponseOptions } from './types.ts'

/** Told that a final response went out, with its bytes. */
export type AnswerWatcher = {
  /** Flat headers that a 2xx carries. */
  answerHeaders(request: SipRequest): readonly string[] | undefined
  onAnswered(transaction: ServerTransaction, request: SipRequest, status: number, bytes: Uint8Array): void
}

/** A request handed to the application, which answers it once. */
export class Incoming implements IncomingRequest {
  readonly request: SipRequest
  readonly source: Hop
  readonly #core: Core
  readonly #transaction: ServerTransaction
  readonly #toTag: string | undefined
  readonly #allow: string
  readonly #contact: string | undefined
  readonly #watcher: AnswerWatcher | undefined

  /** `toTag`: absent outside dialogs. `allow`: goes into a 405 that brings none of its own. `contact`: goes into 1xx and 2xx of requests that may refresh the target. */
  constructor(
    core: Core,
    transaction: ServerTransaction,
    request: SipRequest,
    toTag: string | undefined,
    allow: string,
    contact?: string,
    watcher?: AnswerWatcher,
  ) {
    this.#core = core
    this.#transaction = transaction
    this.request = request
    this.source = transaction.source
    this.#toTag = toTag
    this.#allow = allow
    this.#contact = contact
    this.#watcher = watcher
  }

  respond(status: number, options?: ResponseOptions): void {
    // RFC 3262 §3: who requires reliable provisional responses to a re-INVITE gets none, for those that could be lost are no use.
    if (status > 100 && status < 200 && (featuresOf(this.request) & REQUIRES_100REL) !== 0) return
    const extra = this.#extraOf(status, options)
    if (this.#toTag === undefined && isRepeatable(this.request.method, status)) {
      refuse(this.#core, this.#transaction, this.request, status, options, extra)
      return
    }
    const toTag = this.#toTag ?? newTag()
    const bytes = reply(this.#core, this.#transaction, this.request, status, toTag, options, extra)
    if (bytes !== undefined && status >= 200)
      this.#watcher?.onAnswered(this.#transaction, this.request, status, bytes)
  }

  #extraOf(status: number, options: ResponseOptions | undefined): string[] | undefined {
    if (status > 100 && status < 300) {
      const extra = this.#contact === undefined ? undefined : ['Contact', this.#contact]
      const more = status < 200 ? undefined : this.#watcher?.answerHeaders(this.request)
      return more === undefined ? extra : [...(extra ?? []), ...more]
    }
    if (status !== 405 || options?.headers?.includes('Allow') === true) return undefined
    // RFC 3261 §8.2.1: a 405 says what is allowed, and the method it refuses is not.
    const { method } = this.request
    const others = this.#allow.split(', ').filter((name) => name !== method)
    return ['Allow', others.join(', ')]
  }
}

/** Answers that anybody gets, and again when it asks again: the application would say the same. */
function isRepeatable(method: string, status: number): boolean {
  switch (status) {
    case 401:
    case 403:
    case 404:
    case 405:
    case 407:
    case 489:
    case 501:
      return true
    default:
      return status >= 200 && method === 'OPTIONS'
  }
}
