import { isTooSmall } from '../core/session-interval.ts'
import { header, headerValues, splitValues } from '../message/headers.ts'
import type { SipRequest } from '../message/message.ts'
import { tagOf } from '../message/name-addr.ts'
import { schemeOf } from '../message/uri.ts'
import { faultInFields } from '../message/validate.ts'
import type { RequestUser } from '../transaction/layer.ts'
import type { ServerTransaction } from '../transaction/server-transaction.ts'
import { allowOf } from '../core/allow.ts'
import { refusalOfContent } from './content.ts'
import { refuse, reply } from '../core/core.ts'
import type { Core, Face } from '../core/core.ts'
import { SUPPORTED, unknownTags } from '../core/features.ts'
import { newTag } from '../shared/ids.ts'
import { Incoming } from '../core/incoming.ts'
import { IncomingCall } from './server-call.ts'
import type { StackHandlers } from '../core/types.ts'

/** Methods that mean something only inside a dialog. */
const ONLY_IN_DIALOG: ReadonlySet<string> = new Set(['BYE', 'INFO', 'UPDATE', 'PRACK'])
/** Methods an application may take outside dialogs, else 405; what is none of these nobody here knows, 501 (RFC 3261 §8.2.1, §21.5.2). */
const OUTSIDE: ReadonlySet<string> = new Set([
  'OPTIONS',
  'REGISTER',
  'MESSAGE',
  'SUBSCRIBE',
  'NOTIFY',
  'PUBLISH',
  'REFER',
])
const SCHEMES: ReadonlySet<string | undefined> = new Set(['sip', 'sips', 'tel'])

/** What a user agent does with a request before anyone sees it (RFC 3261 §8.2): who it is for, or why it is refused. */
export class RequestDispatcher implements RequestUser {
  #handlers: StackHandlers
  #core: Core | undefined

  constructor(handlers: StackHandlers) {
    this.#handlers = handlers
  }

  serve(core: Core): void {
    this.#core = core
  }

  onRequest(transaction: ServerTransaction, request: SipRequest): void {
    const core = this.#core!
    try {
      this.#dispatch(core, transaction, request)
    } catch (error) {
      core.report(error, request.method)
      if (!transaction.isAnswered) reply(core, transaction, request, 500, transaction.toTag ?? newTag())
    }
  }

  #dispatch(core: Core, transaction: ServerTransaction, request: SipRequest): void {
    const { method } = request
    const toTag = tagOf(header(request, 'To') ?? '')
    const refusal = refusalOf(core, request, toTag !== undefined)
    if (refusal !== undefined) {
      refuse(core, transaction, request, refusal.status, undefined, refusal.headers)
      return
    }
    if (toTag !== undefined) {
      const call = core.calls.get(toTag)
      const fromTag = tagOf(header(request, 'From') ?? '') ?? ''
      if (call?.owns(header(request, 'Call-ID') ?? '', fromTag) === true) {
        call.onRequest(transaction, request)
        return
      }
    }
    if (method === 'INVITE' && toTag === undefined) {
      const unread = refusalOfContent(request)
      if (unread === undefined) this.#onInvite(core, transaction, request)
      else refuse(core, transaction, request, unread.status, undefined, unread.headers)
    } else if ((toTag !== undefined && method !== 'REGISTER') || ONLY_IN_DIALOG.has(method)) {
      refuse(core, transaction, request, 481)
    } else {
      this.#onOther(core, transaction, request)
    }
  }

  onAck(request: SipRequest): void {
    const core = this.#core!
    const toTag = tagOf(header(request, 'To') ?? '')
    const call = toTag === undefined ? undefined : core.calls.get(toTag)
    const fromTag = tagOf(header(request, 'From') ?? '') ?? ''
    if (call?.owns(header(request, 'Call-ID') ?? '', fromTag) === true) call.onAck(request)
  }

  #onInvite(core: Core, transaction: ServerTransaction, request: SipRequest): void {
    const call = new IncomingCall(core, transaction, request, faceOf(core, transaction))
    try {
      this.#handlers.onInvite(call)
    } catch (error) {
      core.report(error, 'onInvite')
      // No effect on a call that was answered before: it goes on with the handlers it has.
      call.reject(500)
    }
  }

  #onOther(core: Core, transaction: ServerTransaction, request: SipRequest): void {
    const { onRequest } = this.#handlers
    if (onRequest !== undefined && OUTSIDE.has(request.method)) {
      this.#handlers.onRequest?.(new Incoming(core, transaction, request, undefined, allowOf(undefined)))
    } else if (request.method === 'OPTIONS') {
      refuse(core, transaction, request, 200, undefined, [
        'Allow',
        allowOf(undefined),
        'Accept',
        'application/sdp',
        'Supported',
        SUPPORTED,
      ])
    } else {
      const status = OUTSIDE.has(request.method) ? 405 : 501
      refuse(core, transaction, request, status, undefined, ['Allow', allowOf(undefined)])
    }
  }
}

type Refusal = { readonly status: number; readonly headers?: readonly string[] }

function refusalOf(core: Core, request: SipRequest, isInDialog: boolean): Refusal | undefined {
  const { headers, method } = request
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]
    if (name === 'Require' && unknownTags(splitValues(headers[i + 1]!)).length > 0) {
      const unknown = unknownTags(headerValues(request, 'Require'))
      return { status: 420, headers: ['Unsupported', unknown.join(', ')] }
    }
    if (name === 'Session-Expires' && method === 'INVITE' && !isInDialog) {
      // RFC 4028 §9. Inside a dialog its session says so, by what was agreed.
      const { sessionLimits } = core
      if (isTooSmall(request, sessionLimits))
        return { status: 422, headers: ['Min-SE', String(sessionLimits.minSec)] }
    }
    // OPTIONS with 0 is how a hop is probed, and is answered by the hop it reaches (RFC 3261 §11).
    if (
      headers[i] === 'Max-Forwards' &&
      !isInDialog &&
      method !== 'OPTIONS' &&
      Number(headers[i + 1]) === 0
    ) {
      return { status: 483 }
    }
  }
  if (!isInDialog) {
    // Before state is made for it: what cannot be read could be answered to nobody, or shown to no one.
    const wrong = faultInFields(request)
    if (wrong !== undefined) return { status: wrong.status }
  }
  const isSip = request.uri.startsWith('sip:')
  return isSip || SCHEMES.has(schemeOf(request.uri)) ? undefined : { status: 416 }
}

function faceOf(core: Core, transaction: ServerTransaction): Face {
  return core.faces.find(({ transport }) => transport === transaction.transport) ?? core.faces[0]!
}
