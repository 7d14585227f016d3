import type { TimerHandle, Timers, Waiter } from '../shared/timers.ts'
import type { Heard, WireWatch } from './wire.ts'

/** How connections that we opened are kept and given up. */
export type FlowLimits = {
  /** Silence after which the peer is pinged; RFC 5626 §4.4.1 wants 95 to 120 s over streams. */
  readonly pingAfterMs: number
  /** For the pong (RFC 5626 §4.4.1: 10 s). */
  readonly pongTimeoutMs: number
  /** Without a message either way; a connection that someone keeps has no such limit. */
  readonly idleTimeoutMs: number
}

export const FLOW_LIMITS: FlowLimits = { pingAfterMs: 105_000, pongTimeoutMs: 10_000, idleTimeoutMs: 600_000 }

/**
 * Watches one connection that we opened: pings it through NATs and firewalls, hangs up when a peer that used to answer pings
 * does not any more, and when nobody needs it. A peer that never answered one does not know pings, and proves nothing by its
 * silence. One timer; traffic only writes down the time.
 */
export class FlowWatch implements WireWatch, Waiter {
  readonly #timers: Timers
  readonly #limits: FlowLimits
  readonly #ping: () => void
  readonly #hangUp: () => void
  #lastTrafficAt: number
  #lastMessageAt: number
  #pingedAt: number | undefined
  #answersPings = false
  /** Who wants the connection to stay. */
  #keepers = 0
  #pingAfterMs: number
  #timer: TimerHandle

  constructor(timers: Timers, limits: FlowLimits, ping: () => void, hangUp: () => void) {
    this.#timers = timers
    this.#limits = limits
    this.#ping = ping
    this.#hangUp = hangUp
    this.#lastTrafficAt = this.#lastMessageAt = timers.now()
    this.#pingAfterMs = limits.pingAfterMs
    this.#timer = timers.set(limits.pingAfterMs, this)
  }

  /** Whatever comes after a ping shows that the peer is there; its pong, a single CRLF, completes nothing and begins nothing. */
  onRead(heard: Heard, isUnfinished: boolean): void {
    const now = this.#timers.now()
    this.#lastTrafficAt = now
    if (heard === 'message') this.#lastMessageAt = now
    else if (heard === 'nothing' && !isUnfinished && this.#pingedAt !== undefined) this.#answersPings = true
    this.#pingedAt = undefined
  }

  onWrite(): void {
    this.#lastTrafficAt = this.#lastMessageAt = this.#timers.now()
  }

  /** `pingAfterMs`: what the peer asks for, where that is sooner. */
  keep(pingAfterMs = Infinity): void {
    this.#keepers++
    if (pingAfterMs >= this.#pingAfterMs) return
    this.#pingAfterMs = pingAfterMs
    if (this.#pingedAt !== undefined) return
    this.#timers.clear(this.#timer)
    const silentMs = this.#timers.now() - this.#lastTrafficAt
    this.#timer = this.#timers.set(Math.max(0, pingAfterMs - silentMs), this)
  }

  release(): void {
    this.#keepers--
    this.#lastMessageAt = this.#timers.now()
  }

  onTimer(): void {
    const { pongTimeoutMs, idleTimeoutMs } = this.#limits
    const pingAfterMs = this.#pingAfterMs
    const now = this.#timers.now()
    if (this.#pingedAt !== undefined && this.#answersPings && now - this.#pingedAt >= pongTimeoutMs) {
      this.#hangUp()
      return
    }
    if (this.#keepers === 0 && now - this.#lastMessageAt >= idleTimeoutMs) {
      this.#hangUp()
      return
    }
    const silentMs = now - Math.max(this.#lastTrafficAt, this.#pingedAt ?? 0)
    if (silentMs < pingAfterMs) {
      this.#timer = this.#timers.set(pingAfterMs - silentMs, this)
      return
    }
    this.#pingedAt = now
    this.#ping()
    this.#timer = this.#timers.set(pongTimeoutMs, this)
  }

  close(): void {
    this.#timers.clear(this.#timer)
  }
}
