import { type Kysely, type Migration, SqliteAdapter, sql } from 'kysely'

/**
 * SQLite: ids of pushes become what finds their rows. A `bigint primary key` is an index beside the table there, which every
 * push paid for twice; only an `integer primary key` is the table's own. PostgreSQL keeps its table.
 */
export const outboxRowid: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    if (!(db.getExecutor().adapter instanceof SqliteAdapter)) return
    await db.schema
      .createTable('outbox_new')
      .addColumn('id', 'integer', (c) => c.primaryKey().notNull())
      .addColumn('app_key', 'text', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('url', 'text', (c) => c.notNull())
      .addColumn('session_id', 'text', (c) => c.notNull())
      .addColumn('sealed_body', 'text', (c) => c.notNull())
      .addColumn('attempts', 'integer', (c) => c.notNull())
      .addColumn('batch_id', 'text')
      .addColumn('first_failed_at', 'bigint')
      .addColumn('due_at', 'bigint', (c) => c.notNull())
      .addColumn('error', 'text')
      .execute()
    await sql`insert into outbox_new select * from outbox`.execute(db)
    await db.schema.dropTable('outbox').execute()
    await db.schema.alterTable('outbox_new').renameTo('outbox').execute()
    await db.schema.createIndex('outbox_by_due').on('outbox').columns(['due_at', 'id']).execute()
    await db.schema
      .createIndex('outbox_number_states')
      .on('outbox')
      .columns(['app_key', 'session_id'])
      .where('kind' as never, '=', 'numStatus')
      .execute()
  },
}
