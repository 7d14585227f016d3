import { mkdirSync } from 'node:fs'
import path from 'node:path'
import type { Recordings } from '../calls/ports.ts'
import { AppError } from '../shared/app-error.ts'
import type { EpochMs } from '../shared/time.ts'
import { createDiskStore, openLocal } from './disk-store.ts'
import { createKeeper, type KeeperOptions } from './keeper.ts'
import { bucketOf, createRecordingNames } from './names.ts'
import type { ByteRange, OpenFile, RecordingEntry, RecordingStore } from './ports.ts'
import { clearParts, startUpkeep } from './upkeep.ts'

export type RecordingsOptions = Omit<KeeperOptions, 'store' | 'parts'> & {
  /** Work folder, and without `store` the place of the recordings themselves. */
  readonly folder: string
  /** `recordDomain` of CDRs. */
  readonly domain: string
  /** Default: the folder. */
  readonly store?: RecordingStore | undefined
}

/** The recordings of calls: written, kept for some days, given out. */
export type RecordingLibrary = Recordings & {
  /** The recording of that name when there is one that is kept still. */
  find(object: string, at: EpochMs): Promise<RecordingEntry | undefined>
  /** Its audio, or a part that lies within; `undefined` when it is lost. Rejects when the store cannot be reached. */
  open(entry: RecordingEntry, range?: ByteRange): Promise<OpenFile | undefined>
  /** See `clearParts`. */
  clearParts(named: ReadonlySet<string | undefined>): Promise<number>
  close(): Promise<void>
}

/** Throws AppError `DATA_DIR_UNUSABLE` when the folder cannot be made. */
export function openRecordings(options: RecordingsOptions): RecordingLibrary {
  const { folder, domain, index } = options
  const parts = path.join(folder, 'parts')
  makeFolder(parts)
  const store = options.store ?? createDiskStore(folder)
  const shared = { ...options, store, parts }
  const names = createRecordingNames()
  const keeper = createKeeper(shared)
  const work = { ...shared, keeper }
  const upkeep = startUpkeep(work)
  return {
    begin(app, at) {
      const object = names.next(at)
      return {
        ref: { startAt: at, domain, bucket: bucketOf(app.key), object },
        file: path.join(parts, object),
      }
    },
    finish: (record, ref) => keeper.keep(record, ref),
    async find(object, at) {
      const entry = await index.find(object)
      return entry !== undefined && entry.deletedAt === undefined && entry.keptUntil > at ? entry : undefined
    },
    async open(entry, range) {
      // It may be on its way into the store: then it is in one of the two places.
      const local =
        entry.storedAt === undefined ? await openLocal(path.join(parts, entry.object), range) : undefined
      return local ?? store.open(entry, range)
    },
    clearParts: (named) => clearParts(work, named),
    close() {
      keeper.close()
      return upkeep.close()
    },
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new AppError('DATA_DIR_UNUSABLE', `cannot create ${folder}: ${(cause as Error).message}`, { cause })
  }
}
