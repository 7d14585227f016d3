import type { TimerHandle, Timers, Waiter } from '../shared/timers.ts'
import type { Heard, WireWatch } from './wire.ts'

/** What connections that others open may cost us. */
export type InboundLimits = {
  /** For the first message, and for the rest of any message begun. */
  readonly messageTimeoutMs: number
  /** Without a byte either way; phones that have spoken keep theirs alive with pings (RFC 5626 §3.5.1). */
  readonly idleTimeoutMs: number
  readonly maxConnections: number
  /** A carrier or a NAT with many phones comes from one address; of IPv6 a /64 counts as one. */
  readonly maxPerAddress: number
}

export const INBOUND_LIMITS: InboundLimits = {
  messageTimeoutMs: 10_000,
  idleTimeoutMs: 600_000,
  maxConnections: 20_000,
  maxPerAddress: 200,
}

/**
 * Watches one connection that a peer opened, and hangs up when it says too little. Traffic only writes down the time; one
 * timer looks at it when the earliest limit could have passed.
 */
export class InboundWatch implements WireWatch, Waiter {
  readonly #timers: Timers
  readonly #limits: InboundLimits
  readonly #hangUp: () => void
  #lastTrafficAt: number
  /** Since when a message is unfinished; at first, since when none has come. */
  #waitingSince: number | undefined
  /** Nothing was heard that `#waitingSince` waits for at first. */
  #awaitsFirst = true
  /** A message came: until then no ping keeps it. */
  #hasSpoken = false
  #timer: TimerHandle
  #wakesAt = 0

  constructor(timers: Timers, limits: InboundLimits, hangUp: () => void) {
    this.#timers = timers
    this.#limits = limits
    this.#hangUp = hangUp
    this.#lastTrafficAt = this.#waitingSince = timers.now()
    this.#arm(this.#lastTrafficAt)
  }

  /** The handshake of a WebSocket was what it had to say in time; it has as long as silence may last to say more. */
  onHandshake(): void {
    this.#lastTrafficAt = this.#timers.now()
    this.#waitingSince = undefined
    this.#awaitsFirst = false
  }

  onRead(heard: Heard, isUnfinished: boolean): void {
    const now = this.#timers.now()
    if (heard === 'message') {
      this.#hasSpoken = true
      this.#awaitsFirst = false
    }
    if (this.#hasSpoken) this.#lastTrafficAt = now
    if (!isUnfinished) {
      if (!this.#awaitsFirst) this.#waitingSince = undefined
      return
    }
    if (heard === 'message' || this.#waitingSince === undefined) this.#waitingSince = now
    if (this.#wakesAt > now + this.#limits.messageTimeoutMs) {
      this.#timers.clear(this.#timer)
      this.#arm(now)
    }
  }

  onWrite(): void {
    this.#lastTrafficAt = this.#timers.now()
  }

  onTimer(): void {
    this.#timer = undefined
    const now = this.#timers.now()
    if (this.#dueAt() <= now) this.#hangUp()
    else this.#arm(now)
  }

  close(): void {
    this.#timers.clear(this.#timer)
  }

  #dueAt(): number {
    const idleAt = this.#lastTrafficAt + this.#limits.idleTimeoutMs
    if (this.#waitingSince === undefined) return idleAt
    return Math.min(idleAt, this.#waitingSince + this.#limits.messageTimeoutMs)
  }

  #arm(now: number): void {
    this.#wakesAt = this.#dueAt()
    // The clock on the wall may be set back.
    const delayMs = Math.min(this.#wakesAt - now, this.#limits.idleTimeoutMs)
    this.#timer = this.#timers.set(delayMs, this)
  }
}
