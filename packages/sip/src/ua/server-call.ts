import { dialogOfRequest } from '../dialog/dialog.ts'
import { Session } from '../dialog/session.ts'
import type { SessionOwner } from '../dialog/session.ts'
import type { SipRequest, SipResponse } from '../message/message.ts'
import { parseUri } from '../message/uri.ts'
import type { InviteUser, ServerTransaction } from '../transaction/server-transaction.ts'
import type { Endpoint, Hop } from '../transport/address.ts'
import { allowOf } from './allow.ts'
import { contactOf, refuse, refuseLocally, reply } from './core.ts'
import type { Core, Face } from './core.ts'
import { REQUIRES_100REL, SUPPORTS_100REL, featuresOf } from './features.ts'
import type { Features } from './features.ts'
import { newTag } from '../shared/ids.ts'
import type {
  DialogHandlers,
  ForkRequestOptions,
  RequestOptions,
  ResponseOptions,
  ServerCall,
  ServerCallHandlers,
} from './types.ts'

const NO_HANDLERS: ServerCallHandlers = {
  onAck() {},
  onBye() {},
  onCancel() {},
  onLost() {},
  onReinvite: (_call, request) => request.respond(488),
}

/**
 * An incoming call.
 *
 *     ringing -answer-> answered (2xx repeated) -ACK-> confirmed -> over
 *     ringing -reject, CANCEL, BYE-> over
 */
export class IncomingCall implements ServerCall, SessionOwner, InviteUser {
  readonly callId: string
  readonly request: SipRequest
  readonly source: Hop
  readonly local: Endpoint
  owner: unknown
  handlers: ServerCallHandlers = NO_HANDLERS
  readonly #core: Core
  readonly #transaction: ServerTransaction
  readonly #session: Session
  readonly #localTag: string
  /** Of the INVITE; read when first asked for. */
  #features: Features | undefined
  #state: 'ringing' | 'answered' | 'confirmed' | 'over' = 'ringing'
  /** `bye` was asked for before the ACK came; a callee must wait for it (RFC 3261 §15). */
  #isLeaving = false
  #byeOptions: RequestOptions | undefined

  constructor(core: Core, transaction: ServerTransaction, request: SipRequest, face: Face) {
    this.#core = core
    this.#transaction = transaction
    this.request = request
    this.source = transaction.source
    this.local = face.transport.local
    this.#localTag = newTag()
    const contact = contactOf(face, parseUri(request.uri)?.user)
    const dialog = dialogOfRequest(request, this.#localTag, face, transaction.source, contact)
    this.callId = dialog.callId
    this.#session = new Session(core, dialog, this, false, undefined)
    transaction.user = this
    transaction.toTag = this.#localTag
    core.calls.set(this.#localTag, this.#session)
  }

  get reliability(): 'none' | 'supported' | 'required' {
    const features = (this.#features ??= featuresOf(this.request))
    if ((features & REQUIRES_100REL) !== 0) return 'required'
    return (features & SUPPORTS_100REL) !== 0 ? 'supported' : 'none'
  }

  get call(): ServerCall {
    return this
  }

  get sessionHandlers(): DialogHandlers {
    return this.handlers
  }

  progress(status: number, options?: ResponseOptions): void {
    if (this.#state === 'ringing' && status > 100 && status < 200) this.#respond(status, options)
  }

  answer(options?: ResponseOptions): void {
    if (this.#state !== 'ringing') return
    const bytes = this.#respond(200, options)
    if (bytes === undefined) return
    this.#state = 'answered'
    this.#session.awaitFirstAck(this.#transaction, bytes)
  }

  reject(status: number, options?: ResponseOptions): void {
    if (this.#state !== 'ringing') return
    this.#state = 'over'
    this.#respond(status, options)
    this.#session.drop()
  }

  rejectStateless(status: number, options?: ResponseOptions): void {
    if (this.#state !== 'ringing') return
    this.#state = 'over'
    refuse(this.#core, this.#transaction, this.request, status, options)
    this.#session.drop()
  }

  bye(options?: RequestOptions): void {
    if (this.#state === 'ringing') {
      this.reject(603)
    } else if (this.#state === 'answered') {
      this.#isLeaving = true
      this.#byeOptions = options
    } else {
      this.#state = 'over'
      this.#session.bye(options)
    }
  }

  reinvite(options: RequestOptions, onFinal: (response: SipResponse) => void): void {
    // The caller must have our 2xx, and we its ACK, before a new offer (RFC 3261 §14.1).
    if (this.#state === 'ringing' || this.#state === 'answered') refuseLocally(this.#core, 491, onFinal)
    else this.#session.reinvite(options, onFinal)
  }

  ackReinvite(options?: RequestOptions): void {
    this.#session.ackReinvite(options)
  }

  cancelReinvite(options?: RequestOptions): void {
    this.#session.cancelReinvite(options)
  }

  update(options: ForkRequestOptions, onFinal: (response: SipResponse) => void): void {
    this.#session.update(options, onFinal)
  }

  sendRequest(method: string, options: RequestOptions, onFinal: (response: SipResponse) => void): void {
    this.#session.request(method, options, onFinal)
  }

  onCancel(request: SipRequest): void {
    if (this.#state !== 'ringing') return
    this.reject(487)
    this.handlers.onCancel(this, request)
  }

  onFirstAck(request: SipRequest): void {
    if (this.#state !== 'answered') return
    this.#state = 'confirmed'
    if (this.#isLeaving) this.bye(this.#byeOptions)
    else this.handlers.onAck(this, request)
  }

  onPeerBye(): void {
    if (this.#state === 'ringing') this.#respond(487, undefined)
    this.#state = 'over'
  }

  #respond(status: number, options: ResponseOptions | undefined): Uint8Array | undefined {
    const { contact } = this.#session.dialog
    const extra = status < 300 ? ['Contact', contact, 'Allow', allowOf(this.handlers)] : undefined
    return reply(this.#core, this.#transaction, this.request, status, this.#localTag, options, extra)
  }
}
