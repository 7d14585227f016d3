import type { TimerHandle, Timers, Waiter } from '../shared/timers.ts'
import { LEAST_INTERVAL_SEC } from './session-interval.ts'
import type { SessionLimits } from './session-interval.ts'

/** What a session does when its time comes. */
export type SessionTimerOwner = {
  /** A refresh is due. Asked again, later and later, until one has succeeded. */
  refreshSession(): void
  /** Nobody refreshed the session in time. */
  onSessionExpired(): void
}

/**
 * The session timer of one dialog (RFC 4028 §10): who refreshes does so after half the interval; who has seen no refresh ends
 * the call min(32 s, a third of the interval) before it expires. One timer at a time; made only where there is an interval.
 */
export class SessionTimer implements Waiter {
  readonly #timers: Timers
  readonly #owner: SessionTimerOwner
  /** Session-Expires, seconds. */
  expiresSec: number
  /** We send the refreshes. */
  isRefresher: boolean
  /** The peer knows no session timers: any answer to a refresh shows that it is there. */
  isOneSided: boolean
  #endsAt = 0
  #timer: TimerHandle

  constructor(
    timers: Timers,
    owner: SessionTimerOwner,
    expiresSec: number,
    isRefresher: boolean,
    isOneSided: boolean,
  ) {
    this.#timers = timers
    this.#owner = owner
    this.expiresSec = Math.max(expiresSec, LEAST_INTERVAL_SEC)
    this.isRefresher = isRefresher
    this.isOneSided = isOneSided
    this.restart()
  }

  /** Refreshed now, on these terms. */
  reset(expiresSec: number, isRefresher: boolean, isOneSided: boolean): void {
    this.expiresSec = Math.max(expiresSec, LEAST_INTERVAL_SEC)
    this.isRefresher = isRefresher
    this.isOneSided = isOneSided
    this.restart()
  }

  /** The session was refreshed now. */
  restart(): void {
    const { expiresSec } = this
    const aliveMs = (expiresSec - Math.min(32, expiresSec / 3)) * 1000
    this.#endsAt = this.#timers.now() + aliveMs
    this.#wait(this.isRefresher ? expiresSec * 500 : aliveMs)
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
    this.#owner.refreshSession()
  }

  /** The flat headers of a refresh of ours (RFC 4028 §7.4): who refreshes now shall go on. */
  headers({ minSec }: SessionLimits): string[] {
    const expiresSec = Math.max(this.expiresSec, minSec)
    const headers = ['Supported', 'timer', 'Session-Expires']
    headers.push(`${expiresSec};refresher=${this.isRefresher ? 'uac' : 'uas'}`)
    if (minSec > LEAST_INTERVAL_SEC) headers.push('Min-SE', String(minSec))
    return headers
  }

  stop(): void {
    this.#timers.clear(this.#timer)
    this.#timer = undefined
  }

  #wait(delayMs: number): void {
    this.#timers.clear(this.#timer)
    this.#timer = this.#timers.set(delayMs, this)
  }
}

/** With less time left, another refresh would be of no use. */
const LAST_TRY_MS = 10_000
