import type { CallFact, CallRecord } from './call-record.ts'

/**
 * The durable memory of calls. `append` groups: facts of many calls are committed together within a few
 * milliseconds, journal row and outbox rows in one transaction (architecture section 3).
 */
export type CallJournal = {
  /** Queues a fact; never throws, never waits. A storage failure is retried and reported by the adapter. */
  append(fact: CallFact): void
  /** Resolves when everything appended so far is committed. */
  flush(): Promise<void>
  /** Calls of this node that have no end: read once after a crash, before the first call is taken. */
  openCalls(): Promise<readonly CallRecord[]>
}
