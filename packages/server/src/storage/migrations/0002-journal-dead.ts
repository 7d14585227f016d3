import type { Kysely, Migration } from 'kysely'

/** A place for facts of calls that could not be saved for their own sake (storage/journal-store.ts). */
export const journalDead: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('journal_dead')
      .addColumn('seq', 'integer', (c) => c.primaryKey().autoIncrement())
      .addColumn('session_id', 'text', (c) => c.notNull())
      .addColumn('event', 'text', (c) => c.notNull())
      .addColumn('at', 'bigint', (c) => c.notNull())
      .addColumn('sealed_fact', 'text', (c) => c.notNull())
      .execute()
    await db.schema.createIndex('journal_dead_by_time').on('journal_dead').column('at').execute()
  },
}
