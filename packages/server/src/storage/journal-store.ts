import type { CallFact, CallRecord } from '../calls/call-record.ts'
import type { CallJournal } from '../calls/ports.ts'
import type { OutboxItem } from '../notifications/outbox.ts'
import type { PushDraft } from '../notifications/pushes.ts'
import { AppError } from '../shared/app-error.ts'
import type { Sealer } from '../shared/seal.ts'
import { type Clock, type Timer, toNextBeat } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import type { InventoryReads } from './bindings-store.ts'
import type { OutboxWriter } from './outbox-store.ts'
import { all, type Plan, prepare, type QueryBuilder, type Runner, slot } from './plan.ts'

/** Facts of one transaction at most, so that a burst does not hold up signalling. */
const LARGEST_GROUP = 256
const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 5_000
/** Longest wait for a flush: who stops must not hang on a disk that is full. */
const LONGEST_FLUSH_MS = 10_000

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
  /** Id of this node: only its calls are its open calls. */
  readonly node: string
  /**
   * Told of every failed attempt, after which the facts are kept and tried again; and with `FACT_SET_ASIDE` of a fact
   * that was given up.
   */
  readonly onFault: (error: AppError, waiting: number) => void
}

export type Journal = CallJournal & {
  /** Resolves when everything so far is committed; `JOURNAL_NOT_SAVED` when that takes longer than 10 s. */
  flush(): Promise<void>
  /** Commits the rest and stops; throws AppError `JOURNAL_NOT_SAVED` when storage refuses it to the end. */
  close(): Promise<void>
}

