import type { NumberStore } from '../numbers/ports.ts'
import type { XCause, XNumber, XStatus } from '../numbers/x-number.ts'
import { AppError } from '../shared/app-error.ts'
import type { E164 } from '../shared/e164.ts'
import { newUuid } from '../shared/ids.ts'
import type { Sealer } from '../shared/seal.ts'
import type { App } from '../tenants/app.ts'
import type { AppAdmin, SubscriberStore } from '../tenants/ports.ts'
import type { InventoryReads } from './bindings-store.ts'
import { all, first, type Plan, prepare, type QueryBuilder, type Runner, slot } from './plan.ts'

/** Numbers kept in memory; beyond this the oldest entry makes room. */
const MOST_CACHED_NUMBERS = 200_000

type AppRow = {
  readonly key: string
  readonly tenant_id: string
  readonly sealed_secret: string
  readonly settings: string
  readonly sealed_private: string | null
  readonly sp_id: string
  readonly account_status: string
}

/** What may hold real numbers: sealed. */
type Private = Pick<App, 'axe' | 'controls'>
type Settings = Omit<App, 'key' | 'secret' | 'tenantId' | 'spId' | 'accountStatus' | keyof Private>

/** Pieces of work on apps and numbers for other stores of this folder. */
export type InventoryPlans = InventoryReads & {
  /** From the database, not from memory, which may be behind: what a change starts from. */
  readNumber(number: E164): Plan<XNumber | undefined>
  readApp(key: string): Plan<App | undefined>
  saveNumber(x: XNumber): Plan<void>
  removeNumber(number: E164): Plan<boolean>
  numbersOf(appKey: string): Plan<readonly XNumber[]>
  forgetNumber(number: E164): void
  forgetApps(): void
  /** Runs a plan of writes, and `forget` when what was cached may be out of date. */
  forgetting<T>(forget: () => void, plan: () => Plan<T>): Promise<T>
}

export type InventoryStores = {
  readonly apps: AppAdmin
  readonly numbers: NumberStore
  readonly subscribers: SubscriberStore
  readonly plans: InventoryPlans
  /** Forgets what was cached when another node has edited apps or numbers since the last time. */
  notice(): Promise<void>
}

const EDIT_KEY = 'inventory_edit'

