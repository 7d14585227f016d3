import { sql } from 'kysely'
import type { AxbBinding } from '../bindings/binding.ts'
import { ANY_KEY } from '../bindings/binding.ts'
import type {
  AxbQuery,
  BindingStore,
  InsertOutcome,
  Refusal,
  RouteStore,
  UpdateOutcome,
} from '../bindings/ports.ts'
import type { RouteView } from '../bindings/route.ts'
import type { XNumber } from '../numbers/x-number.ts'
import type { E164 } from '../shared/e164.ts'
import type { Sealer } from '../shared/seal.ts'
import type { EpochMs } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import { all, first, type Plan, prepare, type QueryBuilder, type Runner, slot } from './plan.ts'

/** What a row of `binding` gives beside its seq; `sealed_detail` is opened by `toBinding`. */
const ROW = ['seq', 'id', 'app_key', 'x', 'expires_at', 'changed_at', 'sealed_detail'] as const

type BindingRow = {
  readonly seq: number
  readonly id: string
  readonly app_key: string
  readonly x: string
  readonly expires_at: number | null
  readonly changed_at: number
  readonly sealed_detail: string
}

type Detail = Omit<AxbBinding, 'mode' | 'id' | 'appKey' | 'x' | 'expiresAt' | 'changedAt'>

/** How many expired bindings one write clears away on its own account. */
const PURGE_BATCH = 100

/** Instant of expiry of an unbound binding that is not cleared yet: dead whatever the clock does. */
const RETIRED = 0

const INSERTED: InsertOutcome = { ok: true }
const CLAIM_TAKEN: InsertOutcome = { ok: false, reason: 'claim-taken' }
const X_FULL: InsertOutcome = { ok: false, reason: 'x-full' }
const NOT_FOUND: InsertOutcome = { ok: false, reason: 'not-found' }

/** The lookups of other stores that bindings need; both answer from memory when they can. */
export type InventoryReads = {
  findNumber(number: E164): Plan<XNumber | undefined>
  findApp(key: string): Plan<App | undefined>
}

