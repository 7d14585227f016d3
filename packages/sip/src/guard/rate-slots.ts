import { hashOf } from '../transport/source-key.ts'

export type RateLimit = {
  /** 0: no limit. */
  readonly perSec: number
  /** What may come at once. */
  readonly burst: number
}

/** A power of two. */
const SLOTS = 32_768

/**
 * A token bucket for every source there could be, in fixed memory: sources share 32,768 buckets by a hash with a secret seed.
 * Made-up addresses fill nothing, and two real ones meet once in 32,768. A bucket is one number, the time at which it is full
 * again (the generic cell rate algorithm, ITU-T I.371).
 */
export class RateSlots {
  readonly #everyMs: number
  readonly #allowanceMs: number
  readonly #seed: number
  readonly #fullAt: Float64Array

  constructor({ perSec, burst }: RateLimit, seed: number) {
    this.#everyMs = perSec > 0 ? 1000 / perSec : 0
    this.#allowanceMs = burst * this.#everyMs
    this.#seed = seed
    this.#fullAt = new Float64Array(perSec > 0 ? SLOTS : 0)
  }

  /** Takes a token; false when there is none. `now` never goes back. */
  take(key: string, now: number): boolean {
    if (this.#everyMs === 0) return true
    const slot = hashOf(key, this.#seed) & (SLOTS - 1)
    const fullAt = Math.max(this.#fullAt[slot]!, now) + this.#everyMs
    if (fullAt - now > this.#allowanceMs) return false
    this.#fullAt[slot] = fullAt
    return true
  }
}

/** One token bucket. */
export class RateBucket {
  readonly #everyMs: number
  readonly #allowanceMs: number
  #fullAt = 0

  constructor({ perSec, burst }: RateLimit) {
    this.#everyMs = perSec > 0 ? 1000 / perSec : 0
    this.#allowanceMs = burst * this.#everyMs
  }

  take(now: number): boolean {
    const fullAt = Math.max(this.#fullAt, now) + this.#everyMs
    if (fullAt - now > this.#allowanceMs) return false
    this.#fullAt = fullAt
    return true
  }
}
