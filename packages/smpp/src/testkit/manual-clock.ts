import type { SmppClock } from '../shared/clock.ts'

type Timer = { readonly dueAt: number; readonly order: number; readonly run: () => void }

/** A clock whose hands the test turns. Timers run in the order they are due, ties in the order they were set. */
export class ManualClock implements SmppClock {
  #now = 1_700_000_000_000
  #order = 0
  readonly #timers = new Set<Timer>()

  /** Timers that wait; 0 when everything has ended. */
  get pending(): number {
    return this.#timers.size
  }

  now(): number {
    return this.#now
  }

  setTimer(delayMs: number, run: () => void): unknown {
    const timer = { dueAt: this.#now + Math.max(0, delayMs), order: this.#order++, run }
    this.#timers.add(timer)
    return timer
  }

  clearTimer(handle: unknown): void {
    this.#timers.delete(handle as Timer)
  }

  /** Lets time pass; timers set meanwhile run too when they become due. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#timers.delete(next)
      this.#now = next.dueAt
      next.run()
    }
    this.#now = end
  }

  #next(end: number): Timer | undefined {
    const due = [...this.#timers].filter(({ dueAt }) => dueAt <= end)
    return due.toSorted((a, b) => a.dueAt - b.dueAt || a.order - b.order)[0]
  }
}
