import type { Log } from '../shared/log.ts'
import type { Clock, Timer } from '../shared/time.ts'
import type { BindingStore } from './ports.ts'

const EVERY_MS = 1_000
const BATCH = 200

/**
 * Deletes expired bindings, which are dead already and only take up room: a batch a second, and the next batch at
 * once while there is more, so that a mass expiry never holds up calls.
 */
export function startSweeper(options: {
  readonly store: Pick<BindingStore, 'deleteExpired'>
  readonly clock: Clock
  readonly log: Log
}): { close(): Promise<void> } {
  const { store, clock, log } = options
  let timer: Timer | undefined
  let sweeping: Promise<void> = Promise.resolve()
  let closed = false

  const sweep = async (): Promise<void> => {
    let pauseMs = EVERY_MS
    try {
      if ((await store.deleteExpired(clock.now(), BATCH)) === BATCH) pauseMs = 0
    } catch (error) {
      log.error({ err: error }, 'expired bindings could not be deleted; trying again')
    }
    if (!closed) wait(pauseMs)
  }

  const wait = (pauseMs: number): void => {
    timer = clock.setTimer(pauseMs, () => {
      sweeping = sweep()
    })
  }

  wait(EVERY_MS)
  return {
    close() {
      closed = true
      timer?.cancel()
      return sweeping
    },
  }
}
