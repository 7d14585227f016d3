import type { EpochMs } from '../shared/time.ts'

/** How much later than its INFO the media of the same key may come. */
const SAME_KEY_MS = 2_000

/**
 * One key, one digit, though a phone may send it by INFO and in its media (RFC 4733 or tones, which the media engine
 * tells apart itself): once the media brought a digit, INFO is no longer counted, and media that follows an INFO of the
 * same key is that key.
 */
export class DigitSources {
  #mediaCounts = false
  #unmatched: readonly { readonly digit: string; readonly at: EpochMs }[] = []

  /** Whether a digit of the media is a new one. */
  fromMedia(digit: string, at: EpochMs): boolean {
    this.#mediaCounts = true
    const known = this.#unmatched.findIndex((info) => info.digit === digit && at - info.at <= SAME_KEY_MS)
    if (known < 0) return true
    this.#unmatched = this.#unmatched.slice(known + 1)
    return false
  }

  /** Whether a digit of an INFO is a new one. */
  fromInfo(digit: string, at: EpochMs): boolean {
    if (this.#mediaCounts) return false
    this.#unmatched = [...this.#unmatched.filter((info) => at - info.at <= SAME_KEY_MS), { digit, at }]
    return true
  }
}
