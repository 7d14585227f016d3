import { networkOf } from '../shared/ip.ts'
import type { EpochMs } from '../shared/time.ts'

export type LockoutRule = {
  /** Failures within the window that lock a source; 0 = never. */
  readonly failures: number
  readonly windowMs: number
  readonly lockMs: number
}

/** A locked source, for the operator's list: an IPv4 address or the /64 of an IPv6 address. */
export type LockedSource = { readonly ip: string; readonly until: EpochMs }

/** Sources whose failures are remembered; beyond it the one that failed longest ago is forgotten. */
const MAX_FAILING = 50_000
/** Sources locked at once, each for many failures of its own; beyond it the lock that ends first is lifted. */
const MAX_LOCKED = 200_000

/**
 * Sources that failed to authenticate too often are refused for a while (`1020176`, spec/auth-and-errors.md section 7).
 * Success does not wipe failures: a guesser may own one good key. Failures and locks are kept apart, so that a flood of
 * failures from everywhere makes nobody's lock forgotten.
 */
export class Lockout {
  readonly #rule: LockoutRule
  /** Instants of failures by source, in order of the last one: a Map keeps insertion order. */
  readonly #failing = new Map<string, EpochMs[]>()
  /** End of the lock by source, in order of these ends: all locks last equally long. */
  readonly #locked = new Map<string, EpochMs>()

  constructor(rule: LockoutRule) {
    this.#rule = rule
  }

  isLocked(ip: string, now: EpochMs): boolean {
    if (this.#locked.size === 0) return false
    return (this.#locked.get(networkOf(ip)) ?? 0) > now
  }

  /** Counts a failure; true when it locked the source. */
  fail(ip: string, now: EpochMs): boolean {
    const { failures, windowMs, lockMs } = this.#rule
    if (failures <= 0) return false
    const source = networkOf(ip)
    const failedAt = (this.#failing.get(source) ?? []).filter((at) => at > now - windowMs)
    failedAt.push(now)
    this.#failing.delete(source)
    if (failedAt.length < failures) {
      this.#failing.set(source, failedAt)
      if (this.#failing.size > MAX_FAILING) this.#failing.delete(oldest(this.#failing))
      return false
    }
    this.#locked.delete(source)
    this.#locked.set(source, now + lockMs)
    for (const [other, until] of this.#locked) {
      if (until > now && this.#locked.size <= MAX_LOCKED) break
      this.#locked.delete(other)
    }
    return true
  }

  /** Lifts the lock and forgets the failures; false when the source was not locked. */
  release(ip: string, now: EpochMs): boolean {
    const locked = this.isLocked(ip, now)
    const source = networkOf(ip)
    this.#locked.delete(source)
    this.#failing.delete(source)
    return locked
  }

  locked(now: EpochMs): readonly LockedSource[] {
    return [...this.#locked].filter(([, until]) => until > now).map(([ip, until]) => ({ ip, until }))
  }
}

function oldest(map: ReadonlyMap<string, unknown>): string {
  for (const key of map.keys()) return key
  throw new Error('an empty map has no oldest entry')
}
