import type { Kysely, Migration } from 'kysely'

/** What AX, AXE, AXYB and X need beside AXB: pairs, parties, extensions, memories, the private part of an app. */
export const modes: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.alterTable('app').addColumn('sealed_private', 'text').execute()
    await db.schema
      .alterTable('x_number')
      .addColumn('last_extension', 'integer', (c) => c.notNull().defaultTo(0))
      .execute()
    await db.schema.alterTable('x_number').addColumn('cause', 'text').execute()
    await db.schema
      .alterTable('binding')
      .addColumn('parent_seq', 'integer', (c) => c.references('binding.seq').onDelete('cascade'))
      .execute()
    await db.schema.alterTable('binding').addColumn('a_key', 'text').execute()
    await db.schema.alterTable('binding').addColumn('b_key', 'text').execute()
    await db.schema
      .createIndex('binding_by_parent')
      .on('binding')
      .column('parent_seq')
      .where('parent_seq' as never, 'is not', null)
      .execute()
    await db.schema
      .createIndex('binding_by_a')
      .on('binding')
      .columns(['app_key', 'a_key'])
      .where('a_key' as never, 'is not', null)
      .execute()
    await db.schema
      .createIndex('binding_by_b')
      .on('binding')
      .columns(['x', 'b_key'])
      .where('b_key' as never, 'is not', null)
      .execute()

    await db.schema
      .createTable('binding_memory')
      .addColumn('binding_seq', 'integer', (c) => c.notNull().references('binding.seq').onDelete('cascade'))
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('remembered_at', 'bigint', (c) => c.notNull())
      .addColumn('expires_at', 'bigint')
      .addColumn('sealed_value', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('binding_memory_once', ['binding_seq', 'kind'])
      .execute()
  },
}
