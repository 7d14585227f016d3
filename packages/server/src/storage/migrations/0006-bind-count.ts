import type { Kysely, Migration } from 'kysely'

/** How often a party was bound on a day; and the states of numbers that wait to be told, found by number. */
export const bindCount: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('bind_count')
      .addColumn('key', 'text', (c) => c.notNull())
      .addColumn('day', 'integer', (c) => c.notNull())
      .addColumn('binds', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('bind_count_once', ['day', 'key'])
      .execute()
    await db.schema
      .createIndex('outbox_number_states')
      .on('outbox')
      .columns(['app_key', 'session_id'])
      .where('kind' as never, '=', 'numStatus')
      .execute()
  },
}
