import type { HealthConfig } from '../config/config.ts'
import type { EpochMs } from '../shared/time.ts'

/**
 * Whether a peer of a trunk is taken for alive. Pure. A state turns only after results against it in a row (hysteresis),
 * so that one lost packet neither takes a trunk down nor brings it back.
 */
export type Health = {
  readonly up: boolean
  /** Results in a row that speak against the state. */
  readonly against: number
  /** A peer that asked for rest (503 with Retry-After), or is down and not probed: before this it gets calls last. */
  readonly restsUntil: EpochMs
}

export type HealthPolicy = {
  /** 0 = no OPTIONS. */
  readonly optionsMs: number
  readonly failures: number
  readonly successes: number
  readonly timeoutMs: number
  readonly alive: (status: number) => boolean
  readonly retryMs: number
}

/** A peer that nothing is known of is taken for alive. */
export const FRESH: Health = { up: true, against: 0, restsUntil: 0 }

/** RFC 3261 §21.5.4 sets no bound; a peer that asks for an hour may be back in a minute. */
const LONGEST_REST_MS = 60_000

export function healthPolicy(config: HealthConfig | undefined): HealthPolicy {
  const { optionsSec = config === undefined ? 0 : 30, failures = 3, successes = 2 } = config ?? {}
  const { timeoutMs = 4_000, alive, retrySec = 30 } = config ?? {}
  const named = alive && new Set(alive)
  return {
    optionsMs: optionsSec * 1000,
    failures,
    successes,
    timeoutMs,
    alive: (status) => (named === undefined ? status !== 408 && status !== 503 : named.has(status)),
    retryMs: retrySec * 1000,
  }
}

/** One result: an OPTIONS, or a call that the peer answered in any way or not at all. */
export function heard(health: Health, ok: boolean, at: EpochMs, policy: HealthPolicy): Health {
  // Without OPTIONS a peer that is down is given a call now and then; OPTIONS alone bring the others back.
  const restsUntil = policy.optionsMs > 0 ? health.restsUntil : ok ? at : at + policy.retryMs
  if (ok && health.up) return at >= health.restsUntil ? FRESH : { ...health, against: 0 }
  if (ok === health.up) return { ...health, against: 0, restsUntil }
  const against = health.against + 1
  if (health.up && against < policy.failures) return { ...health, against }
  if (!health.up && against < policy.successes) return { ...health, against, restsUntil }
  return ok ? FRESH : { up: false, against: 0, restsUntil }
}

/** A call is sent to the peer: one that is down is tried by this call alone, until it is known what came of it. */
export function tried(health: Health, at: EpochMs, policy: HealthPolicy): Health {
  return health.up ? health : { ...health, restsUntil: at + policy.retryMs }
}

/** The peer asks for rest; it stays up. */
export function rest(health: Health, retryAfterMs: number, at: EpochMs): Health {
  return { ...health, restsUntil: at + Math.min(retryAfterMs, LONGEST_REST_MS) }
}

/** Whether calls go to the peer before those to others that are not usable. */
export function isUsable({ up, restsUntil }: Health, at: EpochMs, policy: HealthPolicy): boolean {
  return up ? at >= restsUntil : policy.optionsMs === 0 && at >= restsUntil
}
