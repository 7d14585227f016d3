/**
 * Doubling pauses with chance in them, so that many clients do not come back at the same moment: the nth is between half and
 * all of `min × 2ⁿ`, at most `max`.
 */
export class BackOff {
  readonly #min: number
  readonly #max: number
  readonly #random: () => number
  #next: number

  constructor([min, max]: readonly [number, number], random: () => number) {
    this.#min = min
    this.#max = max
    this.#random = random
    this.#next = min
  }

  /** The next pause, milliseconds. */
  next(): number {
    const pause = Math.min(this.#next, this.#max)
    this.#next = Math.min(pause * 2, this.#max)
    return Math.round(pause * (1 - this.#random() / 2))
  }

  reset(): void {
    this.#next = this.#min
  }
}