export function createBindingStores(
  runner: Runner,
  builder: QueryBuilder,
  sealer: Sealer,
  inventory: InventoryReads,
): { bindings: BindingStore; routes: RouteStore } {
  const q = queries(builder)

  const partyOf = (party: E164): string => `party:${sealer.sealNumber(party)}`

  const toBinding = (row: BindingRow): AxbBinding => {
    const detail = JSON.parse(sealer.openText(row.sealed_detail, 'binding')) as Detail
    const binding = {
      mode: 'AXB' as const,
      id: row.id,
      appKey: row.app_key,
      x: row.x as E164,
      ...detail,
      changedAt: row.changed_at,
    }
    return row.expires_at === null ? binding : { ...binding, expiresAt: row.expires_at }
  }

  const sealDetail = (binding: AxbBinding): string => {
    const { mode: _m, id: _i, appKey: _k, x: _x, expiresAt: _e, changedAt: _c, ...detail } = binding
    return sealer.sealText(JSON.stringify(detail satisfies Detail), 'binding')
  }

  /** Deletes bindings with their claims and gives their places on X back. */
  function* remove(rows: readonly { readonly seq: number; readonly x: string }[], at: EpochMs): Plan<void> {
    for (const { seq, x } of rows) {
      yield* all(q.deleteBinding, seq)
      yield* all(q.release, x, at)
    }
  }

  /** Expired bindings are dead from their instant on, swept or not: they are cleared when they are in the way. */
  function* purge(at: EpochMs, limit: number): Plan<number> {
    const dead = yield* all(q.expired, at, limit)
    yield* remove(dead, at)
    return dead.length
  }

  /** Frees the keys that expired bindings hold; true when a live binding other than `own` holds one. */
  function* isTaken(x: string, keyA: string, keyB: string, own: number, at: EpochMs): Plan<boolean> {
    for (const holder of yield* all(q.holders, x, keyA, keyB)) {
      if (holder.seq === own) continue
      if (holder.expires_at === null || holder.expires_at > at) return true
      yield* remove([holder], at)
    }
    return false
  }

  function* claimBoth(x: string, keyA: string, keyB: string, seq: number): Plan<void> {
    yield* all(q.claim, x, keyA, seq, 'a')
    yield* all(q.claim, x, keyB, seq, 'b')
  }

  function* insertAxb(binding: AxbBinding, maxPairs: number, at: EpochMs): Plan<InsertOutcome> {
    const { x } = binding
    const keyA = partyOf(binding.a)
    const keyB = partyOf(binding.b)
    if (yield* isTaken(x, keyA, keyB, -1, at)) return CLAIM_TAKEN
    let place = yield* first(q.takePlace, x, maxPairs)
    if (!place) {
      const dead = yield* all(q.expiredOn, x, at, PURGE_BATCH)
      yield* remove(dead, at)
      if (dead.length > 0) place = yield* first(q.takePlace, x, maxPairs)
    }
    if (!place) return (yield* inventory.findNumber(x)) ? X_FULL : NOT_FOUND
    const row = yield* first(
      q.insert,
      binding.id,
      binding.appKey,
      x,
      binding.expiresAt ?? null,
      binding.changedAt,
      sealDetail(binding),
    )
    yield* claimBoth(x, keyA, keyB, row!.seq)
    return INSERTED
  }

  function* updateAxb<R extends Refusal>(
    id: string,
    at: EpochMs,
    change: (current: AxbBinding, x: XNumber | undefined) => AxbBinding | R,
  ): Plan<UpdateOutcome<R>> {
    const old = yield* first(q.byId, id, at)
    if (!old) return NOT_FOUND
    const binding = change(toBinding(old), yield* inventory.findNumber(old.x as E164))
    if ('ok' in binding) return { ok: false, reason: 'refused', refusal: binding }
    const keyA = partyOf(binding.a)
    const keyB = partyOf(binding.b)
    if (yield* isTaken(binding.x, keyA, keyB, old.seq, at)) return CLAIM_TAKEN
    yield* all(q.unclaim, old.seq)
    yield* claimBoth(binding.x, keyA, keyB, old.seq)
    yield* all(q.update, old.seq, binding.expiresAt ?? null, binding.changedAt, sealDetail(binding))
    return INSERTED
  }

  function* candidates(query: Parameters<BindingStore['candidates']>[0]): Plan<readonly XNumber[]> {
    const values = [query.appKey, query.maxPairs, partyOf(query.a), partyOf(query.b), query.at, query.limit]
    const rows =
      query.area !== undefined
        ? yield* all(q.candidatesOfArea, ...values, query.area)
        : query.province !== undefined
          ? yield* all(q.candidatesOfProvince, ...values, query.province)
          : yield* all(q.candidates, ...values)
    const numbers: XNumber[] = []
    for (const row of rows) {
      const number = yield* inventory.findNumber(row.number as E164)
      if (number) numbers.push(number)
    }
    return numbers
  }

  function* queryAxb({ appKey, x, a, b, at, offset, limit }: AxbQuery) {
    if (a === undefined && b === undefined) {
      const total = (yield* first(q.countOn, x, at, appKey))!.total
      const rows = yield* all(q.pageOn, x, at, appKey, limit, offset)
      return { total: Number(total), bindings: rows.map(toBinding) }
    }
    // A party holds one claim on an X, so one number gives at most one binding.
    const row = yield* first(q.claimed, x, partyOf((a ?? b)!), at)
    const binding = row && row.app_key === appKey ? toBinding(row) : undefined
    const fits = binding && (a === undefined || binding.a === a) && (b === undefined || binding.b === b)
    const found = fits && offset === 0 ? [binding] : []
    return { total: fits ? 1 : 0, bindings: found.slice(0, limit) }
  }

  function* lookup(x: E164, from: E164 | undefined, at: EpochMs): Plan<RouteView> {
    const xNumber = yield* inventory.findNumber(x)
    if (!xNumber) return { xNumber, app: undefined, match: undefined, xHasBindings: false }
    const app = yield* inventory.findApp(xNumber.appKey)
    let row = from === undefined ? undefined : yield* first(q.claimed, x, partyOf(from), at)
    row ??= yield* first(q.claimed, x, ANY_KEY, at)
    if (row) {
      const match = { binding: toBinding(row), role: row.role as 'a' | 'b' }
      return { xNumber, app, match, xHasBindings: true }
    }
    const any = yield* first(q.anyOn, x, at)
    return { xNumber, app, match: undefined, xHasBindings: any !== undefined }
  }

  function* deleteById(id: string, at: EpochMs): Plan<boolean> {
    const row = yield* first(q.byId, id, at)
    if (row) yield* remove([row], at)
    return row !== undefined
  }

  /**
   * Thousands of bindings are not deleted in one go, which would hold up every call for a tenth of a second: one
   * statement makes them dead, and they are cleared like expired ones.
   */
  function* deleteByX(appKey: string, x: E164, at: EpochMs): Plan<number> {
    const { total } = (yield* first(q.countOn, x, at, appKey))!
    if (total > 0) yield* all(q.retire, x, appKey, at)
    return Number(total)
  }

  return {
    bindings: {
      findX: (number) => runner.read(inventory.findNumber(number)),
      async candidates(query) {
        // Dead bindings count in the order of choice, so they go first; mostly the sweeper has left none.
        const dead = await runner.read(first(q.expired, query.at, 1))
        if (dead) await runner.write(() => purge(query.at, PURGE_BATCH))
        return runner.read(candidates(query))
      },
      insertAxb: (binding, maxPairs, at) => runner.write(() => insertAxb(binding, maxPairs, at)),
      updateAxb: (id, at, change) => runner.write(() => updateAxb(id, at, change)),
      async findById(id, at) {
        const row = await runner.read(first(q.byId, id, at))
        return row && toBinding(row)
      },
      queryAxb: (query) => runner.read(queryAxb(query)),
      deleteById: (id, at) => runner.write(() => deleteById(id, at)),
      deleteByX: (appKey, x, at) => runner.write(() => deleteByX(appKey, x, at)),
      deleteExpired: (at, limit) => runner.write(() => purge(at, limit)),
    },
    routes: { lookup: (x, from, at) => runner.read(lookup(x, from, at)) },
  }
}

