import type { SipMessage, SipRequest, SipResponse } from '../message/message.ts'
import type { TimerHandle, Timers, Waiter } from '../shared/timers.ts'
import { ALLOWS_UPDATE, HAS_ALLOW, featuresOf } from '../core/features.ts'
import type { Features } from '../core/features.ts'
import {
  LEAST_INTERVAL_SEC,
  agree,
  agreementHeaders,
  isTooSmall,
  raised,
  sessionExpiresOf,
} from '../core/session-interval.ts'
import type { Agreement, SessionLimits } from '../core/session-interval.ts'

/** What a session does when its time comes. */
export type RefreshOwner = {
  /** Whether `sessionOffer` may give something. */
  readonly hasOffer: boolean
  /** Our SDP as it is. */
  sessionOffer(): Uint8Array | undefined
  /** Sends a refresh, by re-INVITE with an offer, else by UPDATE; nothing while another request does the same. */
  sendRefresh(offer: Uint8Array | undefined): void
  /** Nobody refreshed the session in time. */
  onSessionExpired(): void
}

/** With less time left, another refresh would be of no use. */
const LAST_TRY_MS = 10_000

/**
 * The session timer of one dialog (RFC 4028): what its requests and 2xxs say, and what is due when. Who refreshes does so
 * after half the interval, and again, ever sooner, until it has succeeded; who has seen no refresh ends the call min(32 s, a
 * third of the interval) before it expires (§10). It refreshes for a peer that knows no session timers too, where it can: a
 * dead call shall end.
 */
export class SessionRefresh implements Waiter {
  readonly #timers: Timers
  readonly #owner: RefreshOwner
  #limits: SessionLimits
  /** Of the peer's last message that carried Allow. */
  #features: Features = 0
  /** Goes into the 2xx at hand, and holds once that is sent. */
  #agreement: Agreement | undefined
  /** Session-Expires, seconds; 0: the session does not expire. */
  #expiresSec = 0
  #isRefresher = false
  /** The peer knows no session timers: any answer to a refresh shows that it is there. */
  #isOneSided = false
  #endsAt = 0
  #timer: TimerHandle

  constructor(timers: Timers, owner: RefreshOwner, limits: SessionLimits) {
    this.#timers = timers
    this.#owner = owner
    this.#limits = limits
  }

  /** The flat headers of a refresh of ours (§7.4): who refreshes now shall go on. */
  headers(): readonly string[] | undefined {
    if (this.#expiresSec === 0) return undefined
    const { minSec } = this.#limits
    const refresher = this.#isRefresher ? 'uac' : 'uas'
    const value = `${Math.max(this.#expiresSec, minSec)};refresher=${refresher}`
    const headers = ['Supported', 'timer', 'Session-Expires', value]
    if (minSec > LEAST_INTERVAL_SEC) headers.push('Min-SE', String(minSec))
    return headers
  }

  /** Takes the Min-SE of a 422 to a refresh of ours (§7.3); whether to ask again. */
  raise(refusal: SipResponse): boolean {
    const limits = this.#expiresSec === 0 ? undefined : raised(this.#limits, refusal)
    if (limits !== undefined) this.#limits = limits
    return limits !== undefined
  }

  /** The Min-SE that refuses a refresh of the peer, with 422 (§9). */
  refusalOf(request: SipRequest): readonly string[] | undefined {
    return isTooSmall(request, this.#limits) ? ['Min-SE', String(this.#limits.minSec)] : undefined
  }

  /** What our 2xx of an INVITE or UPDATE says (§9); it holds from `apply` on. */
  agreeTo(request: SipRequest): readonly string[] | undefined {
    const features = this.#note(request)
    this.#agreement = agree(request, features, this.#limits, this.#canRefresh)
    return this.#agreement === undefined ? undefined : agreementHeaders(this.#agreement)
  }

  /** That 2xx was sent. */
  apply(): void {
    const agreement = this.#agreement
    this.#agreement = undefined
    if (agreement === undefined) this.stop()
    else this.#start(agreement.expiresSec, agreement.refresher === 'uas', !agreement.requires)
  }

  /** An INVITE or UPDATE of ours was accepted: its 2xx says what holds from now on (§7.2). */
  onAccepted(response: SipResponse): void {
    this.#note(response)
    const said = sessionExpiresOf(response)
    const { expiresSec } = this.#limits
    if (said !== undefined) this.#start(said.expiresSec, said.refresher !== 'uas', false)
    else if (expiresSec > 0 && this.#canRefresh) this.#start(expiresSec, true, true)
    else this.stop()
  }

  /** A refresh that the owner was told to send was not accepted. 408 and 481 end the dialog without us (§10). */
  onRefused(response: SipResponse, wasUpdate: boolean): void {
    const { status } = response
    const isUnknown = wasUpdate && (status === 405 || status === 501) && this.#allowsUpdate
    if (isUnknown) this.#features = HAS_ALLOW
    // A response without headers is one of our own.
    if (isUnknown && this.#owner.hasOffer) this.#refresh()
    else if (this.#isOneSided && response.headers.length > 0) this.#restart()
  }

  onTimer(): void {
    this.#timer = undefined
    const leftMs = this.#endsAt - this.#timers.now()
    if (leftMs <= 0) {
      this.#owner.onSessionExpired()
      return
    }
    // Before the refresh, whose failure may end the session, and this timer with it.
    this.#wait(leftMs > LAST_TRY_MS ? leftMs / 2 : leftMs)
    this.#refresh()
  }

  stop(): void {
    this.#expiresSec = 0
    this.#timers.clear(this.#timer)
    this.#timer = undefined
  }

  get #allowsUpdate(): boolean {
    return (this.#features & ALLOWS_UPDATE) !== 0
  }

  get #canRefresh(): boolean {
    return this.#allowsUpdate || this.#owner.hasOffer
  }

  #note(message: SipMessage): Features {
    const features = featuresOf(message)
    if ((features & HAS_ALLOW) !== 0) this.#features = features
    return features
  }

  #refresh(): void {
    this.#owner.sendRefresh(this.#allowsUpdate ? undefined : this.#owner.sessionOffer())
  }

  #start(expiresSec: number, isRefresher: boolean, isOneSided: boolean): void {
    this.#expiresSec = Math.max(expiresSec, LEAST_INTERVAL_SEC)
    this.#isRefresher = isRefresher
    this.#isOneSided = isOneSided
    this.#restart()
  }

  #restart(): void {
    const aliveMs = (this.#expiresSec - Math.min(32, this.#expiresSec / 3)) * 1000
    this.#endsAt = this.#timers.now() + aliveMs
    this.#wait(this.#isRefresher ? this.#expiresSec * 500 : aliveMs)
  }

  #wait(delayMs: number): void {
    this.#timers.clear(this.#timer)
    this.#timer = this.#timers.set(delayMs, this)
  }
}
