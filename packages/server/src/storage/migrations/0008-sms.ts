import type { Kysely, Migration } from 'kysely'

/** SMS and the parts that go to receivers (sms/message.ts). */
export const sms: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable('sms_message')
      .addColumn('id', 'text', (c) => c.primaryKey().notNull())
      .addColumn('node', 'text', (c) => c.notNull())
      .addColumn('app_key', 'text')
      .addColumn('x', 'text', (c) => c.notNull())
      .addColumn('sealed_from', 'text', (c) => c.notNull())
      .addColumn('sealed_called', 'text')
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('due_at', 'bigint')
      .addColumn('gather_key', 'text')
      .addColumn('gather_until', 'bigint')
      .addColumn('subscription_id', 'text')
      .addColumn('result', 'integer')
      .addColumn('sealed_detail', 'text', (c) => c.notNull())
      .execute()
    await db.schema
      .createIndex('sms_message_open')
      .on('sms_message')
      .columns(['node', 'due_at'])
      .where('due_at' as never, 'is not', null)
      .execute()
    await db.schema
      .createIndex('sms_message_gathering')
      .unique()
      .on('sms_message')
      .column('gather_key')
      .where('gather_key' as never, 'is not', null)
      .execute()
    // Ids begin with the instant of arrival: each of these gives its messages in the order of time.
    await db.schema.createIndex('sms_message_by_app').on('sms_message').columns(['app_key', 'id']).execute()
    await db.schema
      .createIndex('sms_message_by_from')
      .on('sms_message')
      .columns(['sealed_from', 'id'])
      .execute()
    await db.schema
      .createIndex('sms_message_by_called')
      .on('sms_message')
      .columns(['sealed_called', 'id'])
      .execute()

    await db.schema
      .createTable('sms_part')
      .addColumn('message_id', 'text', (c) => c.notNull())
      .addColumn('idx', 'integer', (c) => c.notNull())
      .addColumn('segments', 'integer', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('carrier', 'text')
      .addColumn('carrier_id', 'text')
      .addColumn('status', 'integer')
      .addColumn('at', 'bigint', (c) => c.notNull())
      .addColumn('receipt', 'text')
      .addPrimaryKeyConstraint('sms_part_key', ['message_id', 'idx'])
      .execute()
    await db.schema
      .createIndex('sms_part_by_carrier')
      .on('sms_part')
      .columns(['carrier_id', 'carrier'])
      .where('carrier_id' as never, 'is not', null)
      .execute()
  },
}