/** The journal over any runner: facts queue in memory and are committed in groups, in the order of `append`. */
export function createJournal(options: JournalOptions): Journal {
  const { runner, sealer, clock, inventory, outbox, pushesOf, groupCommitMs, node, onFault } = options
  const q = queries(options.builder)
  /** Calls of this node, which no other touches. */
  const ours = [`calls:${node}`]

  let queue: CallFact[] = []
  let timer: Timer | undefined
  let writing: Promise<boolean> | undefined
  let retryMs = FIRST_RETRY_MS
  let appended = 0
  let committed = 0
  /** So many facts at the head of the queue are written one by one, because one of them cannot be. */
  let oneByOne = 0
  let flushes: Flush[] = []

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

  function* saveRecord(record: CallRecord): Plan<void> {
    yield* all(
      q.save,
      record.sessionId,
      node,
      record.appKey ?? null,
      record.x,
      record.callInAt,
      // Until its recording is stored and its CDR told, an ended call is open.
      record.recordingPending === undefined ? (record.end?.at ?? null) : null,
      record.end?.releaseCode ?? null,
      sealer.sealText(JSON.stringify(record), 'call'),
    )
  }

  /** Journal rows and pushes of a group. Of several facts of one call only the last record needs to be written. */
  function* save(group: readonly CallFact[]): Plan<readonly OutboxItem[]> {
    const latest = new Map<string, CallRecord>()
    for (const { record } of group) latest.set(record.sessionId, record)
    for (const record of latest.values()) yield* saveRecord(record)
    const added: OutboxItem[] = []
    for (const fact of group) added.push(...(yield* draftsOf(fact)))
    yield* outbox.insert(added)
    return added
  }

  function* bury({ record, event, at }: CallFact, sealed: string): Plan<void> {
    yield* all(q.bury, record.sessionId, event, at, sealed)
  }

  /**
   * Puts a fact that would stop all others where a person can look at it. Its call is written down without pushes, so
   * that it has its end; only if even that cannot be, the fact is all that is left.
   */
  const setAside = async (fact: CallFact, cause: AppError): Promise<void> => {
    const sealed = sealer.sealText(JSON.stringify({ fact, error: cause.message }), 'call')
    try {
      await runner.write(function* () {
        yield* saveRecord(fact.record)
        yield* bury(fact, sealed)
      }, ours)
    } catch (error) {
      if (isStorageFault(error)) throw error
      await runner.write(() => bury(fact, sealed), ours)
    }
  }

  /** After a group failed: true when the queue moves on all the same, because one fact was to blame and not storage. */
  const recover = async (group: readonly CallFact[], cause: unknown): Promise<boolean> => {
    if (isStorageFault(cause)) return false
    if (group.length > 1) {
      oneByOne = group.length
      queue = group.concat(queue)
      return true
    }
    const [fact] = group
    const { sessionId } = fact!.record
    const reason = asAppError(cause)
    try {
      await setAside(fact!, reason)
    } catch (error) {
      if (isStorageFault(error)) return false
      // It cannot even be written as text: the report below is what remains of it.
    }
    saved(1, [])
    onFault(
      new AppError(
        'FACT_SET_ASIDE',
        `"${fact!.event}" of call ${sessionId} cannot be saved and was put into table journal_dead: ${reason.message}`,
        { cause },
      ),
      queue.length,
    )
    return true
  }

  const keepForLater = (group: CallFact[], cause: unknown): void => {
    queue = group.concat(queue)
    onFault(asAppError(cause), queue.length)
    schedule(retryMs)
    retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS)
  }

  /** Commits the head of the queue; false when storage refuses. One group is under way at a time. */
  const writeGroup = (): Promise<boolean> => {
    if (writing) return writing
    timer?.cancel()
    timer = undefined
    const most = oneByOne > 0 ? 1 : LARGEST_GROUP
    const group = queue.length > most ? queue.slice(0, most) : queue
    if (group.length === 0) return Promise.resolve(true)
    queue = group === queue ? [] : queue.slice(most)
    return (writing = runner
      .write(() => save(group), ours)
      .then(
        (added) => {
          writing = undefined
          saved(group.length, added)
          return true
        },
        async (cause: unknown) => {
          const movesOn = await recover(group, cause)
          writing = undefined
          if (movesOn) goOn()
          else keepForLater(group, cause)
          return movesOn
        },
      ))
  }

  const goOn = (): void => {
    if (queue.length === 0) return
    const hurry = flushes.length > 0 || oneByOne > 0 || queue.length >= LARGEST_GROUP
    schedule(hurry ? 0 : toNextBeat(clock.now(), groupCommitMs))
  }

  const notSaved = (): AppError =>
    new AppError(
      'JOURNAL_NOT_SAVED',
      `${appended - committed} call facts could not be saved; see the storage errors above`,
    )

  const saved = (count: number, added: readonly OutboxItem[]): void => {
    committed += count
    oneByOne = Math.max(0, oneByOne - count)
    retryMs = FIRST_RETRY_MS
    const flushed = flushes.filter(({ upTo }) => upTo <= committed)
    flushes = flushes.filter(({ upTo }) => upTo > committed)
    goOn()
    outbox.announce(added)
    for (const { done } of flushed) done()
  }

  return {
    append(fact) {
      queue.push(fact)
      appended++
      if (!writing && timer === undefined) schedule(toNextBeat(clock.now(), groupCommitMs))
    },
    flush() {
      if (committed === appended) return Promise.resolve()
      return new Promise((resolve, reject) => {
        const limit = clock.setTimer(LONGEST_FLUSH_MS, () => {
          flushes = flushes.filter((other) => other !== flush)
          reject(notSaved())
        })
        const flush: Flush = {
          upTo: appended,
          done() {
            limit.cancel()
            resolve()
          },
        }
        flushes.push(flush)
        void writeGroup()
      })
    },
    async openCalls() {
      const rows = await runner.read(all(q.open, node))
      return rows.map((row) => JSON.parse(sealer.openText(row.sealed_record, 'call')) as CallRecord)
    },
    async close() {
      while (committed < appended) {
        if (!(await writeGroup()) && !(await writeGroup())) {
          timer?.cancel()
          throw notSaved()
        }
      }
      timer?.cancel()
    },
  }
}

type Flush = { readonly upTo: number; readonly done: () => void }

/** Storage itself fails, so waiting helps; any other fault is one of the fact, and stays. */
const isStorageFault = (cause: unknown): boolean =>
  cause instanceof AppError && cause.code === 'STORAGE_FAILED'

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
    bury: prepare(
      db.insertInto('journal_dead').values({
        session_id: slot<string>(0),
        event: slot<string>(1),
        at: slot<number>(2),
        sealed_fact: slot<string>(3),
      }),
    ),
    open: prepare(
      db
        .selectFrom('call_journal')
        .select('sealed_record')
        .where('node', '=', slot<string>(0))
        .where('ended_at', 'is', null)
        .orderBy('started_at'),
    ),
  }
}
