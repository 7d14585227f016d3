import { describe } from 'node:test'
import { openStorage, type Storage, type StorageOptions } from '../storage/index.ts'
import { skipsPostgres, takeDatabase } from './postgres.ts'

/** A kind of database that storage runs on. */
export type TestEngine = {
  readonly name: 'SQLite' | 'PostgreSQL'
  /** Opens an empty storage that keeps nothing after its close. */
  open(options?: Partial<StorageOptions>): Promise<Storage>
}

const sqlite: TestEngine = {
  name: 'SQLite',
  open: (options) => openStorage({ dataDir: ':memory:', ...options }),
}

const postgres: TestEngine = {
  name: 'PostgreSQL',
  async open(options) {
    const database = await takeDatabase()
    const storage = await openStorage({ dataDir: ':memory:', databaseUrl: database.url, ...options })
    let closing: Promise<void> | undefined
    return { ...storage, close: () => (closing ??= storage.close().finally(() => database.release())) }
  },
}

/**
 * Runs a suite of tests once on each engine; on PostgreSQL it is skipped, with the reason, where there is none.
 *
 *     eachEngine(({ open }) => {
 *       let storage: Storage
 *       before(async () => void (storage = await open()))
 *       after(() => storage.close())
 *       it('…', …)
 *     })
 */
export function eachEngine(suite: (engine: TestEngine) => void): void {
  describe('on SQLite', () => suite(sqlite))
  describe('on PostgreSQL', { skip: skipsPostgres }, () => suite(postgres))
}
