import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import type { AnnouncementStore, BindingTones } from '../announcements/ports.ts'
import type { BindingMemory, BindingStore, RouteStore } from '../bindings/ports.ts'
import type { CallFact } from '../calls/call-record.ts'
import type { CallJournal } from '../calls/ports.ts'
import type { OutboxStore } from '../notifications/outbox.ts'
import type { PushDraft } from '../notifications/pushes.ts'
import type { NumberStates, NumberStore } from '../numbers/ports.ts'
import type { XNumber } from '../numbers/x-number.ts'
import type { RecordingIndex } from '../recordings/ports.ts'
import { AppError } from '../shared/app-error.ts'
import { loadSealKey, SEAL_KEY_FILE } from '../shared/key-file.ts'
import { createSealer, SEAL_KEY_BYTES, type Sealer } from '../shared/seal.ts'
import { newUuid } from '../shared/ids.ts'
import { type Clock, type EpochMs, systemClock, type Timer } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import type { AppAdmin, SubscriberStore } from '../tenants/ports.ts'
import type { SmsDetails, SmsStore } from '../sms/ports.ts'
import { createAnnouncementStore } from './announcement-store.ts'
import { createBindingTones } from './binding-tones.ts'
import { createBindingStores } from './bindings-store.ts'
import type { Engine } from './engine.ts'
import { createHeartbeat } from './heartbeat.ts'
import { createInventoryStores } from './inventory-store.ts'
import { createJournal } from './journal-store.ts'
import { createNumberStates } from './number-states.ts'
import { migrate } from './migrations/migrations.ts'
import { nodeIdOfFolder, ownNodeId } from './node-id.ts'
import { createOutboxStore, type OutboxFeed } from './outbox-store.ts'
import { openPostgres } from './postgres/engine.ts'
import { createRecordingIndex } from './recordings-store.ts'
import { type CallArchive, createCallArchive } from './retention.ts'
import { checkSealKey } from './seal-check.ts'
import { createSmsDetails } from './sms-details.ts'
import { createSmsStore } from './sms-store.ts'
import { openSqlite } from './sqlite/engine.ts'

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
  readonly sms: SmsStore
  readonly smsDetails: SmsDetails
  readonly subscribers: SubscriberStore
  readonly recordings: RecordingIndex
  readonly announcements: AnnouncementStore
  readonly bindingTones: BindingTones
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
  /** Directory of the seal key and of the SQLite database, made if absent; `:memory:` keeps nothing. */
  readonly dataDir: string
  /** Address of a PostgreSQL database, used instead of SQLite: `postgres://user:password@host:5432/name`. */
  readonly databaseUrl?: string | undefined
  /** SQLite: `process` survives a crash of the process, `power` also one of the machine (a disk flush per commit group). */
  readonly durability?: 'process' | 'power'
  /** How long call facts gather before they are committed, ms. Default 20. */
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

/** How often a node looks whether another one has edited apps or numbers. */
const LOOK_MS = 1_000

export const DATABASE_FILE = 'maskline.db'

/**
 * Opens the storage and brings its schema up to date. Throws AppError `DATA_DIR_UNUSABLE`, `DATABASE_UNREACHABLE`,
 * `DATABASE_REFUSED`, `DATABASE_UNSUITABLE`, `SEAL_KEY_INVALID` or `MIGRATION_FAILED`, each with a sentence for the
 * operator.
 */
export async function openStorage(options: StorageOptions): Promise<Storage> {
  const { dataDir, databaseUrl, durability = 'process', groupCommitMs = 20, clock = systemClock } = options
  const inMemory = dataDir === ':memory:'
  if (!inMemory) makeDirectory(dataDir)
  const sealer = options.sealer ?? createSealer(inMemory ? randomBytes(SEAL_KEY_BYTES) : loadSealKey(dataDir))
  const file = inMemory ? dataDir : join(dataDir, DATABASE_FILE)
  // A database of its own keeps who this node is; beside one that others share the data folder does.
  const isShared = databaseUrl !== undefined
  const sharedNode = inMemory || !isShared ? newUuid() : nodeIdOfFolder(dataDir)
  const engine: Engine = isShared
    ? await openPostgres(databaseUrl, { node: sharedNode })
    : openSqlite({ file, durability, groupCommitMs })
  try {
    const { builder, runner } = engine
    await migrate(builder as unknown as Kysely<never>)
    await checkSealKey(runner, builder, sealer, { key: join(dataDir, SEAL_KEY_FILE), database: engine.place })
    const inventory = await createInventoryStores(runner, builder, sealer)
    const { bindings, routes, memory } = createBindingStores(runner, builder, sealer, inventory.plans)
    const { outbox, writer } = await createOutboxStore(runner, builder, sealer)
    const node = isShared ? sharedNode : await ownNodeId(runner, builder)
    const journal = createJournal({
      runner,
      builder,
      sealer,
      clock,
      inventory: inventory.plans,
      outbox: writer,
      pushesOf: options.pushesOf ?? (() => []),
      groupCommitMs,
      node,
      onFault: options.onFault ?? (() => {}),
    })
    const numberStates = createNumberStates({
      builder,
      inventory: inventory.plans,
      outbox: writer,
      pushOf: options.numberStatusPush ?? (() => undefined),
    })
    const heartbeat = await createHeartbeat(
      runner,
      builder,
      clock,
      isShared ? `alive_at:${node}` : 'alive_at',
    )
    const watch = isShared ? every(clock, LOOK_MS, () => inventory.notice()) : undefined
    const { apps, numbers, subscribers } = inventory
    const close = async (): Promise<void> => {
      heartbeat.stop()
      watch?.stop()
      try {
        await journal.close()
      } finally {
        await engine.close()
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
      sms: createSmsStore({ runner, builder, sealer, outbox: writer, node }),
      smsDetails: createSmsDetails(runner, builder, sealer),
      subscribers,
      recordings: createRecordingIndex(runner, builder),
      announcements: createAnnouncementStore(runner, builder),
      bindingTones: createBindingTones(runner, builder, sealer),
      aliveUntil: heartbeat.aliveUntil,
      archive: createCallArchive(runner, builder),
      startHeartbeat: heartbeat.start,
      close: () => (closing ??= close()),
    }
  } catch (error) {
    await engine.close()
    throw error
  }
}

/** Repeats a task, each time that long after the last one ended; one that fails is simply repeated. */
function every(clock: Clock, pauseMs: number, task: () => Promise<void>): { stop(): void } {
  let timer: Timer
  let stopped = false
  const wait = (): void => {
    if (stopped) return
    timer = clock.setTimer(pauseMs, () => void task().then(wait, wait))
  }
  wait()
  return {
    stop() {
      stopped = true
      timer.cancel()
    },
  }
}

function makeDirectory(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AppError(
      'DATA_DIR_UNUSABLE',
      `cannot use ${dataDir}: ${reason}; the data directory must exist and belong to the user that runs Maskline`,
      { cause },
    )
  }
}
