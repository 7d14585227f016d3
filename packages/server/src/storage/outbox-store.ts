import type { OutboxItem, OutboxStore, PushKind } from '../notifications/outbox.ts'
import type { Postponement } from '../notifications/ledger.ts'
import type { PushDraft } from '../notifications/pushes.ts'
import { AppError } from '../shared/app-error.ts'
import type { Sealer } from '../shared/seal.ts'
import type { EpochMs } from '../shared/time.ts'
import { all, first, type Plan, prepare, type QueryBuilder, type Runner, slot } from './plan.ts'

/** New rows in the order of their commit, with clear bodies: delivery starts without a read. */
export type OutboxFeed = {
  /** Calls `listener` after each commit that added rows, until `stop` is called. */
  onCommitted(listener: (items: readonly OutboxItem[]) => void): { stop(): void }
}

/** What the journal needs to put pushes into the same transaction as their cause. */
export type OutboxWriter = {
  insert(items: readonly OutboxItem[]): Plan<void>
  /** An item for a draft. Ids ascend in the order of the facts. */
  toItem(draft: PushDraft, appKey: string, at: EpochMs): OutboxItem
  announce(items: readonly OutboxItem[]): void
}

type OutboxRow = {
  readonly id: number
  readonly app_key: string
  readonly kind: string
  readonly url: string
  readonly session_id: string
  readonly sealed_body: string
  readonly attempts: number
  readonly batch_id: string | null
  readonly first_failed_at: number | null
  readonly due_at: number
}

/** Ids that a process takes at once. Few enough for 9 billion starts before numbers end, many enough for minutes. */
const BLOCK = 1_000_000
const BLOCK_KEY = 'outbox_block'
/** Rows of one statement: each statement costs more than its rows. */
const TOGETHER = 8
/** Ids begin with 1. */
const NO_ID = 0
/** What rows of the outbox are written about; each write is over in a moment. */
const OUTBOX = ['outbox']

export async function createOutboxStore(
  runner: Runner,
  builder: QueryBuilder,
  sealer: Sealer,
): Promise<{ outbox: OutboxStore & OutboxFeed; writer: OutboxWriter }> {
  const q = queries(builder)
  const listeners = new Set<(items: readonly OutboxItem[]) => void>()

  /** Takes ids that no other process of this database has: those above the ones taken before. */
  function* takeBlock(): Plan<number> {
    const known = yield* first(q.block)
    const above = known ? Number(known.value) : ((yield* first(q.lastId))?.id ?? 0)
    yield* all(q.saveBlock, String(above + BLOCK))
    return above
  }

  let lastId = await runner.write(takeBlock)
  let blockEnd = lastId + BLOCK
  let nextBlock: Promise<void> | undefined
  let following: number | undefined

  /** Ascending, also over a plan that is run again: what it took the first time is left out. */
  const newId = (): number => {
    if (lastId === blockEnd) {
      if (following === undefined)
        throw new AppError('STORAGE_FAILED', 'no ids for pushes; they are asked for')
      lastId = following
      blockEnd = following + BLOCK
      following = undefined
    }
    if (following === undefined && blockEnd - lastId < BLOCK / 2)
      nextBlock ??= runner
        .write(takeBlock)
        .then(
          (above) => void (following = above),
          () => {}, // asked again with the next id
        )
        .finally(() => (nextBlock = undefined))
    return ++lastId
  }

  const toItem = (row: OutboxRow): OutboxItem => ({
    id: row.id,
    appKey: row.app_key,
    kind: row.kind as PushKind,
    url: row.url,
    sessionId: row.session_id,
    body: sealer.openText(row.sealed_body, 'push'),
    attempts: row.attempts,
    ...(row.batch_id !== null && { batchId: row.batch_id }),
    ...(row.first_failed_at !== null && { firstFailedAt: row.first_failed_at }),
    dueAt: row.due_at,
  })

  function* insertEach(items: readonly OutboxItem[]): Plan<void> {
    let at = 0
    for (; at + TOGETHER <= items.length; at += TOGETHER)
      yield* all(q.insertTogether, ...items.slice(at, at + TOGETHER).flatMap(valuesOf))
    for (; at < items.length; at++) yield* all(q.insert, ...valuesOf(items[at]!))
  }

  const valuesOf = ({ id, appKey, kind, url, sessionId, body, dueAt }: OutboxItem) => [
    id,
    appKey,
    kind,
    url,
    sessionId,
    sealer.sealText(body, 'push'),
    dueAt,
  ]

  function* removeEach(ids: readonly number[]): Plan<void> {
    for (let at = 0; at < ids.length; at += TOGETHER) {
      const some = ids.slice(at, at + TOGETHER)
      while (some.length < TOGETHER) some.push(NO_ID)
      yield* all(q.remove, ...some)
    }
  }

  function* postponeEach(ids: readonly number[], change: Postponement): Plan<void> {
    const { attempts, firstFailedAt, dueAt, batchId, error } = change
    for (const id of ids) yield* all(q.postpone, id, attempts, firstFailedAt, dueAt, batchId ?? null, error)
  }

  return {
    writer: {
      toItem: (draft, appKey, at) => ({
        id: newId(),
        appKey,
        kind: draft.kind,
        url: draft.url,
        sessionId: draft.sessionId,
        body: draft.body,
        attempts: 0,
        dueAt: at,
      }),
      insert: insertEach,
      announce: (items) => {
        if (items.length > 0) for (const listener of listeners) listener(items)
      },
    },
    outbox: {
      onCommitted(listener) {
        listeners.add(listener)
        return { stop: () => void listeners.delete(listener) }
      },
      async due(at, limit) {
        return (await runner.read(all(q.due, at, limit))).map(toItem)
      },
      async nextDueAt(after) {
        return (await runner.read(first(q.nextDue, after)))?.due_at
      },
      remove: (ids) => runner.write(() => removeEach(ids), OUTBOX),
      postpone: (ids, change) => runner.write(() => postponeEach(ids, change), OUTBOX),
    },
  }
}

