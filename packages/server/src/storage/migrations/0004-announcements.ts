import type { Kysely, Migration } from 'kysely'

/** Announcement files of accounts. Their audio lies in the database, which all nodes share. */
export const announcements: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('announcement')
      .addColumn('tenant_id', 'text', (c) => c.notNull().references('tenant.id'))
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('description', 'text', (c) => c.notNull())
      .addColumn('review_note', 'text', (c) => c.notNull())
      .addColumn('uploaded_by', 'text', (c) => c.notNull())
      .addColumn('uploaded_at', 'bigint', (c) => c.notNull())
      .addColumn('reviewed_at', 'bigint')
      .addColumn('sha256', 'text', (c) => c.notNull())
      .addColumn('size', 'integer', (c) => c.notNull())
      .addColumn('duration_ms', 'integer', (c) => c.notNull())
      .addColumn('original_name', 'text', (c) => c.notNull())
      // Last in the row: what reads the others does not pass through it.
      .addColumn('audio', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('announcement_once', ['tenant_id', 'name'])
      .execute()
  },
}
