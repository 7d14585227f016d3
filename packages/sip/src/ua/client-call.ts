import { dialogOfResponse } from '../dialog/dialog.ts'
import type { DialogSeed } from '../dialog/dialog.ts'
import { EarlyDialogs } from '../dialog/early-dialogs.ts'
import type { SessionMaker } from '../dialog/early-dialogs.ts'
import { AnsweredForks } from '../dialog/forks.ts'
import { MAX_RAISES, raised } from '../core/session-interval.ts'
import type { SessionLimits } from '../core/session-interval.ts'
import { Session } from '../dialog/session.ts'
import type { SessionOwner } from '../dialog/session.ts'
import type { SipRequest, SipResponse } from '../message/message.ts'
import { withTag } from '../message/name-addr.ts'
import { runSoon } from '../shared/fault-report.ts'
import type { ClientTransaction, ClientUser } from '../transaction/client-transaction.ts'
import type { TimerHandle, Waiter } from '../shared/timers.ts'
import type { ServerTransaction } from '../transaction/server-transaction.ts'
import { GIVE_UP_MS } from '../transaction/timing.ts'
import type { Hop } from '../transport/address.ts'
import { contactOf, hasBody, isSips, refuseLocally, reply } from '../core/core.ts'
import type { CallRoute, Core } from '../core/core.ts'
import { ChallengeAnswerer } from '../core/credentials.ts'
import type { ChallengedRequest, Tried } from '../core/credentials.ts'
import { forkOf } from './fork.ts'
import { HopWalk, SILENT_HOP_MS } from './hop-walk.ts'
import { inviteRequest } from './invite-request.ts'
import { LeftInvite } from './left-invite.ts'
import { newBranch, newCallId, newTag } from '../shared/ids.ts'
import type {
  ClientCall,
  ClientCallHandlers,
  DialogHandlers,
  ForkRequestOptions,
  InviteOptions,
  RequestOptions,
  SilenceOptions,
} from '../core/types.ts'

/** A hop that has not even said 100 for so long, three copies, is taken for dead when the call is given up. */
const SILENCE_MS = 2_000

const NO_OPTIONS: SilenceOptions = {}

/**
 * An outgoing call.
 *
 *     resolving -> calling -1xx-> ringing -2xx-> answered -ack-> confirmed -> over
 *     calling, ringing -503, time-out; silence-> calling (the next hop)
 *     calling, ringing -failure, time-out-> over
 *     ringing -cancel-> cancelling -487, crossing 2xx (ACK, BYE)-> over
 */
export class OutgoingCall implements ClientCall, ClientUser, CallRoute, SessionOwner, SessionMaker, Waiter {
  readonly callId = newCallId()
  owner: unknown
  readonly #core: Core
  readonly #options: InviteOptions
  readonly #handlers: ClientCallHandlers
  readonly #localTag = newTag()
  readonly #from: string
  readonly #answerer: ChallengeAnswerer | undefined
  #tried: Tried | undefined
  #authorization: readonly string[] | undefined
  readonly #hops: HopWalk
  #seq = 1
  #state: 'resolving' | 'calling' | 'ringing' | 'answered' | 'confirmed' | 'over' = 'resolving'
  #transaction: ClientTransaction | undefined
  readonly #early: EarlyDialogs
  /** Of the fork that answered. */
  #session: Session | undefined
  #forks: AnsweredForks | undefined
  /** What the INVITE asks of the session timer; more after a 422. */
  #limits: SessionLimits
  #timer: TimerHandle
  /** The timer waits for any answer at all, 100 too; else it is Timer C. */
  #isUnheard = false
  #raises = 0
  #lastNewsAt = 0
  /** Set once the call is given up: what onFailure will say. */
  #givenUpAs: 487 | 408 | undefined
  #isCancelSent = false
  #cancelHeaders: readonly string[] = []

