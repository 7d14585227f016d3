/** Timers of the stack; a test kit turns the hands. `setTimer` returns a handle for `clearTimer`. */
export type SipClock = {
  now(): number
  setTimer(delayMs: number, run: () => void): unknown
  clearTimer(handle: unknown): void
}

/** Something that waits: transactions and calls are woken by method, so that no timer needs a closure. */
export type Waiter = { onTimer(): void }
export type TimerHandle = unknown

/** Time as the stack uses it. */
export type Timers = {
  now(): number
  set(delayMs: number, waiter: Waiter): TimerHandle
  clear(handle: TimerHandle): void
}
