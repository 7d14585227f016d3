import type { EpochMs } from '../shared/time.ts'

export type LockoutRule = {
  /** Failures within the window that lock a source; 0 = never. */
  readonly failures: number
  readonly windowMs: number
  readonly lockMs: number
}

/** A locked source, for the operator's list. */
export type LockedSource = { readonly ip: string; readonly until: EpochMs }

/** Sources remembered at once; beyond it the one that failed longest ago is forgotten. */
const MAX_SOURCES = 50_000

type Source = { failedAt: EpochMs[]; lockedUntil: EpochMs }

/**
 * Source addresses that failed to authenticate too often are refused for a while (`1020176`,
 * spec/auth-and-errors.md section 7). Success does not wipe failures: a guesser may own one good key.
 */
export class Lockout {
  readonly #rule: LockoutRule
  /** In order of the last failure: a Map keeps insertion order. */
  readonly #sources = new Map<string, Source>()

  constructor(rule: LockoutRule) {
    this.#rule = rule
  }

  isLocked(ip: string, now: EpochMs): boolean {
    if (this.#sources.size === 0) return false
    const source = this.#sources.get(ip)
    return source !== undefined && source.lockedUntil > now
  }

  /** Counts a failure; true when it locked the source. */
  fail(ip: string, now: EpochMs): boolean {
    if (this.#rule.failures <= 0) return false
    const source = this.#sources.get(ip) ?? { failedAt: [], lockedUntil: 0 }
    this.#sources.delete(ip)
    this.#sources.set(ip, source)
    source.failedAt = source.failedAt.filter((at) => at > now - this.#rule.windowMs)
    source.failedAt.push(now)
    const locks = source.failedAt.length >= this.#rule.failures
    if (locks) {
      source.lockedUntil = now + this.#rule.lockMs
      source.failedAt = []
    }
    if (this.#sources.size > MAX_SOURCES) this.#forgetOldest()
    return locks
  }

  /** Lifts the lock and forgets the failures; false when the source was not locked. */
  release(ip: string, now: EpochMs): boolean {
    const locked = this.isLocked(ip, now)
    this.#sources.delete(ip)
    return locked
  }

  locked(now: EpochMs): readonly LockedSource[] {
    const list: LockedSource[] = []
    for (const [ip, { lockedUntil }] of this.#sources) {
      if (lockedUntil > now) list.push({ ip, until: lockedUntil })
    }
    return list
  }

  #forgetOldest(): void {
    const oldest = this.#sources.keys().next()
    if (!oldest.done) this.#sources.delete(oldest.value)
  }
}
