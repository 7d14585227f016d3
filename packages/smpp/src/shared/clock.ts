/** Timers of sessions; tests turn the hands. `setTimer` returns a handle for `clearTimer`. */
export type SmppClock = {
  /** Milliseconds since 1970. */
  now(): number
  setTimer(delayMs: number, run: () => void): unknown
  clearTimer(handle: unknown): void
}

export const systemClock: SmppClock = {
  now: () => Date.now(),
  setTimer: (delayMs, run) => setTimeout(run, delayMs),
  clearTimer: (handle) => clearTimeout(handle as NodeJS.Timeout),
}
