import type { Kysely, Migration } from 'kysely'

/** What tells a repeated SMS from one that is sent again (docs/adr/0007-repeated-sms.md), and the way from an X to its SMS. */
export const smsUnread: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.alterTable('sms_message').addColumn('unread_since', 'bigint').execute()
    await db.schema.createIndex('sms_message_by_x').on('sms_message').columns(['x', 'id']).execute()
  },
}
