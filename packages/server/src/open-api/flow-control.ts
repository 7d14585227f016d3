import type { EpochMs } from '../shared/time.ts'

type Bucket = { tokens: number; filledAt: EpochMs }

/**
 * Token buckets per app and for the whole platform (spec/auth-and-errors.md section 7): one second's worth may come
 * at once, only the excess is refused, and a refused request takes no token. A rate of 0 switches a bucket off.
 */
export class FlowControl {
  readonly #appRatePerSec: number
  readonly #platformRatePerSec: number
  /** Keyed by APP_Key of existing apps, so the number of apps bounds it. */
  readonly #apps = new Map<string, Bucket>()
  readonly #platform: Bucket = { tokens: Infinity, filledAt: 0 }

  constructor(appRatePerSec: number, platformRatePerSec: number) {
    this.#appRatePerSec = appRatePerSec
    this.#platformRatePerSec = platformRatePerSec
  }

  /** Takes a token for one request of an app; false when the app or the platform has none left. */
  admit(appKey: string, now: EpochMs): boolean {
    const app = this.#appRatePerSec > 0 ? this.#bucketOf(appKey) : undefined
    const platform = this.#platformRatePerSec > 0 ? this.#platform : undefined
    if (app !== undefined && !refill(app, this.#appRatePerSec, now)) return false
    if (platform !== undefined && !refill(platform, this.#platformRatePerSec, now)) return false
    if (app !== undefined) app.tokens -= 1
    if (platform !== undefined) platform.tokens -= 1
    return true
  }

  #bucketOf(appKey: string): Bucket {
    let bucket = this.#apps.get(appKey)
    if (bucket === undefined) {
      bucket = { tokens: Infinity, filledAt: 0 }
      this.#apps.set(appKey, bucket)
    }
    return bucket
  }
}

/** Sources remembered at once; beyond it the one that was seen first is forgotten. */
const MAX_SOURCES = 50_000

/**
 * Token buckets of several names at once: a minute's worth may come at once, and a request that any of its names refuses
 * takes no token. A rate of 0 switches the limit off.
 */
export class MinuteLimit {
  readonly #perMin: number
  readonly #buckets = new Map<string, Bucket>()

  constructor(perMin: number) {
    this.#perMin = perMin
  }

  admit(names: readonly string[], now: EpochMs): boolean {
    if (this.#perMin <= 0) return true
    const buckets = names.map((name) => this.#bucketOf(name))
    if (!buckets.map((bucket) => refill(bucket, this.#perMin / 60, now, this.#perMin)).every(Boolean))
      return false
    for (const bucket of buckets) bucket.tokens -= 1
    return true
  }

  #bucketOf(name: string): Bucket {
    let bucket = this.#buckets.get(name)
    if (bucket === undefined) {
      bucket = { tokens: Infinity, filledAt: 0 }
      this.#buckets.set(name, bucket)
      for (const first of this.#buckets.keys()) {
        if (this.#buckets.size <= MAX_SOURCES) break
        this.#buckets.delete(first)
      }
    }
    return bucket
  }
}

/** Brings a bucket up to `now`; true when it holds a token. A clock that steps back adds nothing. */
function refill(
  bucket: Bucket,
  ratePerSec: number,
  now: EpochMs,
  capacity: number = Math.max(1, ratePerSec),
): boolean {
  const elapsedMs = Math.max(0, now - bucket.filledAt)
  bucket.tokens = Math.min(capacity, bucket.tokens + (elapsedMs * ratePerSec) / 1000)
  bucket.filledAt = now
  return bucket.tokens >= 1
}
