import type { Readable } from 'node:stream'
import type { EpochMs } from '../shared/time.ts'

/** Where a file lies in a store: a directory, and a name in it that no other recording of the platform ever has. */
export type RecordingKey = { readonly bucket: string; readonly object: string }

/** Bytes of a file, both ends included. */
export type ByteRange = { readonly start: number; readonly end: number }

/** A file being read, and the size of the whole of it. Whoever gets the stream reads it to its end or destroys it. */
export type OpenFile = { readonly stream: Readable; readonly size: number }

/** What holds the audio: a disk, or an object store. Rejects with AppError `RECORDING_STORE` when it cannot. */
export type RecordingStore = {
  /**
   * Takes over a local file: it is there under its key, whole or not at all, and gone from where it was. A key may be put
   * twice with the same content.
   */
  put(key: RecordingKey, file: string): Promise<void>
  /** The file, or a part of it that lies within; `undefined` when there is none. */
  open(key: RecordingKey, range?: ByteRange): Promise<OpenFile | undefined>
  /** Also when there is none. */
  delete(key: RecordingKey): Promise<void>
}

/** What is known of a recording without looking into a store. */
export type RecordingEntry = RecordingKey & {
  /** `recordDomain` of its CDR. */
  readonly domain: string
  readonly appKey: string
  readonly sessionId: string
  readonly startedAt: EpochMs
  /** From then on it is no longer given out, and deleted. */
  readonly keptUntil: EpochMs
  readonly bytes: number
  readonly durationMs: number
  /** Absent while the file still waits in the platform's own folder to be put into the store. */
  readonly storedAt?: EpochMs
  readonly deletedAt?: EpochMs
}

/** A place in a list in the order of `keptUntil`: where the next page begins. */
export type Place = Pick<RecordingEntry, 'keptUntil' | 'object'>

/** The list of all recordings, so that look-up, retention and listing never scan a store. */
export type RecordingIndex = {
  /** Adds an entry; one with its name that is there already stays as it is. */
  add(entry: RecordingEntry): Promise<void>
  find(object: string): Promise<RecordingEntry | undefined>
  markStored(object: string, at: EpochMs): Promise<void>
  markDeleted(object: string, at: EpochMs): Promise<void>
  /** Entries whose file waits to be stored, oldest name first. */
  waiting(after: string, limit: number): Promise<readonly RecordingEntry[]>
  /** Entries not deleted whose time is over, in the order of `keptUntil`. */
  expired(at: EpochMs, after: Place | undefined, limit: number): Promise<readonly RecordingEntry[]>
  /** Forgets entries whose file was deleted before an instant; says how many. */
  forgetDeletedBefore(before: EpochMs, limit: number): Promise<number>
}
