import type { EpochMs } from '../shared/time.ts'

/** Events go out one by one; FeeInfos of CDRs and entries of number status are gathered (batches.ts). */
export type PushKind = 'event' | 'fee' | 'numStatus'

/** A push waiting to be delivered: one call event, or one entry of a push that gathers several. */
export type OutboxItem = {
  readonly id: number
  readonly appKey: string
  readonly kind: PushKind
  /** Absolute URL, as the app had it when the fact happened. */
  readonly url: string
  /** The call; rows with the same one go out one after another. For number status, the number. */
  readonly sessionId: string
  /** event: the whole JSON body. fee, numStatus: one FeeInfo or numInfo object as JSON. */
  readonly body: string
  /** Attempts made so far. Being put off unsent is none. */
  readonly attempts: number
  /** Retried batches stay as they were: rows of one failed batch share this id. */
  readonly batchId?: string
  /** When its first attempt failed; before any attempt: when it was first put off unsent. */
  readonly firstFailedAt?: EpochMs
  readonly dueAt: EpochMs
}

/** What delivery needs of storage. New rows also arrive in memory through `onCommitted`, without a read. */
export type OutboxStore = {
  /** Rows due at `at`, oldest first; read at start and for retries. */
  due(at: EpochMs, limit: number): Promise<readonly OutboxItem[]>
  /** Instant of the earliest row due later than `after`: no row is in neither this answer nor that of `due(after)`. */
  nextDueAt(after: EpochMs): Promise<EpochMs | undefined>
  /** Deletes delivered (or finally dropped) rows; groups into one transaction. */
  remove(ids: readonly number[]): Promise<void>
  /** Puts rows off after a failed attempt, or unsent. */
  postpone(
    ids: readonly number[],
    change: { attempts: number; firstFailedAt: EpochMs; dueAt: EpochMs; batchId?: string; error: string },
  ): Promise<void>
}
