import type { Kysely, Migration } from 'kysely'

/** Accounts, apps, X numbers, bindings and their claims, calls, pushes, lab subscribers. */
export const core: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('tenant')
      .addColumn('id', 'text', (c) => c.primaryKey().notNull())
      .addColumn('sp_id', 'text', (c) => c.notNull())
      .addColumn('account_status', 'text', (c) => c.notNull())
      .execute()

    await db.schema
      .createTable('app')
      .addColumn('key', 'text', (c) => c.primaryKey().notNull())
      .addColumn('tenant_id', 'text', (c) => c.notNull().references('tenant.id'))
      .addColumn('sealed_secret', 'text', (c) => c.notNull())
      .addColumn('settings', 'text', (c) => c.notNull())
      .execute()

    await db.schema
      .createTable('x_number')
      .addColumn('number', 'text', (c) => c.primaryKey().notNull())
      .addColumn('app_key', 'text', (c) => c.notNull().references('app.key'))
      .addColumn('area_code', 'text', (c) => c.notNull())
      .addColumn('province', 'text', (c) => c.notNull())
      .addColumn('status', 'text', (c) => c.notNull())
      .addColumn('sms_capable', 'integer', (c) => c.notNull())
      .addColumn('bound', 'integer', (c) => c.notNull().defaultTo(0))
      .addColumn('released_at', 'bigint', (c) => c.notNull().defaultTo(0))
      .execute()
    // Both give the candidates of a bind in the order of choice, so the choice ends at the first fit.
    await db.schema
      .createIndex('x_number_by_area')
      .on('x_number')
      .columns(['app_key', 'area_code', 'bound', 'released_at', 'number'])
      .execute()
    await db.schema
      .createIndex('x_number_by_app')
      .on('x_number')
      .columns(['app_key', 'bound', 'released_at', 'number'])
      .execute()

    await db.schema
      .createTable('binding')
      .addColumn('seq', 'integer', (c) => c.primaryKey().autoIncrement())
      .addColumn('id', 'text', (c) => c.notNull().unique())
      .addColumn('app_key', 'text', (c) => c.notNull())
      .addColumn('mode', 'text', (c) => c.notNull())
      .addColumn('x', 'text', (c) => c.notNull())
      .addColumn('expires_at', 'bigint')
      .addColumn('changed_at', 'bigint', (c) => c.notNull())
      .addColumn('sealed_detail', 'text', (c) => c.notNull())
      .execute()
    await db.schema
      .createIndex('binding_by_expiry')
      .on('binding')
      .column('expires_at')
      .where('expires_at' as never, 'is not', null)
      .execute()

    await db.schema
      .createTable('claim')
      .addColumn('number', 'text', (c) => c.notNull())
      .addColumn('key', 'text', (c) => c.notNull())
      .addColumn('binding_seq', 'integer', (c) => c.notNull().references('binding.seq').onDelete('cascade'))
      .addColumn('role', 'text', (c) => c.notNull())
      .addUniqueConstraint('claim_once', ['number', 'key'])
      .execute()
    await db.schema.createIndex('claim_by_binding').on('claim').column('binding_seq').execute()

    await db.schema
      .createTable('call_journal')
      .addColumn('session_id', 'text', (c) => c.primaryKey().notNull())
      .addColumn('node', 'text', (c) => c.notNull())
      .addColumn('app_key', 'text')
      .addColumn('x', 'text', (c) => c.notNull())
      .addColumn('started_at', 'bigint', (c) => c.notNull())
      .addColumn('ended_at', 'bigint')
      .addColumn('release_code', 'integer')
      .addColumn('sealed_record', 'text', (c) => c.notNull())
      .execute()
    await db.schema
      .createIndex('call_journal_open')
      .on('call_journal')
      .column('node')
      .where('ended_at' as never, 'is', null)
      .execute()
    await db.schema.createIndex('call_journal_by_start').on('call_journal').column('started_at').execute()

    await db.schema
      .createTable('outbox')
      .addColumn('id', 'bigint', (c) => c.primaryKey().notNull())
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
    await db.schema.createIndex('outbox_by_due').on('outbox').columns(['due_at', 'id']).execute()

    await db.schema
      .createTable('subscriber')
      .addColumn('sealed_username', 'text', (c) => c.primaryKey().notNull())
      .addColumn('sealed_password', 'text', (c) => c.notNull())
      .execute()

    await db.schema
      .createTable('meta')
      .addColumn('key', 'text', (c) => c.primaryKey().notNull())
      .addColumn('value', 'text', (c) => c.notNull())
      .execute()
  },
}
