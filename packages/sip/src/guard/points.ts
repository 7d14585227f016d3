import { keepNewest } from './oldest.ts'

type Score = { points: number; at: number }

/** Offenders remembered at once; beyond it the one that was quiet longest is forgotten. */
const MAX_OFFENDERS = 16_384

/**
 * Points by offender, which wear off evenly: `limit` of them in `windowMs`. So a phone with a wrong password now and then stays
 * below what a guesser reaches in a minute.
 */
export class Points {
  readonly #limit: number
  readonly #perMs: number
  readonly #scores = new Map<string, Score>()

  constructor(limit: number, windowMs: number) {
    this.#limit = limit
    this.#perMs = limit / windowMs
  }

  get size(): number {
    return this.#scores.size
  }

  /** True when the limit is reached. */
  add(offender: string, points: number, now: number): boolean {
    const sum = Math.min(this.#limit, this.#left(this.#scores.get(offender), now) + points)
    this.#scores.delete(offender)
    this.#scores.set(offender, { points: sum, at: now })
    keepNewest(this.#scores, MAX_OFFENDERS)
    return sum >= this.#limit
  }

  /** Whether one point more would be too many. */
  isFull(offender: string, now: number): boolean {
    return this.#left(this.#scores.get(offender), now) + 1 > this.#limit
  }

  forget(offender: string): void {
    this.#scores.delete(offender)
  }

  /** Forgets who has no points any more; who was quiet longest stands first. */
  sweep(now: number): void {
    for (const [offender, { at }] of this.#scores) {
      if (at + this.#limit / this.#perMs > now) return
      this.#scores.delete(offender)
    }
  }

  #left(score: Score | undefined, now: number): number {
    return score === undefined ? 0 : Math.max(0, score.points - (now - score.at) * this.#perMs)
  }
}
