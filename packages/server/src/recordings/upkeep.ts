import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Log } from '../shared/log.ts'
import type { Clock, EpochMs, Timer } from '../shared/time.ts'
import type { Keeper } from './keeper.ts'
import type { Place, RecordingEntry, RecordingIndex, RecordingStore } from './ports.ts'

const EVERY_MS = 60_000
const BATCH = 50
/** How long an entry is remembered after its file: as long as the records of calls. */
const REMEMBER_MS = 31 * 86_400_000

export type UpkeepOptions = {
  readonly index: RecordingIndex
  readonly store: RecordingStore
  readonly keeper: Keeper
  readonly parts: string
  readonly clock: Clock
  readonly log: Log
}

/**
 * Once a minute: puts into the store what waits for it, deletes what was kept long enough, forgets what was deleted long
 * ago. In small batches; an entry that fails is left for the next round and holds up no other.
 */
export function startUpkeep(options: UpkeepOptions): { close(): Promise<void> } {
  const { clock, log } = options
  let timer: Timer | undefined
  let running: Promise<void> = Promise.resolve()
  let closed = false
  const isClosed = (): boolean => closed

  const round = async (): Promise<void> => {
    try {
      await storeWaiting(options, isClosed)
      await deleteExpired(options, clock.now(), isClosed)
      await options.index.forgetDeletedBefore(clock.now() - REMEMBER_MS, 10 * BATCH)
    } catch (error) {
      log.error({ err: error }, 'the list of recordings cannot be read or written; trying again')
    }
    if (!closed) wait()
  }
  const wait = (): void => {
    timer = clock.setTimer(EVERY_MS, () => {
      running = round()
    })
  }
  wait()
  return {
    close() {
      closed = true
      timer?.cancel()
      return running
    },
  }
}

/** The first failure ends the round: a store that does not take one file takes no other. */
async function storeWaiting({ index, keeper }: UpkeepOptions, isClosed: () => boolean): Promise<void> {
  for (let after = ''; ;) {
    const batch = await index.waiting(after, BATCH)
    for (const entry of batch) {
      if (isClosed() || !(await keeper.store(entry))) return
      after = entry.object
    }
    if (batch.length < BATCH) return
  }
}

async function deleteExpired(options: UpkeepOptions, at: EpochMs, isClosed: () => boolean): Promise<void> {
  const { index, log } = options
  let failed = 0
  let after: Place | undefined
  for (let more = true; more;) {
    const batch = await index.expired(at, after, BATCH)
    for (const entry of batch) {
      if (isClosed()) return
      after = entry
      if (!(await deleteOne(options, entry, at))) failed++
    }
    more = batch.length === BATCH
  }
  if (failed > 0) log.error({ recordings: failed }, 'recordings could not be deleted; trying again')
}

async function deleteOne(
  { index, store, parts, log }: UpkeepOptions,
  entry: RecordingEntry,
  at: EpochMs,
): Promise<boolean> {
  try {
    await rm(path.join(parts, entry.object), { force: true })
    await store.delete(entry)
  } catch (error) {
    log.debug({ err: error, object: entry.object }, 'a recording could not be deleted')
    return false
  }
  await index.markDeleted(entry.object, at)
  return true
}

/**
 * Clears the folder of parts of what a crash left there: files whose recording is in the store, or in no list and of no
 * call. Runs after the calls of the crash were closed and before the first call is taken. `named` are the objects that
 * calls in the journal may still ask for; these stay, and so does what waits for the store and what the keeper works on: the
 * file of a crashed call whose CDR waited for it no longer. Says how many went.
 */
export async function clearParts(
  { index, keeper, parts }: Pick<UpkeepOptions, 'index' | 'keeper' | 'parts'>,
  named: ReadonlySet<string | undefined>,
): Promise<number> {
  let gone = 0
  for (const object of await readdir(parts)) {
    if (named.has(object) || keeper.isBusy(object)) continue
    const entry = await index.find(object)
    const waits = entry !== undefined && entry.storedAt === undefined && entry.deletedAt === undefined
    if (waits) continue
    await rm(path.join(parts, object), { force: true })
    gone++
  }
  return gone
}
