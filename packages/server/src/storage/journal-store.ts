import type { CallFact, CallRecord } from '../calls/call-record.ts'
import type { CallJournal } from '../calls/ports.ts'
import type { OutboxItem } from '../notifications/outbox.ts'
import type { PushDraft } from '../notifications/pushes.ts'
import { AppError } from '../shared/app-error.ts'
import type { Sealer } from '../shared/seal.ts'
import type { Clock, Timer } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import type { InventoryReads } from './bindings-store.ts'
import type { OutboxWriter } from './outbox-store.ts'
import { all, type Plan, prepare, type QueryBuilder, type Runner, slot } from './plan.ts'

/** Facts of one transaction at most, so that a burst does not hold up signalling. */
const LARGEST_GROUP = 256
const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 5_000

export type JournalOptions = {
  readonly runner: Runner
  readonly builder: QueryBuilder
  readonly sealer: Sealer
  readonly clock: Clock
  readonly inventory: InventoryReads
  readonly outbox: OutboxWriter
  /** The pushes a fact causes (notifications/). */
  readonly pushesOf: (fact: CallFact, app: App) => readonly PushDraft[]
  readonly groupCommitMs: number
  /** Only calls of this node are its open calls; absent: all. */
  readonly hostName: string | undefined
  /** Told of every failed attempt; the facts are kept and tried again. */
  readonly onFault: (error: AppError, waiting: number) => void
}

export type Journal = CallJournal & {
  /** Commits the rest and stops; throws AppError `JOURNAL_NOT_SAVED` when storage refuses it to the end. */
  close(): Promise<void>
}

/** The journal over any runner: facts queue in memory and are committed in groups, in the order of `append`. */
export function createJournal(options: JournalOptions): Journal {
  const { runner, sealer, clock, inventory, outbox, pushesOf, groupCommitMs, onFault } = options
  const q = queries(options.builder)

  let queue: CallFact[] = []
  let timer: Timer | undefined
  let writing: Promise<boolean> | undefined
  let retryMs = FIRST_RETRY_MS
  let appended = 0
  let committed = 0
  let flushes: { readonly upTo: number; readonly done: () => void }[] = []

  const schedule = (delayMs: number): void => {
    timer ??= clock.setTimer(delayMs, () => {
      timer = undefined
      void writeGroup()
    })
  }

  function* draftsOf(fact: CallFact): Plan<readonly OutboxItem[]> {
    const { appKey } = fact.record
    const app = appKey === undefined ? undefined : yield* inventory.findApp(appKey)
    if (!app) return []
    return pushesOf(fact, app).map((draft) => outbox.toItem(draft, app.key, fact.at))
  }

  /** Journal rows and pushes of a group. Of several facts of one call only the last record needs to be written. */
  function* save(group: readonly CallFact[]): Plan<readonly OutboxItem[]> {
    const latest = new Map<string, CallRecord>()
    for (const { record } of group) latest.set(record.sessionId, record)
    for (const record of latest.values()) {
      yield* all(
        q.save,
        record.sessionId,
        record.hostName,
        record.appKey ?? null,
        record.x,
        record.callInAt,
        record.end?.at ?? null,
        record.end?.releaseCode ?? null,
        sealer.sealText(JSON.stringify(record), 'call'),
      )
    }
    const added: OutboxItem[] = []
    for (const fact of group) {
      for (const item of yield* draftsOf(fact)) {
        yield* outbox.insert(item)
        added.push(item)
      }
    }
    return added
  }

  /** Commits the head of the queue; true when that succeeded. One group is under way at a time. */
  const writeGroup = (): Promise<boolean> => {
    if (writing) return writing
    timer?.cancel()
    timer = undefined
    const group = queue.length > LARGEST_GROUP ? queue.slice(0, LARGEST_GROUP) : queue
    if (group.length === 0) return Promise.resolve(true)
    queue = group === queue ? [] : queue.slice(LARGEST_GROUP)
    return (writing = runner
      .write(() => save(group))
      .then(
        (added) => {
          writing = undefined
          saved(group.length, added)
          return true
        },
        (cause: unknown) => {
          writing = undefined
          queue = group.concat(queue)
          onFault(asAppError(cause), queue.length)
          schedule(retryMs)
          retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS)
          return false
        },
      ))
  }

  const saved = (count: number, added: readonly OutboxItem[]): void => {
    committed += count
    retryMs = FIRST_RETRY_MS
    const flushed = flushes.filter(({ upTo }) => upTo <= committed)
    flushes = flushes.filter(({ upTo }) => upTo > committed)
    if (queue.length > 0) schedule(flushes.length > 0 || queue.length >= LARGEST_GROUP ? 0 : groupCommitMs)
    outbox.announce(added)
    for (const { done } of flushed) done()
  }

  return {
    append(fact) {
      queue.push(fact)
      appended++
      if (!writing) schedule(groupCommitMs)
    },
    flush() {
      if (committed === appended) return Promise.resolve()
      return new Promise((done) => {
        flushes.push({ upTo: appended, done })
        void writeGroup()
      })
    },
    async openCalls() {
      const rows = await runner.read(all(q.open))
      return rows
        .filter((row) => options.hostName === undefined || row.node === options.hostName)
        .map((row) => JSON.parse(sealer.openText(row.sealed_record, 'call')) as CallRecord)
    },
    async close() {
      while (committed < appended) {
        if (!(await writeGroup()) && !(await writeGroup())) {
          timer?.cancel()
          throw new AppError(
            'JOURNAL_NOT_SAVED',
            `${queue.length} call facts could not be saved; see the storage errors above`,
          )
        }
      }
      timer?.cancel()
    },
  }
}

function asAppError(cause: unknown): AppError {
  if (cause instanceof AppError) return cause
  return new AppError('JOURNAL_NOT_SAVED', `call facts could not be saved: ${String(cause)}`, { cause })
}

function queries(db: QueryBuilder) {
  return {
    save: prepare(
      db
        .insertInto('call_journal')
        .values({
          session_id: slot<string>(0),
          node: slot<string>(1),
          app_key: slot<string | null>(2),
          x: slot<string>(3),
          started_at: slot<number>(4),
          ended_at: slot<number | null>(5),
          release_code: slot<number | null>(6),
          sealed_record: slot<string>(7),
        })
        .onConflict((c) =>
          c.column('session_id').doUpdateSet((e) => ({
            ended_at: e.ref('excluded.ended_at'),
            release_code: e.ref('excluded.release_code'),
            sealed_record: e.ref('excluded.sealed_record'),
          })),
        ),
    ),
    open: prepare(
      db
        .selectFrom('call_journal')
        .select(['node', 'sealed_record'])
        .where('ended_at', 'is', null)
        .orderBy('started_at'),
    ),
  }
}
