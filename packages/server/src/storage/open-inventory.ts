import { existsSync } from 'node:fs'
import path from 'node:path'
import type { NumberStore } from '../numbers/ports.ts'
import { AppError } from '../shared/app-error.ts'
import { newUuid } from '../shared/ids.ts'
import { readSealKey, SEAL_KEY_FILE } from '../shared/key-file.ts'
import { createSealer } from '../shared/seal.ts'
import type { AppAdmin, SubscriberStore } from '../tenants/ports.ts'
import { createInventoryStores } from './inventory-store.ts'
import { DATABASE_FILE } from './open-storage.ts'
import { openPostgres } from './postgres/engine.ts'
import { checkSealKey } from './seal-check.ts'
import { openSqliteReadOnly } from './sqlite/engine.ts'

/** Apps, X numbers and subscribers, for reading only. */
export type Inventory = {
  readonly apps: Pick<AppAdmin, 'findApp' | 'listApps'>
  readonly numbers: Pick<NumberStore, 'find' | 'list'>
  readonly subscribers: Pick<SubscriberStore, 'find' | 'list'>
}

/**
 * Looks into a data folder and its database, also while a platform runs on it: no lock, no migration, no sign of life,
 * no write of any kind. Throws AppError `NO_DATA` when no platform has run there yet, else like `openStorage`.
 */
export async function openInventory(
  dataDir: string,
  databaseUrl?: string,
): Promise<Inventory & { close(): Promise<void> }> {
  const file = path.join(dataDir, DATABASE_FILE)
  if (databaseUrl === undefined && !existsSync(file)) throw noData(path.resolve(dataDir))
  const engine =
    databaseUrl === undefined
      ? openSqliteReadOnly(file)
      : await openPostgres(databaseUrl, { node: newUuid(), isReadOnly: true })
  try {
    const { builder, runner, place } = engine
    // A first start may be under way, or have been cut short.
    const tables = await builder.introspection.getTables()
    if (!tables.some(({ name }) => name === 'meta'))
      throw noData(databaseUrl === undefined ? path.resolve(dataDir) : place)
    const sealer = createSealer(readSealKey(dataDir))
    await checkSealKey(runner, builder, sealer, { key: path.join(dataDir, SEAL_KEY_FILE), database: place })
    const { apps, numbers, subscribers } = await createInventoryStores(runner, builder, sealer)
    return { apps, numbers, subscribers, close: () => engine.close() }
  } catch (error) {
    await engine.close()
    throw error
  }
}

const noData = (place: string): AppError =>
  new AppError('NO_DATA', `no data in ${place} yet; run \`npm start\` first`)
