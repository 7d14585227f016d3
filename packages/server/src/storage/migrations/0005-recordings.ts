import type { Kysely, Migration } from 'kysely'

/** The list of recordings (recordings/ports.ts). */
export const recordings: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('recording')
      .addColumn('object', 'text', (c) => c.primaryKey())
      .addColumn('bucket', 'text', (c) => c.notNull())
      .addColumn('domain', 'text', (c) => c.notNull())
      .addColumn('app_key', 'text', (c) => c.notNull())
      .addColumn('session_id', 'text', (c) => c.notNull())
      .addColumn('started_at', 'bigint', (c) => c.notNull())
      .addColumn('kept_until', 'bigint', (c) => c.notNull())
      .addColumn('bytes', 'bigint', (c) => c.notNull())
      .addColumn('duration_ms', 'bigint', (c) => c.notNull())
      .addColumn('stored_at', 'bigint')
      .addColumn('deleted_at', 'bigint')
      .execute()
    await db.schema
      .createIndex('recording_to_delete')
      .on('recording')
      .columns(['kept_until', 'object'])
      .where('deleted_at' as never, 'is', null)
      .execute()
    await db.schema
      .createIndex('recording_to_store')
      .on('recording')
      .column('object')
      .where('stored_at' as never, 'is', null)
      .where('deleted_at' as never, 'is', null)
      .execute()
    await db.schema
      .createIndex('recording_deleted')
      .on('recording')
      .column('deleted_at')
      .where('deleted_at' as never, 'is not', null)
      .execute()
    await db.schema
      .createIndex('recording_by_app')
      .on('recording')
      .columns(['app_key', 'started_at'])
      .execute()
  },
}