/** Apps, X numbers and lab subscribers. Apps and numbers are few and read at every call, so memory answers. */
export async function createInventoryStores(
  runner: Runner,
  builder: QueryBuilder,
  sealer: Sealer,
): Promise<InventoryStores> {
  const q = queries(builder)
  const apps = new Map<string, App>()
  const numbers = new Map<string, XNumber>()
  /** Counts what was forgotten: a row that was asked for before an edit and comes after it is not remembered. */
  let edits = 0

  const toApp = (row: AppRow): App => ({
    key: row.key,
    secret: sealer.openText(row.sealed_secret, 'secret'),
    tenantId: row.tenant_id,
    spId: row.sp_id,
    accountStatus: row.account_status as App['accountStatus'],
    ...(JSON.parse(row.settings) as Settings),
    ...(row.sealed_private !== null && (JSON.parse(sealer.openText(row.sealed_private, 'app')) as Private)),
  })

  function* readApp(key: string): Plan<App | undefined> {
    const row = yield* first(q.app, key)
    return row && toApp(row)
  }

  function* readNumber(number: E164): Plan<XNumber | undefined> {
    const row = yield* first(q.number, number)
    return row && toXNumber(row)
  }

  const reads: InventoryReads = {
    *findApp(key) {
      const known = apps.get(key)
      if (known) return known
      const before = edits
      const app = yield* readApp(key)
      if (app && edits === before) apps.set(key, app)
      return app
    },
    *findNumber(number) {
      const known = numbers.get(number)
      if (known) return known
      const before = edits
      const found = yield* readNumber(number)
      if (!found || edits !== before) return found
      if (numbers.size >= MOST_CACHED_NUMBERS) numbers.delete(numbers.keys().next().value!)
      numbers.set(number, found)
      return found
    },
  }

  function* saveApp(app: App): Plan<void> {
    const { key, secret, tenantId, spId, accountStatus, axe, controls, ...settings } = app
    const kept: Private = { ...(axe && { axe }), ...(controls && { controls }) }
    yield* all(q.saveTenant, tenantId, spId, accountStatus)
    yield* all(
      q.saveApp,
      key,
      tenantId,
      sealer.sealText(secret, 'secret'),
      JSON.stringify(settings satisfies Settings),
      Object.keys(kept).length > 0 ? sealer.sealText(JSON.stringify(kept), 'app') : null,
    )
  }

  /** Deletes all bindings on a number; the Y numbers of their pairs get their places back. */
  function* dissolve(number: E164): Plan<void> {
    for (const { y } of yield* all(q.pairsOn, number)) yield* all(q.releaseY, y)
    yield* all(q.unbindAll, number)
  }

  function* saveNumber(x: XNumber): Plan<void> {
    const { number, appKey, areaCode, province, status, smsCapable, cause = null } = x
    yield* all(q.saveNumber, number, appKey, areaCode, province, status, smsCapable ? 1 : 0, cause)
  }

  function* numbersOf(appKey: string): Plan<readonly XNumber[]> {
    return (yield* all(q.numbers, appKey)).map(toXNumber)
  }

  /** Saves all and returns undefined, or saves none and returns one whose app does not exist. */
  function* saveNumbers(list: readonly XNumber[]): Plan<XNumber | undefined> {
    for (const x of list) if (!(yield* reads.findApp(x.appKey))) return x
    for (const x of list) {
      const old = yield* first(q.number, x.number)
      if (old && old.app_key !== x.appKey) {
        yield* dissolve(x.number)
        yield* all(q.vacate, x.number)
      }
      yield* saveNumber(x)
    }
    return undefined
  }

  function* removeNumber(number: E164): Plan<boolean> {
    yield* dissolve(number)
    return (yield* first(q.removeNumber, number)) !== undefined
  }

  /**
   * What was cached is forgotten as soon as it is being written anew, since reads may see writes that are not committed
   * yet; and again when the write is committed or undone, for what was cached in between may be old or never have been.
   */
  const forgetting = async <T>(forget: () => void, plan: () => Plan<T>): Promise<T> => {
    const forgetNow = (): void => {
      edits++
      forget()
    }
    const written = runner.write(function* () {
      const result = yield* plan()
      yield* all(q.noteEdit, newUuid())
      return result
    })
    forgetNow()
    try {
      return await written
    } finally {
      forgetNow()
    }
  }

  let lastEdit = (await runner.read(first(q.lastEdit)))?.value

  return {
    plans: {
      ...reads,
      readNumber,
      readApp,
      saveNumber,
      removeNumber,
      numbersOf,
      forgetNumber: (number) => void numbers.delete(number),
      forgetApps: () => apps.clear(),
      forgetting,
    },
    async notice() {
      const edit = (await runner.read(first(q.lastEdit)))?.value
      if (edit === lastEdit) return
      lastEdit = edit
      edits++
      apps.clear()
      numbers.clear()
    },
    apps: {
      // Most calls and requests name an app in memory: no statement, no plan.
      findApp: (key) => {
        const known = apps.get(key)
        return known ? Promise.resolve(known) : runner.read(reads.findApp(key))
      },
      saveApp: (app) =>
        forgetting(
          () => apps.clear(),
          () => saveApp(app),
        ),
      async listApps(tenantId) {
        const rows = await runner.read(all(q.apps))
        return rows.filter((row) => tenantId === undefined || row.tenant_id === tenantId).map(toApp)
      },
    },
    numbers: {
      find: (number) => runner.read(reads.findNumber(number)),
      async save(list) {
        const homeless = await forgetting(
          () => list.forEach((x) => numbers.delete(x.number)),
          () => saveNumbers(list),
        )
        if (!homeless) return
        const { number, appKey } = homeless
        throw new AppError(
          'APP_UNKNOWN',
          `X number ${number} is given to app ${appKey}, which does not exist`,
        )
      },
      list: (appKey) => runner.read(numbersOf(appKey)),
      remove: (number) =>
        forgetting(
          () => numbers.delete(number),
          () => removeNumber(number),
        ),
    },
    subscribers: {
      async find(username) {
        const row = await runner.read(first(q.subscriber, sealer.sealNumber(username)))
        return row && { username, password: sealer.openText(row.sealed_password, 'password') }
      },
      async save({ username, password }) {
        const values = [sealer.sealNumber(username), sealer.sealText(password, 'password')]
        await runner.write(() => all(q.saveSubscriber, ...values))
      },
      async remove(username) {
        const rows = await runner.write(() => all(q.removeSubscriber, sealer.sealNumber(username)))
        return rows.length > 0
      },
      async list() {
        const rows = await runner.read(all(q.subscribers))
        return rows
          .map((row) => ({
            username: sealer.openNumber(row.sealed_username),
            password: sealer.openText(row.sealed_password, 'password'),
          }))
          .sort((a, b) => (a.username < b.username ? -1 : 1))
      },
    },
  }
}

function toXNumber(row: {
  readonly number: string
  readonly app_key: string
  readonly area_code: string
  readonly province: string
  readonly status: string
  readonly sms_capable: number
  readonly cause: string | null
}): XNumber {
  return {
    number: row.number as E164,
    appKey: row.app_key,
    areaCode: row.area_code,
    province: row.province,
    status: row.status as XStatus,
    smsCapable: row.sms_capable === 1,
    ...(row.cause !== null && { cause: row.cause as XCause }),
  }
}