function queries(db: QueryBuilder) {
  const live = (at: number) =>
    sql<boolean>`(binding.expires_at is null or binding.expires_at > ${slot<number>(at)})`

  /** Slots 0 app, 1 most pairs, 2 and 3 keys of A and B, 4 now, 5 limit; the caller adds its place as slot 6. */
  const fitting = db
    .selectFrom('x_number')
    .select('x_number.number')
    .where('x_number.app_key', '=', slot<string>(0))
    .where('x_number.status', '=', 'normal')
    .where('x_number.bound', '<', slot<number>(1))
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('claim')
            .innerJoin('binding', 'binding.seq', 'claim.binding_seq')
            .select('claim.binding_seq')
            .whereRef('claim.number', '=', 'x_number.number')
            .where('claim.key', 'in', [slot<string>(2), slot<string>(3)])
            .where(live(4)),
        ),
      ),
    )
    .orderBy('x_number.bound')
    .orderBy('x_number.released_at')
    .orderBy('x_number.number')
    .limit(slot<number>(5))

  /** The bindings on the X of slot 0: each has one claim there in role a, so no index of its own is needed. */
  const onX = db
    .selectFrom('claim')
    .innerJoin('binding', 'binding.seq', 'claim.binding_seq')
    .where('claim.number', '=', slot<string>(0))
    .where('claim.role', '=', 'a')

  return {
    claimed: prepare(
      db
        .selectFrom('claim')
        .innerJoin('binding', 'binding.seq', 'claim.binding_seq')
        .select(ROW)
        .select('role')
        .where('number', '=', slot<string>(0))
        .where('claim.key', '=', slot<string>(1))
        .where(live(2)),
    ),
    byId: prepare(db.selectFrom('binding').select(ROW).where('id', '=', slot<string>(0)).where(live(1))),
    anyOn: prepare(onX.select('seq').where(live(1)).limit(1)),
    pageOn: prepare(
      onX
        .select(ROW)
        .where(live(1))
        .where('app_key', '=', slot<string>(2))
        .orderBy('seq')
        .limit(slot<number>(3))
        .offset(slot<number>(4)),
    ),
    countOn: prepare(
      onX
        .select((e) => e.fn.countAll<number>().as('total'))
        .where(live(1))
        .where('app_key', '=', slot<string>(2)),
    ),
    retire: prepare(
      db
        .updateTable('binding')
        .set({ expires_at: RETIRED })
        .where('app_key', '=', slot<string>(1))
        .where(live(2))
        .where('seq', 'in', (e) =>
          e
            .selectFrom('claim')
            .select('binding_seq')
            .where('number', '=', slot<string>(0))
            .where('role', '=', 'a'),
        ),
    ),
    expired: prepare(
      db
        .selectFrom('binding')
        .select(['seq', 'x'])
        .where('expires_at', 'is not', null)
        .where('expires_at', '<=', slot<number>(0))
        .orderBy('expires_at')
        .limit(slot<number>(1)),
    ),
    expiredOn: prepare(
      onX.select(['seq', 'x']).where('expires_at', '<=', slot<number>(1)).limit(slot<number>(2)),
    ),
    holders: prepare(
      db
        .selectFrom('claim')
        .innerJoin('binding', 'binding.seq', 'claim.binding_seq')
        .select(['binding.seq', 'binding.x', 'binding.expires_at'])
        .where('claim.number', '=', slot<string>(0))
        .where('claim.key', 'in', [slot<string>(1), slot<string>(2)]),
    ),
    takePlace: prepare(
      db
        .updateTable('x_number')
        .set((e) => ({ bound: e('bound', '+', 1) }))
        .where('number', '=', slot<string>(0))
        .where('bound', '<', slot<number>(1))
        .returning('bound'),
    ),
    release: prepare(
      db
        .updateTable('x_number')
        .set((e) => ({ bound: e('bound', '-', 1), released_at: slot<number>(1) }))
        .where('number', '=', slot<string>(0)),
    ),
    insert: prepare(
      db
        .insertInto('binding')
        .values({
          id: slot<string>(0),
          app_key: slot<string>(1),
          mode: 'AXB',
          x: slot<string>(2),
          expires_at: slot<number | null>(3),
          changed_at: slot<number>(4),
          sealed_detail: slot<string>(5),
        })
        .returning('seq'),
    ),
    update: prepare(
      db
        .updateTable('binding')
        .set({
          expires_at: slot<number | null>(1),
          changed_at: slot<number>(2),
          sealed_detail: slot<string>(3),
        })
        .where('seq', '=', slot<number>(0)),
    ),
    deleteBinding: prepare(db.deleteFrom('binding').where('seq', '=', slot<number>(0))),
    claim: prepare(
      db.insertInto('claim').values({
        number: slot<string>(0),
        key: slot<string>(1),
        binding_seq: slot<number>(2),
        role: slot<string>(3),
      }),
    ),
    unclaim: prepare(db.deleteFrom('claim').where('binding_seq', '=', slot<number>(0))),
    candidates: prepare(fitting),
    candidatesOfArea: prepare(fitting.where('x_number.area_code', '=', slot<string>(6))),
    candidatesOfProvince: prepare(fitting.where('x_number.province', '=', slot<string>(6))),
  }
}
