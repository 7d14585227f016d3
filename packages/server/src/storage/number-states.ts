import type { NumberStates } from '../numbers/ports.ts'
import { looksTheSame } from '../numbers/status.ts'
import type { XNumber } from '../numbers/x-number.ts'
import type { OutboxItem } from '../notifications/outbox.ts'
import type { PushDraft } from '../notifications/pushes.ts'
import type { E164 } from '../shared/e164.ts'
import type { EpochMs } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import type { InventoryPlans } from './inventory-store.ts'
import type { OutboxWriter } from './outbox-store.ts'
import { all, first, type Plan, prepare, type QueryBuilder, slot } from './plan.ts'

export type NumberStatesOptions = {
  readonly builder: QueryBuilder
  readonly inventory: InventoryPlans
  readonly outbox: OutboxWriter
  /** What a number's new state causes to be pushed (notifications/number-status.ts). */
  readonly pushOf: (x: XNumber, app: App) => PushDraft | undefined
}

/** States of numbers and accounts, each change in one transaction with its pushes. */
export function createNumberStates(options: NumberStatesOptions): NumberStates {
  const { inventory, outbox, pushOf } = options
  const q = queries(options.builder)

  function* tell(x: XNumber, app: App, at: EpochMs): Plan<readonly OutboxItem[]> {
    const draft = pushOf(x, app)
    if (draft === undefined) return []
    // An older state that failed must not arrive after this one.
    yield* all(q.forgetFailed, app.key, x.number)
    const item = outbox.toItem(draft, app.key, at)
    yield* outbox.insert([item])
    return [item]
  }

  function* change(
    number: E164,
    { status, cause }: Pick<XNumber, 'status' | 'cause'>,
    at: EpochMs,
  ): Plan<readonly OutboxItem[] | undefined> {
    const old = yield* inventory.readNumber(number)
    const app = old && (yield* inventory.readApp(old.appKey))
    if (!old || !app) return undefined
    const { cause: _old, ...rest } = old
    const x: XNumber = { ...rest, status, ...(status === 'unusable' && cause !== undefined && { cause }) }
    yield* inventory.saveNumber(x)
    return looksTheSame(old, x, app.accountStatus) ? [] : yield* tell(x, app, at)
  }

  function* remove(number: E164, at: EpochMs): Plan<readonly OutboxItem[] | undefined> {
    const old = yield* inventory.readNumber(number)
    const app = old && (yield* inventory.readApp(old.appKey))
    if (!old || !app) return undefined
    yield* inventory.removeNumber(number)
    return yield* tell({ ...old, status: 'unusable', cause: '1' }, app, at)
  }

  function* changeAccount(
    tenantId: string,
    to: App['accountStatus'],
    at: EpochMs,
  ): Plan<readonly OutboxItem[] | undefined> {
    const tenant = yield* first(q.tenant, tenantId)
    if (!tenant) return undefined
    if (tenant.account_status === to) return []
    yield* all(q.saveAccount, tenantId, to)
    const added: OutboxItem[] = []
    for (const { key } of yield* all(q.apps, tenantId)) {
      const app = yield* inventory.readApp(key)
      if (!app?.pushNumberStatus) continue
      const changed: App = { ...app, accountStatus: to }
      for (const x of yield* inventory.numbersOf(key))
        if (x.status !== 'unusable') added.push(...(yield* tell(x, changed, at)))
    }
    return added
  }

  /** Runs a change, lets the caches forget it, and hands its pushes to delivery. */
  const run = async (
    forget: () => void,
    plan: () => Plan<readonly OutboxItem[] | undefined>,
  ): Promise<boolean> => {
    const added = await inventory.forgetting(forget, plan)
    if (added) outbox.announce(added)
    return added !== undefined
  }

  return {
    change: (number, to, at) =>
      run(
        () => inventory.forgetNumber(number),
        () => change(number, to, at),
      ),
    remove: (number, at) =>
      run(
        () => inventory.forgetNumber(number),
        () => remove(number, at),
      ),
    changeAccount: (tenantId, to, at) => run(inventory.forgetApps, () => changeAccount(tenantId, to, at)),
  }
}

function queries(db: QueryBuilder) {
  return {
    tenant: prepare(db.selectFrom('tenant').select('account_status').where('id', '=', slot<string>(0))),
    saveAccount: prepare(
      db
        .updateTable('tenant')
        .set({ account_status: slot<string>(1) })
        .where('id', '=', slot<string>(0)),
    ),
    forgetFailed: prepare(
      db
        .deleteFrom('outbox')
        .where('app_key', '=', slot<string>(0))
        .where('session_id', '=', slot<string>(1))
        .where('kind', '=', 'numStatus')
        .where('attempts', '>', 0),
    ),
    apps: prepare(db.selectFrom('app').select('key').where('tenant_id', '=', slot<string>(0)).orderBy('key')),
  }
}
