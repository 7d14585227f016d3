import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Kysely } from 'kysely'
import type { BindingMemory, BindingStore, RouteStore } from '../bindings/ports.ts'
import type { CallFact } from '../calls/call-record.ts'
import type { CallJournal } from '../calls/ports.ts'
import type { OutboxStore } from '../notifications/outbox.ts'
import type { PushDraft } from '../notifications/pushes.ts'
import type { NumberStates, NumberStore } from '../numbers/ports.ts'
import type { XNumber } from '../numbers/x-number.ts'
import { AppError } from '../shared/app-error.ts'
import { loadSealKey, SEAL_KEY_FILE } from '../shared/key-file.ts'
import { createSealer, SEAL_KEY_BYTES, type Sealer } from '../shared/seal.ts'
import { type Clock, type EpochMs, systemClock } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import type { AppAdmin, SubscriberStore } from '../tenants/ports.ts'
import { createBindingStores } from './bindings-store.ts'
import { createHeartbeat } from './heartbeat.ts'
import { createInventoryStores } from './inventory-store.ts'
import { createJournal } from './journal-store.ts'
import { createNumberStates } from './number-states.ts'
import { migrate } from './migrations/migrations.ts'
import { ownNodeId } from './node-id.ts'
import { createOutboxStore, type OutboxFeed } from './outbox-store.ts'
import { type CallArchive, createCallArchive } from './retention.ts'
import type { Database } from './schema.ts'
import { checkSealKey } from './seal-check.ts'
import { startCheckpointer } from './sqlite/checkpointer.ts'
import { createStatementCache, nodeSqliteDialect } from './sqlite/dialect.ts'
import { createSqliteRunner } from './sqlite/runner.ts'

/** Every store of the platform, over one database. */
export type Storage = {
  readonly bindings: BindingStore
  readonly routes: RouteStore
  readonly memory: BindingMemory
  readonly apps: AppAdmin
  readonly numbers: NumberStore
  readonly numberStates: NumberStates
  readonly journal: CallJournal
  readonly outbox: OutboxStore & OutboxFeed
  readonly subscribers: SubscriberStore
  /** When the process before this one was last seen alive; undefined at the first start. */
  readonly aliveUntil: EpochMs | undefined
  /** What is kept of ended calls, to be let go some day (retention.ts). */
  readonly archive: CallArchive
  /** Says from now on that this process is alive; after the calls of a crash were ended, not before. */
  startHeartbeat(): void
  /** Commits what is queued and closes; throws AppError `JOURNAL_NOT_SAVED` when call facts had to be dropped. */
  close(): Promise<void>
}

export type StorageOptions = {
  /** Directory of the database and the seal key, made if absent; `:memory:` keeps nothing. */
  readonly dataDir: string
  /** `process` survives a crash of the process, `power` also one of the machine (a disk flush per commit group). */
  readonly durability?: 'process' | 'power'
  /** How long call facts gather before they are committed, ms. Default 5. */
  readonly groupCommitMs?: number
  readonly clock?: Clock
  /** Default: made from `dataDir/seal.key`; with `:memory:` from a random key. */
  readonly sealer?: Sealer
  /** What a fact of a call causes to be pushed; default nothing. */
  readonly pushesOf?: (fact: CallFact, app: App) => readonly PushDraft[]
  /** What a number's new state causes to be pushed; default nothing. */
  readonly numberStatusPush?: (x: XNumber, app: App) => PushDraft | undefined
  /** Told when call facts could not be saved and wait for another attempt, or were set aside (`FACT_SET_ASIDE`). */
  readonly onFault?: (error: AppError, waiting: number) => void
}

/** Binds touch many pages and little of each: small ones halve what a commit writes. */
const PAGE_SIZE = 2048

export const DATABASE_FILE = 'maskline.db'

/**
 * Opens the storage and brings its schema up to date. Throws AppError `DATA_DIR_UNUSABLE`, `SEAL_KEY_INVALID` or
 * `MIGRATION_FAILED`, each with a sentence for the operator.
 */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const { dataDir, durability = 'process', groupCommitMs = 5, clock = systemClock } = options
  const inMemory = dataDir === ':memory:'
  if (!inMemory) makeDirectory(dataDir)
  const sealer = options.sealer ?? createSealer(inMemory ? randomBytes(SEAL_KEY_BYTES) : loadSealKey(dataDir))
  const file = inMemory ? dataDir : join(dataDir, DATABASE_FILE)
  const database = openDatabase(file, durability)
  try {
    const ownCheckpoints = (): void => database.exec('pragma wal_autocheckpoint = 1000')
    const statements = createStatementCache(database)
    const builder = new Kysely<Database>({ dialect: nodeSqliteDialect(database, statements) })
    await migrate(builder as unknown as Kysely<never>)

    // With a disk flush per commit it pays to gather binds too; without, they are committed in the same turn.
    const runner = createSqliteRunner(database, statements, durability === 'power' ? groupCommitMs : 0)
    await checkSealKey(runner, builder, sealer, { key: join(dataDir, SEAL_KEY_FILE), database: file })
    const inventory = createInventoryStores(runner, builder, sealer)
    const { bindings, routes, memory } = createBindingStores(runner, builder, sealer, inventory.plans)
    const { outbox, writer } = await createOutboxStore(runner, builder, sealer)
    const journal = createJournal({
      runner,
      builder,
      sealer,
      clock,
      inventory: inventory.plans,
      outbox: writer,
      pushesOf: options.pushesOf ?? (() => []),
      groupCommitMs,
      node: await ownNodeId(runner, builder),
      onFault: options.onFault ?? (() => {}),
    })
    const numberStates = createNumberStates({
      builder,
      inventory: inventory.plans,
      outbox: writer,
      pushOf: options.numberStatusPush ?? (() => undefined),
    })
    const heartbeat = await createHeartbeat(runner, builder, clock)
    const checkpointer = inMemory ? undefined : startCheckpointer(file, PAGE_SIZE, ownCheckpoints)
    const { apps, numbers, subscribers } = inventory
    const close = async (): Promise<void> => {
      heartbeat.stop()
      try {
        await journal.close()
      } finally {
        runner.commit()
        await checkpointer?.stop()
        database.close()
      }
    }
    let closing: Promise<void> | undefined
    return {
      bindings,
      routes,
      memory,
      apps,
      numbers,
      numberStates,
      journal,
      outbox,
      subscribers,
      aliveUntil: heartbeat.aliveUntil,
      archive: createCallArchive(runner, builder),
      startHeartbeat: heartbeat.start,
      close: () => (closing ??= close()),
    }
  } catch (error) {
    database.close()
    throw error
  }
}

function makeDirectory(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw unusable(dataDir, cause)
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
    throw unusable(file, cause)
  }
}

function unusable(path: string, cause: unknown): AppError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new AppError(
    'DATA_DIR_UNUSABLE',
    `cannot use ${path}: ${reason}; the data directory must exist and belong to the user that runs Maskline`,
    { cause },
  )
}
