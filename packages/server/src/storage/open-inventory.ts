import { existsSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Kysely } from 'kysely'
import type { NumberStore } from '../numbers/ports.ts'
import { AppError } from '../shared/app-error.ts'
import { readSealKey, SEAL_KEY_FILE } from '../shared/key-file.ts'
import { createSealer } from '../shared/seal.ts'
import type { AppAdmin, SubscriberStore } from '../tenants/ports.ts'
import { createInventoryStores } from './inventory-store.ts'
import { DATABASE_FILE } from './open-storage.ts'
import type { Database } from './schema.ts'
import { checkSealKey } from './seal-check.ts'
import { createStatementCache, nodeSqliteDialect } from './sqlite/dialect.ts'
import { createSqliteRunner } from './sqlite/runner.ts'

/** Apps, X numbers and subscribers, for reading only. */
export type Inventory = {
  readonly apps: Pick<AppAdmin, 'findApp' | 'listApps'>
  readonly numbers: Pick<NumberStore, 'find' | 'list'>
  readonly subscribers: Pick<SubscriberStore, 'find' | 'list'>
}

/**
 * Looks into a data folder, also while a platform runs on it: no lock, no migration, no sign of life, no write of any
 * kind. Throws AppError `NO_DATA` when no platform has run there yet, else like `openStorage`.
 */
export async function openInventory(dataDir: string): Promise<Inventory & { close(): void }> {
  const file = path.join(dataDir, DATABASE_FILE)
  if (!existsSync(file)) throw noData(dataDir)
  const database = openReadOnly(file)
  try {
    // A first start may be under way, or have been cut short.
    if (!database.prepare(`select 1 from sqlite_master where name = 'meta'`).get()) throw noData(dataDir)
    const statements = createStatementCache(database)
    const builder = new Kysely<Database>({ dialect: nodeSqliteDialect(database, statements) })
    const runner = createSqliteRunner(database, statements, 0)
    const sealer = createSealer(readSealKey(dataDir))
    await checkSealKey(runner, builder, sealer, { key: path.join(dataDir, SEAL_KEY_FILE), database: file })
    const { apps, numbers, subscribers } = createInventoryStores(runner, builder, sealer)
    return { apps, numbers, subscribers, close: () => database.close() }
  } catch (error) {
    database.close()
    throw error
  }
}

function openReadOnly(file: string): DatabaseSync {
  try {
    const database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 })
    try {
      // Opening reads nothing; a file that is no database shows at the first statement.
      database.prepare('select 1 from sqlite_master').get()
      return database
    } catch (cause) {
      database.close()
      throw cause
    }
  } catch (cause) {
    throw new AppError(
      'DATA_DIR_UNUSABLE',
      `cannot read ${file}: ${(cause as Error).message}; it must be a database of Maskline that belongs to you`,
      { cause },
    )
  }
}

const noData = (dataDir: string): AppError =>
  new AppError('NO_DATA', `no data in ${path.resolve(dataDir)} yet; run \`npm start\` first`)
