import { DatabaseSync } from 'node:sqlite'
import { Kysely } from 'kysely'
import { AppError } from '../../shared/app-error.ts'
import type { Engine } from '../engine.ts'
import type { Database } from '../schema.ts'
import { startCheckpointer } from './checkpointer.ts'
import { createStatementCache, nodeSqliteDialect } from './dialect.ts'
import { createSqliteRunner } from './runner.ts'

/** Binds touch many pages and little of each: small ones halve what a commit writes. */
const PAGE_SIZE = 2048

export type SqliteOptions = {
  /** The database file, made if absent; `:memory:` keeps nothing. */
  readonly file: string
  readonly durability: 'process' | 'power'
  readonly groupCommitMs: number
}

/** Opens the one connection that reads and writes. Throws AppError `DATA_DIR_UNUSABLE`. */
export function openSqlite({ file, durability, groupCommitMs }: SqliteOptions): Engine {
  const database = openDatabase(file, durability)
  // With a disk flush per commit it pays to gather binds too; without, they are committed in the same turn.
  const engine = engineOf(database, file, durability === 'power' ? groupCommitMs : 0)
  const ownCheckpoints = (): void => database.exec('pragma wal_autocheckpoint = 1000')
  const checkpointer = file === ':memory:' ? undefined : startCheckpointer(file, PAGE_SIZE, ownCheckpoints)
  return {
    ...engine,
    async close() {
      engine.runner.commit()
      await checkpointer?.stop()
      database.close()
    },
  }
}

/** Opens an existing file for reading only. Throws AppError `DATA_DIR_UNUSABLE`. */
export function openSqliteReadOnly(file: string): Engine {
  const database = openReadOnly(file)
  return { ...engineOf(database, file, 0), close: async () => database.close() }
}

function engineOf(database: DatabaseSync, file: string, commitDelayMs: number) {
  const statements = createStatementCache(database)
  return {
    builder: new Kysely<Database>({ dialect: nodeSqliteDialect(database, statements) }),
    runner: createSqliteRunner(database, statements, commitDelayMs),
    place: file,
  }
}

function openDatabase(file: string, durability: 'process' | 'power'): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { enableForeignKeyConstraints: true, timeout: 5_000 })
    // In WAL mode NORMAL never corrupts and keeps every commit over a crash of the process; FULL flushes each one.
    database.exec(`
      pragma page_size = ${PAGE_SIZE};
      pragma journal_mode = wal;
      pragma wal_autocheckpoint = 0;
      pragma synchronous = ${durability === 'power' ? 'full' : 'normal'};
      pragma cache_size = -65536;
      pragma temp_store = memory;
      begin immediate; commit;
    `)
    return database
  } catch (cause) {
    database?.close()
    throw new AppError(
      'DATA_DIR_UNUSABLE',
      `cannot use ${file}: ${reasonOf(cause)}; the data directory must exist and belong to the user that runs Maskline`,
      { cause },
    )
  }
}

function openReadOnly(file: string): DatabaseSync {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 })
    // Opening reads nothing; a file that is no database shows at the first statement.
    database.prepare('select 1 from sqlite_master').get()
    return database
  } catch (cause) {
    database?.close()
    throw new AppError(
      'DATA_DIR_UNUSABLE',
      `cannot read ${file}: ${reasonOf(cause)}; it must be a database of Maskline that belongs to you`,
      { cause },
    )
  }
}

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
