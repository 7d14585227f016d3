import { type Clock, type EpochMs, type Timer, toNextBeat } from '../shared/time.ts'
import type { OutboxStore } from './outbox.ts'

export type Postponement = {
  readonly attempts: number
  readonly firstFailedAt: EpochMs
  readonly dueAt: EpochMs
  readonly batchId?: string
  readonly error: string
}

/** The beat on which outcomes are written together: the journal's, so that both share a commit. */
const BEAT_MS = 20
/** Pause after storage refused a write. */
const AGAIN_MS = 1_000
const IDS_PER_WRITE = 1_000

/**
 * Writes what became of pushes back to the outbox, many rows per write. An outcome that is not written yet is only
 * in memory: after a crash the row is delivered again, never lost. `settled` tells that the outbox knows, and when rows
 * that were put off are due.
 */
export type Ledger = {
  remove(ids: readonly number[]): void
  postpone(ids: readonly number[], change: Postponement): void
  /** Writes at once, without gathering. */
  flush(): void
  /** Writes what is left, once. */
  close(): Promise<void>
}

export function createLedger(
  outbox: OutboxStore,
  clock: Clock,
  settled: (ids: readonly number[], dueAt: EpochMs | undefined) => void,
  onStorageError: (error: unknown) => void,
): Ledger {
  let removed: number[] = []
  let postponed: { ids: number[]; change: Postponement }[] = []
  let timer: Timer | undefined
  let writing: Promise<void> | undefined
  let closed = false

  function arm(delayMs: number): void {
    if (closed) return
    timer ??= clock.setTimer(delayMs, () => {
      timer = undefined
      void flush() // Faults are reported and tried again inside.
    })
  }

  function flush(): Promise<void> {
    writing ??= write().then((complete) => {
      writing = undefined
      if (complete && (removed.length > 0 || postponed.length > 0)) void flush()
    })
    return writing
  }

  /** Writes until nothing is left; false when storage refused and a later try is armed. */
  async function write(): Promise<boolean> {
    while (removed.length > 0 || postponed.length > 0) {
      const ids = removed.slice(0, IDS_PER_WRITE)
      const changes = postponed
      removed = removed.slice(ids.length)
      postponed = []
      const writes = changes.map(({ ids, change }) => ({
        ids,
        run: async () => outbox.postpone(ids, change),
      }))
      if (ids.length > 0) writes.push({ ids, run: async () => outbox.remove(ids) })
      const results = await Promise.allSettled(writes.map((write) => write.run()))
      let refused = false
      results.forEach((result, i) => {
        if (result.status === 'fulfilled') return settled(writes[i]?.ids ?? [], changes[i]?.change.dueAt)
        refused = true
        const change = changes[i]
        if (change === undefined) removed = ids.concat(removed)
        else postponed.push(change)
        onStorageError(result.reason)
      })
      if (refused) {
        arm(AGAIN_MS)
        return false
      }
    }
    return true
  }

  return {
    remove(ids) {
      for (const id of ids) removed.push(id)
      if (removed.length >= IDS_PER_WRITE) void flush()
      else arm(toNextBeat(clock.now(), BEAT_MS))
    },
    postpone(ids, change) {
      const last = postponed.at(-1)
      if (last && isSame(last.change, change)) last.ids.push(...ids)
      else postponed.push({ ids: [...ids], change })
      arm(toNextBeat(clock.now(), BEAT_MS))
    },
    flush() {
      timer?.cancel()
      timer = undefined
      void flush()
    },
    async close() {
      closed = true
      timer?.cancel()
      timer = undefined
      await writing
      await flush()
    },
  }
}

const isSame = (a: Postponement, b: Postponement): boolean =>
  a.batchId === b.batchId &&
  a.dueAt === b.dueAt &&
  a.attempts === b.attempts &&
  a.firstFailedAt === b.firstFailedAt &&
  a.error === b.error
