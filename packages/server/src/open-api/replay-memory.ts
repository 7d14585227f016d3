import type { EpochMs } from '../shared/time.ts'

/**
 * Remembers used (app, nonce, Created) triples for the strict mode (spec/auth-and-errors.md section 3.3).
 *
 * `Created` may lie a skew ahead of now, so a triple can be replayed for twice the skew after its first use. Two
 * generations of that length each hold it at least as long; a full generation is turned early, so memory stays
 * bounded and only a flood shortens the memory.
 */
export class ReplayMemory {
  readonly #generationMs: number
  readonly #maxPerGeneration: number
  #current = new Set<string>()
  #previous = new Set<string>()
  #turnedAt: EpochMs = 0

  constructor(skewMs: number, maxPerGeneration = 500_000) {
    this.#generationMs = 2 * skewMs
    this.#maxPerGeneration = maxPerGeneration
  }

  /** Records a use; false when the triple was used before. */
  firstUse(appKey: string, nonce: string, created: string, now: EpochMs): boolean {
    this.#turnWhenDue(now)
    // Created has a fixed length and comes first, the key of an app has no blank: no two triples share a text.
    const triple = `${created}${appKey} ${nonce}`
    if (this.#current.has(triple) || this.#previous.has(triple)) return false
    this.#current.add(triple)
    return true
  }

  #turnWhenDue(now: EpochMs): void {
    if (this.#current.size === 0 && this.#previous.size === 0) this.#turnedAt = now
    const due = now - this.#turnedAt >= this.#generationMs || this.#current.size >= this.#maxPerGeneration
    if (!due) return
    this.#previous = this.#current
    this.#current = new Set()
    this.#turnedAt = now
  }
}