function queries(db: QueryBuilder) {
  const item = [
    'id',
    'app_key',
    'kind',
    'url',
    'session_id',
    'sealed_body',
    'attempts',
    'batch_id',
    'first_failed_at',
    'due_at',
  ] as const
  const together = Array.from({ length: TOGETHER }, (_, i) => i)
  const rowAt = (i: number) => ({
    id: slot<number>(i * 7),
    app_key: slot<string>(i * 7 + 1),
    kind: slot<string>(i * 7 + 2),
    url: slot<string>(i * 7 + 3),
    session_id: slot<string>(i * 7 + 4),
    sealed_body: slot<string>(i * 7 + 5),
    attempts: 0,
    due_at: slot<number>(i * 7 + 6),
  })
  return {
    lastId: prepare(db.selectFrom('outbox').select('id').orderBy('id', 'desc').limit(1)),
    block: prepare(db.selectFrom('meta').select('value').where('key', '=', BLOCK_KEY)),
    saveBlock: prepare(
      db
        .insertInto('meta')
        .values({ key: BLOCK_KEY, value: slot<string>(0) })
        .onConflict((c) => c.column('key').doUpdateSet((e) => ({ value: e.ref('excluded.value') }))),
    ),
    insert: prepare(db.insertInto('outbox').values(rowAt(0))),
    insertTogether: prepare(db.insertInto('outbox').values(together.map(rowAt))),
    due: prepare(
      db
        .selectFrom('outbox')
        .select(item)
        .where('due_at', '<=', slot<number>(0))
        .orderBy('due_at')
        .orderBy('id')
        .limit(slot<number>(1)),
    ),
    nextDue: prepare(
      db
        .selectFrom('outbox')
        .select('due_at')
        .where('due_at', '>', slot<number>(0))
        .orderBy('due_at')
        .limit(1),
    ),
    remove: prepare(
      db.deleteFrom('outbox').where(
        'id',
        'in',
        together.map((i) => slot<number>(i)),
      ),
    ),
    postpone: prepare(
      db
        .updateTable('outbox')
        .set({
          attempts: slot<number>(1),
          first_failed_at: slot<number>(2),
          due_at: slot<number>(3),
          batch_id: slot<string | null>(4),
          error: slot<string>(5),
        })
        .where('id', '=', slot<number>(0)),
    ),
  }
}
