import type { TimerHandle, Timers, Waiter } from '../shared/timers.ts'

/** Does something again and again, until it is closed. */
export class Reminder implements Waiter {
  readonly #timers: Timers
  readonly #everyMs: number
  readonly #remind: () => void
  #timer: TimerHandle

  constructor(timers: Timers, everyMs: number, remind: () => void) {
    this.#timers = timers
    this.#everyMs = everyMs
    this.#remind = remind
    this.#timer = timers.set(everyMs, this)
  }

  onTimer(): void {
    this.#timer = this.#timers.set(this.#everyMs, this)
    this.#remind()
  }

  close(): void {
    this.#timers.clear(this.#timer)
  }
}
