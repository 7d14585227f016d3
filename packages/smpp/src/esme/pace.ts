import type { SmppClock } from '../shared/clock.ts'

/**
 * Lets so many pass in any second, evenly: one each `1000 / maxPerSecond` ms, with a tenth of a second's worth in hand after
 * a rest. When `take` says no, `onReady` is called once it would say yes.
 */
export function createPace(
  maxPerSecond: number | undefined,
  clock: SmppClock,
  onReady: () => void,
): { take(): boolean; close(): void } {
  if (maxPerSecond === undefined) return { take: () => true, close: () => {} }
  const gapMs = 1000 / maxPerSecond
  const inHandMs = Math.max(0, 100 - gapMs)
  /** When the next may pass. */
  let next = 0
  let timer: unknown
  return {
    take() {
      const now = clock.now()
      if (next > now) {
        timer ??= clock.setTimer(Math.ceil(next - now), () => {
          timer = undefined
          onReady()
        })
        return false
      }
      next = Math.max(next, now - inHandMs) + gapMs
      return true
    },
    close: () => clock.clearTimer(timer),
  }
}
