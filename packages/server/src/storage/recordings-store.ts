import type { RecordingEntry, RecordingIndex } from '../recordings/ports.ts'
import { all, first, prepare, type QueryBuilder, type Runner, slot } from './plan.ts'
import type { Database } from './schema.ts'

/** The list of recordings. Nothing in it is sealed: it names keys, times and sizes, never a number. */
export function createRecordingIndex(runner: Runner, db: QueryBuilder): RecordingIndex {
  const q = queries(db)
  const write = async (...step: Parameters<typeof all>): Promise<void> => {
    await runner.write(() => all(...step))
  }
  return {
    add: (entry) =>
      write(
        q.add,
        entry.object,
        entry.bucket,
        entry.domain,
        entry.appKey,
        entry.sessionId,
        entry.startedAt,
        entry.keptUntil,
        entry.bytes,
        entry.durationMs,
        entry.storedAt ?? null,
      ),
    async find(object) {
      const row = await runner.read(first(q.find, object))
      return row && entryOf(row)
    },
    markStored: (object, at) => write(q.markStored, object, at),
    markDeleted: (object, at) => write(q.markDeleted, object, at),
    async waiting(after, limit) {
      return (await runner.read(all(q.waiting, after, limit))).map(entryOf)
    },
    async expired(at, after, limit) {
      const { keptUntil = -1, object = '' } = after ?? {}
      return (await runner.read(all(q.expired, at, keptUntil, object, limit))).map(entryOf)
    },
    forgetDeletedBefore: (before, limit) =>
      runner.write(function* () {
        return (yield* all(q.forget, before, limit)).length
      }),
  }
}

function entryOf(row: Database['recording']): RecordingEntry {
  return {
    object: row.object,
    bucket: row.bucket,
    domain: row.domain,
    appKey: row.app_key,
    sessionId: row.session_id,
    startedAt: row.started_at,
    keptUntil: row.kept_until,
    bytes: row.bytes,
    durationMs: row.duration_ms,
    ...(row.stored_at !== null && { storedAt: row.stored_at }),
    ...(row.deleted_at !== null && { deletedAt: row.deleted_at }),
  }
}

function queries(db: QueryBuilder) {
  return {
    add: prepare(
      db
        .insertInto('recording')
        .values({
          object: slot<string>(0),
          bucket: slot<string>(1),
          domain: slot<string>(2),
          app_key: slot<string>(3),
          session_id: slot<string>(4),
          started_at: slot<number>(5),
          kept_until: slot<number>(6),
          bytes: slot<number>(7),
          duration_ms: slot<number>(8),
          stored_at: slot<number | null>(9),
        })
        .onConflict((c) => c.column('object').doNothing()),
    ),
    find: prepare(db.selectFrom('recording').selectAll().where('object', '=', slot<string>(0))),
    markStored: prepare(
      db
        .updateTable('recording')
        .set({ stored_at: slot<number>(1) })
        .where('object', '=', slot<string>(0)),
    ),
    markDeleted: prepare(
      db
        .updateTable('recording')
        .set({ deleted_at: slot<number>(1) })
        .where('object', '=', slot<string>(0)),
    ),
    waiting: prepare(
      db
        .selectFrom('recording')
        .selectAll()
        .where('stored_at', 'is', null)
        .where('deleted_at', 'is', null)
        .where('object', '>', slot<string>(0))
        .orderBy('object')
        .limit(slot<number>(1)),
    ),
    expired: prepare(
      db
        .selectFrom('recording')
        .selectAll()
        .where('deleted_at', 'is', null)
        .where('kept_until', '<=', slot<number>(0))
        .where('kept_until', '>=', slot<number>(1))
        .where((e) => e.or([e('kept_until', '>', slot<number>(1)), e('object', '>', slot<string>(2))]))
        .orderBy('kept_until')
        .orderBy('object')
        .limit(slot<number>(3)),
    ),
    forget: prepare(
      db
        .deleteFrom('recording')
        .where('object', 'in', (e) =>
          e
            .selectFrom('recording')
            .select('object')
            .where('deleted_at', '<', slot<number>(0))
            .orderBy('deleted_at')
            .limit(slot<number>(1)),
        )
        .returning('object'),
    ),
  }
}