function queries(db: QueryBuilder) {
  const apps = db
    .selectFrom('app')
    .innerJoin('tenant', 'tenant.id', 'app.tenant_id')
    .select([
      'app.key',
      'tenant_id',
      'sealed_secret',
      'settings',
      'sealed_private',
      'sp_id',
      'account_status',
    ])
  const numbers = db
    .selectFrom('x_number')
    .select(['number', 'app_key', 'area_code', 'province', 'status', 'sms_capable', 'cause'])
  return {
    lastEdit: prepare(db.selectFrom('meta').select('value').where('key', '=', EDIT_KEY)),
    noteEdit: prepare(
      db
        .insertInto('meta')
        .values({ key: EDIT_KEY, value: slot<string>(0) })
        .onConflict((c) => c.column('key').doUpdateSet((e) => ({ value: e.ref('excluded.value') }))),
    ),
    app: prepare(apps.where('app.key', '=', slot<string>(0))),
    apps: prepare(apps.orderBy('app.key')),
    saveTenant: prepare(
      db
        .insertInto('tenant')
        .values({ id: slot<string>(0), sp_id: slot<string>(1), account_status: slot<string>(2) })
        .onConflict((c) =>
          c.column('id').doUpdateSet((e) => ({
            sp_id: e.ref('excluded.sp_id'),
            account_status: e.ref('excluded.account_status'),
          })),
        ),
    ),
    saveApp: prepare(
      db
        .insertInto('app')
        .values({
          key: slot<string>(0),
          tenant_id: slot<string>(1),
          sealed_secret: slot<string>(2),
          settings: slot<string>(3),
          sealed_private: slot<string | null>(4),
        })
        .onConflict((c) =>
          c.column('key').doUpdateSet((e) => ({
            tenant_id: e.ref('excluded.tenant_id'),
            sealed_secret: e.ref('excluded.sealed_secret'),
            settings: e.ref('excluded.settings'),
            sealed_private: e.ref('excluded.sealed_private'),
          })),
        ),
    ),
    number: prepare(numbers.where('number', '=', slot<string>(0))),
    numbers: prepare(numbers.where('app_key', '=', slot<string>(0)).orderBy('number')),
    saveNumber: prepare(
      db
        .insertInto('x_number')
        .values({
          number: slot<string>(0),
          app_key: slot<string>(1),
          area_code: slot<string>(2),
          province: slot<string>(3),
          status: slot<string>(4),
          sms_capable: slot<number>(5),
          cause: slot<string | null>(6),
          bound: 0,
          released_at: 0,
          last_extension: 0,
        })
        .onConflict((c) =>
          c.column('number').doUpdateSet((e) => ({
            app_key: e.ref('excluded.app_key'),
            area_code: e.ref('excluded.area_code'),
            province: e.ref('excluded.province'),
            status: e.ref('excluded.status'),
            sms_capable: e.ref('excluded.sms_capable'),
            cause: e.ref('excluded.cause'),
          })),
        ),
    ),
    pairsOn: prepare(
      db
        .selectFrom('binding as pair')
        .innerJoin('binding as relation', 'relation.seq', 'pair.parent_seq')
        .select('pair.x as y')
        .where('relation.x', '=', slot<string>(0)),
    ),
    releaseY: prepare(
      db
        .updateTable('x_number')
        .set((e) => ({ bound: e('bound', '-', 1) }))
        .where('number', '=', slot<string>(0)),
    ),
    unbindAll: prepare(db.deleteFrom('binding').where('x', '=', slot<string>(0))),
    vacate: prepare(db.updateTable('x_number').set({ bound: 0 }).where('number', '=', slot<string>(0))),
    removeNumber: prepare(
      db.deleteFrom('x_number').where('number', '=', slot<string>(0)).returning('number'),
    ),
    subscriber: prepare(
      db.selectFrom('subscriber').select('sealed_password').where('sealed_username', '=', slot<string>(0)),
    ),
    subscribers: prepare(db.selectFrom('subscriber').select(['sealed_username', 'sealed_password'])),
    saveSubscriber: prepare(
      db
        .insertInto('subscriber')
        .values({ sealed_username: slot<string>(0), sealed_password: slot<string>(1) })
        .onConflict((c) =>
          c
            .column('sealed_username')
            .doUpdateSet((e) => ({ sealed_password: e.ref('excluded.sealed_password') })),
        ),
    ),
    removeSubscriber: prepare(
      db.deleteFrom('subscriber').where('sealed_username', '=', slot<string>(0)).returning('sealed_username'),
    ),
  }
}
