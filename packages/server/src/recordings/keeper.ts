import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import path from 'node:path'
import type { CallRecord, RecordingRef } from '../calls/call-record.ts'
import type { Log } from '../shared/log.ts'
import type { Clock, Timer } from '../shared/time.ts'
import type { RecordingEntry, RecordingIndex, RecordingStore } from './ports.ts'

/** Talks under 3 s leave no recording (spec/stop-call-and-recording.md section 2). */
const SHORTEST_MS = 3_000
const DAY_MS = 86_400_000
const FIRST_RETRY_MS = 500
const LONGEST_RETRY_MS = 30_000
/** How long a CDR waits for a store that is slow (spec/notifications.md section 5.4: 10 s in all). */
const STORE_LIMIT_MS = 8_000

/** Makes a file whole whose writer may have died; `undefined` when there is no audio in it (`recoverWav` of media). */
export type Recover = (
  file: string,
) => Promise<{ readonly durationMs: number; readonly bytes: number } | undefined>

export type KeeperOptions = {
  readonly index: RecordingIndex
  readonly store: RecordingStore
  /** Folder of files that are being written, or wait for the store. */
  readonly parts: string
  readonly recover: Recover
  readonly keepDays: number
  readonly clock: Clock
  readonly log: Log
}

/** Takes finished files into the list and into the store. */
export type Keeper = {
  /**
   * True once the recording is in the list, from when on it can be fetched: out of the folder of parts while the store does
   * not take it. The name of a file and its entry are one thing done once, however often this is asked.
   */
  keep(record: CallRecord, ref: RecordingRef): Promise<boolean>
  /** Puts the file of an entry into the store; false when it could not, which is logged. */
  store(entry: RecordingEntry): Promise<boolean>
  /** Whether the file of that name is being worked on. */
  isBusy(object: string): boolean
  /** Waits no longer for a database that fails: what is not in the list yet stays in the folder for the next start. */
  close(): void
}

export function createKeeper({ index, store, parts, recover, keepDays, clock, log }: KeeperOptions): Keeper {
  const pauses = new Set<Timer>()
  const keepOnce = oneAtATime()
  const putOnce = oneAtATime()
  let closed = false

  /** Tries until it works: the list is in the database, and without that no call gets its record either. */
  const insist = async <T>(work: () => Promise<T>, sessionId: string): Promise<T> => {
    for (let pauseMs = FIRST_RETRY_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_RETRY_MS)) {
      try {
        return await work()
      } catch (error) {
        log.error({ err: error, sessionId }, 'a recording cannot be kept yet; trying again')
        await new Promise<void>((resolve) => {
          if (closed) return
          const pause = clock.setTimer(pauseMs, () => {
            pauses.delete(pause)
            resolve()
          })
          pauses.add(pause)
        })
      }
    }
  }

  const enter = async (record: CallRecord, ref: RecordingRef): Promise<RecordingEntry | undefined> => {
    const known = await index.find(ref.object)
    if (known !== undefined) return known
    const part = path.join(parts, ref.object)
    const audio = await recover(part)
    if (audio === undefined || audio.durationMs < SHORTEST_MS || record.appKey === undefined) {
      await rm(part, { force: true })
      return undefined
    }
    const entry: RecordingEntry = {
      bucket: ref.bucket,
      object: ref.object,
      domain: ref.domain,
      appKey: record.appKey,
      sessionId: record.sessionId,
      startedAt: ref.startAt,
      // The days count from the first push of the CDR, which this very moment lets go; for an app without an address for
      // CDRs from the end of the call, a moment ago.
      keptUntil: clock.now() + keepDays * DAY_MS,
      bytes: audio.bytes,
      durationMs: audio.durationMs,
    }
    await index.add(entry)
    return entry
  }

  /**
   * Where the part is gone there is nothing to put: a crash fell between the store's answer and our note of it, or the file
   * is in neither place and will never be.
   */
  const put = async (entry: RecordingEntry): Promise<boolean> => {
    const part = path.join(parts, entry.object)
    try {
      if (existsSync(part)) await store.put(entry, part)
      else if (!(await isStored(entry))) {
        log.warn({ object: entry.object, sessionId: entry.sessionId }, 'the file of a recording is lost')
        await index.markDeleted(entry.object, clock.now())
        return true
      }
      await index.markStored(entry.object, clock.now())
      return true
    } catch (error) {
      log.error({ err: error, sessionId: entry.sessionId }, 'a recording waits for its store; trying again')
      return false
    }
  }

  const isStored = async (entry: RecordingEntry): Promise<boolean> => {
    const found = await store.open(entry, { start: 0, end: 0 })
    found?.stream.destroy()
    return found !== undefined
  }

  const storeOnce = (entry: RecordingEntry): Promise<boolean> => putOnce.run(entry.object, () => put(entry))

  const soon = (work: Promise<unknown>): Promise<void> =>
    new Promise((resolve) => {
      const limit = clock.setTimer(STORE_LIMIT_MS, resolve)
      void work.then(() => {
        limit.cancel()
        resolve()
      })
    })

  const keep = async (record: CallRecord, ref: RecordingRef): Promise<boolean> => {
    const entry = await insist(() => enter(record, ref), record.sessionId)
    if (entry === undefined) return false
    if (entry.storedAt === undefined && entry.deletedAt === undefined) await soon(storeOnce(entry))
    return true
  }

  return {
    keep: (record, ref) => keepOnce.run(ref.object, () => keep(record, ref)),
    store: storeOnce,
    isBusy: (object) => keepOnce.isRunning(object) || putOnce.isRunning(object),
    close() {
      closed = true
      for (const pause of pauses) pause.cancel()
      pauses.clear()
    },
  }
}

type OneAtATime = {
  run(object: string, work: () => Promise<boolean>): Promise<boolean>
  isRunning(object: string): boolean
}

/** Who asks for work on a file that is under way shares it. */
function oneAtATime(): OneAtATime {
  const running = new Map<string, Promise<boolean>>()
  return {
    run(object, work) {
      let run = running.get(object)
      if (run === undefined) {
        run = work().finally(() => running.delete(object))
        running.set(object, run)
      }
      return run
    },
    isRunning: (object) => running.has(object),
  }
}
