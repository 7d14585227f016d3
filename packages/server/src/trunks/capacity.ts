import type { TrunkLimit } from '../config/config.ts'
import type { Clock, EpochMs } from '../shared/time.ts'

export type Direction = 'in' | 'out'

/** The channels of a trunk and its calls a second, as the carrier sells them. */
export type Capacity = {
  /** Takes a channel and a call of this second; false, and nothing taken, when there is none. */
  take(direction: Direction): boolean
  /** Gives a channel back that `take` gave. */
  free(direction: Direction): void
  /** Calls that are up or on their way now. */
  readonly inUse: Readonly<Record<Direction, number>>
  readonly channels: DirectedLimit
}

/** Limits by direction; Infinity = none. */
export type DirectedLimit = { readonly total: number; readonly in: number; readonly out: number }

export function createCapacity(
  limits: { readonly maxChannels?: TrunkLimit; readonly maxCallsPerSec?: TrunkLimit },
  clock: Pick<Clock, 'now'>,
): Capacity {
  const channels = directed(limits.maxChannels)
  const rate = directed(limits.maxCallsPerSec)
  const inUse = { in: 0, out: 0 }
  const isRated = rate.total !== Infinity || rate.in !== Infinity || rate.out !== Infinity
  const buckets = { total: new Bucket(rate.total), in: new Bucket(rate.in), out: new Bucket(rate.out) }
  return {
    inUse,
    channels,
    take(direction) {
      if (inUse[direction] >= channels[direction] || inUse.in + inUse.out >= channels.total) return false
      if (isRated) {
        const now = clock.now()
        const own = buckets[direction]
        if (!own.has(now) || !buckets.total.has(now)) return false
        own.take()
        buckets.total.take()
      }
      inUse[direction]++
      return true
    },
    free(direction) {
      inUse[direction]--
    },
  }
}

function directed(limit: TrunkLimit | undefined): DirectedLimit {
  if (limit === undefined || typeof limit === 'number')
    return { total: limit ?? Infinity, in: Infinity, out: Infinity }
  return { total: limit.total ?? Infinity, in: limit.in ?? Infinity, out: limit.out ?? Infinity }
}

/** A token bucket that holds what one second gives. */
class Bucket {
  readonly #perSec: number
  #tokens: number
  #at: EpochMs | undefined

  constructor(perSec: number) {
    this.#perSec = perSec
    this.#tokens = perSec
  }

  has(now: EpochMs): boolean {
    if (this.#perSec === Infinity) return true
    // A clock that was set back gives nothing, and takes nothing.
    const elapsedMs = Math.max(0, now - (this.#at ?? now))
    this.#at = now
    this.#tokens = Math.min(this.#perSec, this.#tokens + (elapsedMs * this.#perSec) / 1000)
    return this.#tokens >= 1
  }

  take(): void {
    this.#tokens--
  }
}
