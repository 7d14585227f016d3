import type { Clock, EpochMs } from '../shared/time.ts'

/** A clock whose hands a test turns: `advance` runs the timers that are due, in the order they were set. */
export function manualClock(startsAt: EpochMs) {
  const timers = new Set<{ at: number; run: () => void }>()
  let now = startsAt
  const clock: Clock = {
    now: () => now,
    setTimer(delayMs, run) {
      const timer = { at: now + delayMs, run }
      timers.add(timer)
      return { cancel: () => void timers.delete(timer) }
    },
  }
  const advance = (ms: number): void => {
    now += ms
    for (const timer of [...timers]) if (timer.at <= now && timers.delete(timer)) timer.run()
  }
  return { clock, advance, pending: () => timers.size }
}
