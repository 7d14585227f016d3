import { type Clock, systemClock } from '@maskline/server'

/** The machine's clock, until its hands are put forward; then whatever came due runs, in the order in which it was due. */
export type LeapingClock = Clock & { leap(ms: number): void }

export function createLeapingClock(): LeapingClock {
  type Waiting = { readonly dueAt: number; readonly run: () => void; cancel: () => void }
  const waiting = new Set<Waiting>()
  let aheadMs = 0
  const now = (): number => systemClock.now() + aheadMs
  const arm = (entry: Waiting): void => {
    const timer = systemClock.setTimer(Math.max(0, entry.dueAt - now()), () => {
      waiting.delete(entry)
      entry.run()
    })
    entry.cancel = () => timer.cancel()
  }
  return {
    now,
    setTimer(delayMs, run) {
      const entry: Waiting = { dueAt: now() + delayMs, run, cancel: () => undefined }
      waiting.add(entry)
      arm(entry)
      return {
        cancel() {
          waiting.delete(entry)
          entry.cancel()
        },
      }
    },
    leap(ms) {
      aheadMs += ms
      for (const entry of [...waiting].toSorted((a, b) => a.dueAt - b.dueAt)) {
        // One that ran before may have cancelled it.
        if (!waiting.has(entry)) continue
        entry.cancel()
        if (entry.dueAt > now()) arm(entry)
        else {
          waiting.delete(entry)
          entry.run()
        }
      }
    },
  }
}