  constructor(core: Core, options: InviteOptions, handlers: ClientCallHandlers) {
    this.#core = core
    this.#limits = core.sessionLimits
    this.#options = options
    this.#handlers = handlers
    this.#from = withTag(options.from, this.#localTag)
    this.#answerer =
      options.credentials === undefined
        ? undefined
        : new ChallengeAnswerer(options.credentials, core.challenges)
    this.#early = new EarlyDialogs(core, this.#answerer, this)
    this.#hops = new HopWalk(core)
    core.calls.set(this.#localTag, this)
    core.locator.locate(options.uri, options.hop, (hop, others) => this.#start(hop, others))
    if (this.#state === 'resolving') this.#awaitAnything()
  }

  get call(): ClientCall {
    return this
  }

  get sessionHandlers(): DialogHandlers {
    return this.#handlers
  }

  ack(options?: RequestOptions): void {
    if (this.#state !== 'answered') return
    this.#state = 'confirmed'
    const session = this.#session!
    session.offer = 'settled'
    this.#forks?.ack(session.dialog, options)
    this.#forks = undefined
  }

  cancel(options?: RequestOptions): void {
    this.#giveUp(487, options)
  }

  bye(options?: RequestOptions): void {
    if (this.#state === 'answered') this.ack()
    if (this.#state === 'confirmed') {
      this.#state = 'over'
      this.#session!.bye(options)
    } else {
      this.cancel(options)
    }
  }

  reinvite(options: RequestOptions, onFinal: (response: SipResponse) => void): void {
    if (this.#state === 'answered') this.ack()
    const session = this.#state === 'confirmed' ? this.#session : undefined
    if (session === undefined) refuseLocally(this.#core, 481, onFinal)
    else session.reinvite(options, onFinal)
  }

  ackReinvite(options?: RequestOptions): void {
    this.#session?.ackReinvite(options)
  }

  cancelReinvite(options?: RequestOptions): void {
    this.#session?.cancelReinvite(options)
  }

  update(options: ForkRequestOptions, onFinal: (response: SipResponse) => void): void {
    const session = this.#state === 'over' ? undefined : this.#sessionOf(options.fork)
    if (session === undefined) refuseLocally(this.#core, 481, onFinal)
    else session.update(options, onFinal)
  }

  prack(options: ForkRequestOptions, onFinal?: (response: SipResponse) => void): void {
    if (this.#state !== 'over') this.#early.prack(options, onFinal)
  }

  sendRequest(method: string, options: RequestOptions, onFinal: (response: SipResponse) => void): void {
    const session = this.#state === 'over' ? undefined : this.#sessionOf(undefined)
    if (session === undefined) refuseLocally(this.#core, 481, onFinal)
    else session.request(method, options, onFinal)
  }

  onResponse(transaction: ClientTransaction, response: SipResponse): void {
    // An answer to an attempt that was given up, or that a challenge replaced.
    if (transaction !== this.#transaction || this.#state === 'over') return
    if (this.#isUnheard) this.#waitNoMore()
    const { status } = response
    if (status < 200) this.#onProvisional(response)
    else if (status < 300) this.#onAnswer(transaction, response)
    else if (
      !this.#answerChallenge(response) &&
      !this.#raiseInterval(response) &&
      !(status === 503 && this.#tryNext(response))
    )
      this.#fail(this.#givenUpAs ?? status, response)
  }

  onTimeout(): void {
    if (!this.#tryNext(undefined)) this.#fail(this.#givenUpAs ?? 408, undefined)
  }

  onSendFailed(): void {
    if (!this.#tryNext(undefined)) this.#fail(this.#givenUpAs ?? 503, undefined)
  }

  /** Silence, Timer C, or the end of the wait for a cancelled INVITE's final response (RFC 3261 §9.1). */
  onTimer(): void {
    this.#timer = undefined
    if (this.#isUnheard) {
      this.#leave()
      return
    }
    if (this.#isCancelSent) {
      this.#fail(this.#givenUpAs ?? 487, undefined)
      return
    }
    const { timers, inviteTimeoutMs } = this.#core
    const silentMs = timers.now() - this.#lastNewsAt
    if (silentMs < inviteTimeoutMs) this.#timer = timers.set(inviteTimeoutMs - silentMs, this)
    else this.#giveUp(408, undefined)
  }

  owns(callId: string, remoteTag: string): boolean {
    return this.#early.of(remoteTag)?.owns(callId, remoteTag) === true
  }

  /** The callee's requests before it answered: they belong to the fork with its tag. */
  onRequest(transaction: ServerTransaction, request: SipRequest): void {
    const session = this.#early.of(forkOf(request))
    if (session === undefined || request.method === 'BYE') {
      // A callee refuses an unanswered call with a response, never with BYE (RFC 3261 §15).
      reply(this.#core, transaction, request, 481, this.#localTag)
    } else {
      session.onRequest(transaction, request)
    }
  }

  enter(response: SipResponse): Session {
    const dialog = dialogOfResponse(this.#core, this.#seed(), response, this.#hops.face!, this.#hops.hop!)
    const offer = hasBody(this.#options) ? 'ours' : 'awaited'
    return new Session(this.#core, dialog, this, true, this.#answerer, offer)
  }

  onAck(): void {}

  onFirstAck(): void {}

  /** The callee may hang up before it has our ACK, and still repeats its 2xx until that comes (RFC 5407 §3.1.3). */
  onPeerBye(): void {
    this.ack()
    this.#state = 'over'
  }

  onPrack(): boolean {
    return false
  }

  onDrop(): void {}

  drop(): void {
    this.#end()
  }

  #start(hop: Hop | undefined, others: readonly Hop[]): void {
    if (this.#state !== 'resolving') return
    if (this.#hops.start(hop, others)) this.#begin()
    else this.#failSoon(503)
  }

  /** RFC 3263 §4.3: the same INVITE, with a branch of its own, to the next hop. */
  #tryNext(response: SipResponse | undefined): boolean {
    this.#hops.failed(response)
    if (this.#givenUpAs !== undefined || !this.#hops.next()) return false
    // That the last hop said 100 is no news of this one; nor are its nonces.
    this.#tried = undefined
    this.#begin()
    return true
  }

  /** Sends to a hop that has not been tried. */
  #begin(): void {
    this.#waitNoMore()
    this.#awaitAnything()
    this.#lastNewsAt = this.#core.timers.now()
    if (this.#answerer !== undefined) {
      this.#tried ??= new Set()
      this.#authorization = this.#answerer.foresee(this.#hops.hop!, this.#challenged(), this.#tried)
    }
    this.#send()
  }

  /** Where a hop is not given the 32 s of Timer B to say 100. */
  #awaitAnything(): void {
    const { limitMs = SILENT_HOP_MS, atLastHop = false } = this.#options.silence ?? NO_OPTIONS
    if (!atLastHop && !this.#hops.hasMore) return
    this.#isUnheard = true
    this.#timer = this.#core.timers.set(limitMs, this)
  }

  #waitNoMore(): void {
    this.#isUnheard = false
    this.#core.timers.clear(this.#timer)
    this.#timer = undefined
  }

  /** Neither DNS nor the hop has said anything. */
  #leave(): void {
    this.#isUnheard = false
    if (this.#state === 'resolving') {
      this.#fail(408, undefined)
      return
    }
    new LeftInvite(this.#core, this.#transaction!, this.#newForks())
    this.#transaction = undefined
    if (!this.#tryNext(undefined)) this.#fail(408, undefined)
  }

  #send(): void {
    const { callId } = this
    const { face, hop } = this.#hops
    this.#state = 'calling'
    const branch = newBranch()
    const request = inviteRequest(this.#core, face!, branch, this.#options, this.#handlers, {
      callId,
      from: this.#from,
      seq: this.#seq,
      authorization: this.#authorization,
      limits: this.#limits,
    })
    this.#transaction = this.#core.layer.request(request, branch, face!.transport, hop!, this)
  }

  #onProvisional(response: SipResponse): void {
    if (this.#state === 'calling') {
      this.#state = 'ringing'
      if (this.#timer === undefined) this.#timer = this.#core.timers.set(this.#core.inviteTimeoutMs, this)
    }
    this.#lastNewsAt = this.#core.timers.now()
    if (this.#givenUpAs !== undefined) {
      this.#sendCancel()
      return
    }
    if (response.status === 100) {
      this.#handlers.onTrying?.(this, response)
      return
    }
    this.#hops.isTaken = true
    const fork = forkOf(response)
    if (!this.#early.take(response, fork)) return
    if (response.status !== 199) this.#handlers.onProvisional(this, response, fork)
    else if (this.#early.end(fork)) this.#handlers.onForkEnded?.(this, response, fork)
  }

  #onAnswer(transaction: ClientTransaction, response: SipResponse): void {
    this.#core.timers.clear(this.#timer)
    const forks = this.#newForks()
    transaction.user = forks
    if (this.#givenUpAs !== undefined) {
      // The 200 crossed our CANCEL: the call came up and goes down at once.
      forks.onResponse(transaction, response)
      this.#fail(this.#givenUpAs, undefined)
      return
    }
    const fork = forkOf(response)
    const session = this.#early.confirm(response, fork)
    this.#session = session
    this.#core.calls.set(this.#localTag, session)
    this.#state = 'answered'
    this.#forks = forks
    this.#transaction = undefined
    forks.win(fork)
    session.confirm(response, this.#limits)
    this.#handlers.onAnswer(this, response, fork)
  }

  /** After the answer there is one. */
  #sessionOf(fork: string | undefined): Session | undefined {
    return this.#session ?? this.#early.of(fork)
  }

  #newForks(): AnsweredForks {
    const { face } = this.#hops
    return new AnsweredForks(this.#core, this.#seed(), face!, this.#answerer, this.#authorization)
  }

  #seed(): DialogSeed {
    return {
      callId: this.callId,
      localTag: this.#localTag,
      from: this.#from,
      contact: contactOf(this.#hops.face!, this.#options.contactUser, isSips(this.#options.uri)),
      uri: this.#options.uri,
      seq: this.#seq,
    }
  }

  #answerChallenge(response: SipResponse): boolean {
    if (this.#answerer === undefined || this.#givenUpAs !== undefined) return false
    this.#tried ??= new Set()
    const extra = this.#answerer.answer(response, this.#challenged(), this.#tried)
    if (extra === undefined) return false
    this.#authorization = extra
    this.#sendAgain()
    return true
  }

  #challenged(): ChallengedRequest {
    const { uri, body } = this.#options
    return { method: 'INVITE', uri, body }
  }

  /** RFC 4028 §7.3: asks again for the interval that a 422 wants. */
  #raiseInterval(response: SipResponse): boolean {
    if (response.status !== 422 || this.#givenUpAs !== undefined || this.#raises === MAX_RAISES) return false
    const limits = raised(this.#limits, response)
    if (limits === undefined) return false
    this.#raises++
    this.#limits = limits
    this.#sendAgain()
    return true
  }

  #sendAgain(): void {
    this.#seq++
    this.#early.drop()
    this.#send()
  }

  #giveUp(status: 487 | 408, options: RequestOptions | undefined): void {
    if (this.#givenUpAs !== undefined) return
    switch (this.#state) {
      case 'resolving':
        this.#givenUpAs = status
        this.#waitNoMore()
        this.#failSoon(status)
        return
      case 'calling':
      case 'ringing':
        this.#givenUpAs = status
        this.#cancelHeaders = options?.headers ?? []
        if (this.#isUnheard) this.#waitNoMore()
        if (this.#state === 'calling' && this.#core.timers.now() - this.#lastNewsAt >= SILENCE_MS)
          this.#hops.failed()
        // RFC 3261 §9.1: no CANCEL before a provisional response; it could overtake the INVITE.
        if (this.#state === 'ringing') this.#sendCancel()
        return
      case 'answered':
      case 'confirmed':
      case 'over':
        return
      default:
        this.#state satisfies never
    }
  }

  #sendCancel(): void {
    const { timers, layer } = this.#core
    if (this.#isCancelSent || this.#transaction === undefined) return
    if (!layer.cancel(this.#transaction, this.#cancelHeaders)) return
    this.#isCancelSent = true
    timers.clear(this.#timer)
    this.#timer = timers.set(GIVE_UP_MS, this)
  }

  #failSoon(status: number): void {
    runSoon(() => this.#fail(status, undefined), this.#core.report, 'onFailure')
  }

  #fail(status: number, response: SipResponse | undefined): void {
    if (this.#state === 'over') return
    this.#end()
    this.#handlers.onFailure(this, status, response)
  }

  #end(): void {
    this.#state = 'over'
    this.#core.timers.clear(this.#timer)
    // A cancelled INVITE nobody answered must not wait for ever; one that failed has ended by itself.
    if (this.#transaction?.pendingRequest !== undefined) this.#transaction.end()
    this.#transaction = undefined
    this.#early.drop()
    const { calls } = this.#core
    if (calls.get(this.#localTag) === this) calls.delete(this.#localTag)
  }
}
