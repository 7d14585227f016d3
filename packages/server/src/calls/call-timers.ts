import type { Clock, Timer } from '../shared/time.ts'
import type { CallInput, CallTimer } from './machine/states.ts'

/** What the machine is told when a timer has run out. */
const INPUT_OF: Readonly<Record<CallTimer, CallInput>> = {
  setup: { kind: 'setup-timeout' },
  digits: { kind: 'digits-timeout' },
  connect: { kind: 'connect-timeout' },
  limit: { kind: 'limit-reached' },
  'last-minute': { kind: 'last-minute' },
  store: { kind: 'store-timeout' },
}

/** The timers of one call, one of a kind. */
export class CallTimers {
  readonly #clock: Clock
  readonly #onInput: (input: CallInput) => void
  #running: Partial<Record<CallTimer, Timer>> = {}

  constructor(clock: Clock, onInput: (input: CallInput) => void) {
    this.#clock = clock
    this.#onInput = onInput
  }

  arm(timer: CallTimer, delayMs: number): void {
    this.#running[timer]?.cancel()
    this.#running[timer] = this.#clock.setTimer(delayMs, () => this.#onInput(INPUT_OF[timer]))
  }

  disarm(timer: CallTimer): void {
    this.#running[timer]?.cancel()
    delete this.#running[timer]
  }

  clear(): void {
    for (const timer of Object.values(this.#running)) timer.cancel()
    this.#running = {}
  }
}
