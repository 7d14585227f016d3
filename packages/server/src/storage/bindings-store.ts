import type {
  AxbBinding,
  AxeBinding,
  AxybPair,
  Binding,
  BindingMode,
  BindingOf,
  Role,
} from '../bindings/binding.ts'
import { placeOf } from '../bindings/binding.ts'
import type {
  AxbQuery,
  BindingMemory,
  BindingStore,
  CandidateQuery,
  ExtensionOutcome,
  InsertLimits,
  InsertOutcome,
  PartyLimit,
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
import { type BindingRow, type ClaimRow, createBindingRows, kindOf } from './binding-rows.ts'
import { bindingQueries } from './binding-queries.ts'
import { createMemoryStore } from './memory-store.ts'
import { type About, all, ALONE, first, type Plan, type QueryBuilder, type Runner } from './plan.ts'

/** How many expired bindings one write clears away on its own account. */
const PURGE_BATCH = 100
/** Extensions looked at in one go when a free one is sought. */
const EXTENSION_BATCH = 500
const DAY_MS = 86_400_000

const INSERTED: InsertOutcome = { ok: true }
const X_FULL = { ok: false, reason: 'x-full' } as const
const DAY_FULL = { ok: false, reason: 'day-full' } as const
const PARTY_FULL = { ok: false, reason: 'party-full' } as const
const NOT_FOUND = { ok: false, reason: 'not-found' } as const

type Taken = Extract<InsertOutcome, { readonly reason: 'claim-taken' }>

/** The lookups of other stores that bindings need; both answer from memory when they can. */
export type InventoryReads = {
  findNumber(number: E164): Plan<XNumber | undefined>
  findApp(key: string): Plan<App | undefined>
}

export type BindingStores = {
  readonly bindings: BindingStore
  readonly routes: RouteStore
  readonly memory: BindingMemory
}

export function createBindingStores(
  runner: Runner,
  builder: QueryBuilder,
  sealer: Sealer,
  inventory: InventoryReads,
): BindingStores {
  const q = bindingQueries(builder)
  const rows = createBindingRows(sealer)

  /** Deletes bindings with their pairs, claims and memories, and gives their places back. */
  function* remove(dead: readonly { readonly seq: number }[], at: EpochMs): Plan<void> {
    for (const { seq } of dead) {
      for (const pair of yield* all(q.deletePairs, seq)) yield* all(q.release, pair.x, at)
      // One that has gone with its relation meanwhile gives no second place back.
      const gone = yield* first(q.deleteBinding, seq)
      if (gone) yield* all(q.release, gone.x, at)
    }
  }

  /** Expired bindings are dead from their instant on, swept or not: they are cleared when they are in the way. */
  function* purge(at: EpochMs, limit: number): Plan<number> {
    const dead = yield* all(q.expired, at, limit)
    yield* remove(dead, at)
    return dead.length
  }

  /** Frees the claims that expired bindings hold; tells of the first that a live binding other than `own` holds. */
  function* takenOf(claims: readonly ClaimRow[], own: number, at: EpochMs): Plan<Taken | undefined> {
    for (const claim of claims) {
      const holder = yield* first(q.holder, claim.number, claim.key)
      if (!holder || holder.seq === own) continue
      if (holder.expires_at === null || holder.expires_at > at) return takenBy(claim, holder)
      yield* remove([holder], at)
    }
    return undefined
  }

  function* claimAll(claims: readonly ClaimRow[], seq: number): Plan<void> {
    for (const { number, key, role } of claims) yield* all(q.claim, number, key, seq, role)
  }

  /** Takes a place on a number, clearing dead bindings when it seems full. */
  function* takePlace(number: E164, capacity: number, at: EpochMs): Plan<boolean> {
    if (yield* first(q.takePlace, number, capacity)) return true
    const dead = yield* all(q.expiredOn, number, at, PURGE_BATCH)
    yield* remove(dead, at)
    return dead.length > 0 && (yield* first(q.takePlace, number, capacity)) !== undefined
  }

  /** Counts a bind of A today; false when there were as many as may be. */
  function* countDay(appKey: string, a: E164, most: number, at: EpochMs): Plan<boolean> {
    const day = Math.floor(at / DAY_MS)
    const { binds } = (yield* first(q.countDay, aboutParty({ appKey, a }), day))!
    if (binds === 1) yield* all(q.forgetDays, day)
    return binds <= most
  }

  function* insert(
    binding: Binding,
    { capacity, perParty, perDay = 0, free = [] }: InsertLimits,
    at: EpochMs,
  ): Plan<InsertOutcome> {
    const place = placeOf(binding)
    const claims = rows.claims(binding)
    const kept = free.map((key): ClaimRow => ({ number: place, key: rows.key(key), role: 'b' }))
    const taken = yield* takenOf([...claims, ...kept], -1, at)
    if (taken) return taken
    const aKey = rows.aKey(binding)
    if (perParty !== undefined && aKey !== null) {
      const { total } = (yield* first(q.countOfA, binding.appKey, aKey, binding.mode, at))!
      if (Number(total) >= perParty) return PARTY_FULL
    }
    let parent: number | null = null
    if (binding.mode === 'AXYB-PAIR') {
      const relation = yield* first(q.byId, binding.relationId, at)
      if (!relation || relation.app_key !== binding.appKey) return NOT_FOUND
      parent = relation.seq
    }
    if (!(yield* takePlace(place, capacity, at)))
      return (yield* inventory.findNumber(place)) ? X_FULL : NOT_FOUND
    // Last of all, so that only binds that are made count.
    if (perDay > 0 && !(yield* countDay(binding.appKey, binding.a, perDay, at))) {
      yield* all(q.release, place, at)
      return DAY_FULL
    }
    const row = yield* first(
      q.insert,
      binding.id,
      binding.appKey,
      binding.mode,
      place,
      parent,
      aKey,
      rows.bKey(binding),
      binding.expiresAt ?? null,
      binding.changedAt,
      rows.seal(binding),
    )
    yield* claimAll(claims, row!.seq)
    return INSERTED
  }

  function* insertAxe(
    draft: Omit<AxeBinding, 'extension'>,
    { length, wanted }: { readonly length: number; readonly wanted?: string },
    at: EpochMs,
    perDay: number | undefined,
  ): Plan<ExtensionOutcome> {
    // All zeros is given only to who asks for it.
    const capacity = 10 ** length - 1
    const extension = wanted ?? (yield* freeExtension(draft.x, length, at))
    if (extension === undefined) return X_FULL
    const binding: AxeBinding = { ...draft, extension }
    const limits = { capacity: wanted === undefined ? capacity : capacity + 1, ...(perDay && { perDay }) }
    const outcome = yield* insert(binding, limits, at)
    if (!outcome.ok) return outcome
    if (wanted === undefined) yield* all(q.lastExtension, binding.x, Number(extension))
    return { ok: true, binding }
  }

  /** The next extension without a claim after the one given last, starting again at 1; a dead claim counts as none. */
  function* freeExtension(x: E164, length: number, at: EpochMs): Plan<string | undefined> {
    const end = 10 ** length - 1
    const last = Number((yield* first(q.extensionOf, x))?.last_extension ?? 0)
    const spans = [
      [last + 1, end],
      [1, Math.min(last, end)],
    ] as const
    for (const [from, to] of spans) {
      for (let low = from; low <= to; low += EXTENSION_BATCH) {
        const high = Math.min(low + EXTENSION_BATCH - 1, to)
        const taken = yield* all(q.extensions, x, extKey(low, length), extKey(high, length), at)
        const keys = new Set(taken.map(({ key }) => key))
        for (let n = low; n <= high; n++)
          if (!keys.has(extKey(n, length))) return String(n).padStart(length, '0')
      }
    }
    return undefined
  }

  function* update<M extends BindingMode, R extends Refusal>(
    mode: M,
    id: string,
    at: EpochMs,
    change: (current: BindingOf<M>, x: XNumber | undefined) => BindingOf<M> | R,
    limit?: PartyLimit,
  ): Plan<UpdateOutcome<R>> {
    const old = yield* first(q.byId, id, at)
    if (!old || old.mode !== mode) return NOT_FOUND
    const current = rows.toBinding(old) as BindingOf<M>
    const changed = change(current, yield* inventory.findNumber(old.x as E164))
    if ('ok' in changed) return { ok: false, reason: 'refused', refusal: changed as R }
    const binding = changed as Binding
    const claims = rows.claims(binding)
    const taken = yield* takenOf(claims, old.seq, at)
    if (taken) return taken
    if (limit && binding.a === limit.a && current.a !== limit.a) {
      const { total } = (yield* first(q.countOfA, binding.appKey, rows.party(limit.a), mode, at))!
      if (Number(total) >= limit.perParty) return PARTY_FULL
    }
    yield* all(q.unclaim, old.seq)
    yield* claimAll(claims, old.seq)
    const { expiresAt = null, changedAt } = binding
    yield* all(q.update, old.seq, expiresAt, changedAt, rows.seal(binding), rows.aKey(binding))
    return INSERTED
  }

  function* candidates({ without, ...query }: CandidateQuery): Plan<readonly XNumber[]> {
    // Three places for keys; a key that is none matches nothing.
    const [one = '', two = '', three = ''] = without.map(rows.key)
    const values = [
      query.appKey,
      query.capacity,
      one,
      two,
      three,
      query.at,
      query.limit,
      query.withSms ? 1 : 0,
    ]
    const found =
      query.area !== undefined
        ? yield* all(q.candidatesOfArea, ...values, query.area)
        : query.province !== undefined
          ? yield* all(q.candidatesOfProvince, ...values, query.province)
          : yield* all(q.candidates, ...values)
    const numbers: XNumber[] = []
    for (const row of found) {
      const number = yield* inventory.findNumber(row.number as E164)
      if (number) numbers.push(number)
    }
    return numbers
  }

  function* queryAxb({ appKey, x, a, b, at, offset, limit }: AxbQuery) {
    if (a === undefined && b === undefined) {
      const total = (yield* first(q.countOn, x, at, appKey))!.total
      const page = yield* all(q.pageOn, x, at, appKey, limit, offset)
      return { total: Number(total), bindings: page.map((row) => rows.toBinding(row) as AxbBinding) }
    }
    // A party holds one claim on an X, so one number gives at most one binding.
    const row = yield* first(q.claimed, x, rows.key({ kind: 'party', party: (a ?? b)! }), at)
    const binding = row && row.app_key === appKey ? (rows.toBinding(row) as AxbBinding) : undefined
    const fits = binding && (a === undefined || binding.a === a) && (b === undefined || binding.b === b)
    const found = fits && offset === 0 ? [binding] : []
    return { total: fits ? 1 : 0, bindings: found.slice(0, limit) }
  }

  function* lookup(x: E164, from: E164 | undefined, at: EpochMs): Plan<RouteView> {
    const xNumber = yield* inventory.findNumber(x)
    if (!xNumber) return { xNumber, app: undefined, match: undefined, xHasBindings: false }
    const app = yield* inventory.findApp(xNumber.appKey)
    let row =
      from === undefined
        ? undefined
        : yield* first(q.claimed, x, rows.key({ kind: 'party', party: from }), at)
    row ??= yield* first(q.claimed, x, rows.key({ kind: 'any' }), at)
    if (row) {
      const match = { binding: rows.toBinding(row), role: row.role as Role }
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

  const aboutParty = ({ appKey, a }: Pick<Binding, 'appKey' | 'a'>): string => `${appKey} ${rows.party(a)}`

  /** What a new binding is checked against: the numbers of its claims, and A where its bindings or binds are counted. */
  const aboutInsert = (binding: Binding, { perParty, perDay }: InsertLimits): About => {
    const numbers = rows.claims(binding).map(({ number }) => number)
    const isCounted = perParty !== undefined || perDay !== undefined
    return isCounted ? [...numbers, aboutParty(binding)] : numbers
  }

  /**
   * What a change of a binding is about: its number, and a new A whose bindings are counted; but the pairs of a relation
   * lie on others.
   */
  function* aboutId(id: string, limit?: PartyLimit): Plan<About> {
    const row = yield* first(q.placeOf, id)
    if (!row) return [id]
    if (row.mode === 'AXYB' || row.mode === 'AXYB-PAIR') return ALONE
    return limit ? [row.x, aboutParty({ appKey: row.app_key, a: limit.a })] : [row.x]
  }

  const opened = (row: BindingRow | undefined): Binding | undefined => row && rows.toBinding(row)

  return {
    bindings: {
      findX: (number) => runner.read(inventory.findNumber(number)),
      async candidates(query) {
        // Dead bindings count in the order of choice, so they go first; mostly the sweeper has left none.
        const dead = await runner.read(first(q.expired, query.at, 1))
        if (dead) await runner.write(() => purge(query.at, PURGE_BATCH))
        return runner.read(candidates(query))
      },
      insert: (binding, limits, at) =>
        runner.write(() => insert(binding, limits, at), aboutInsert(binding, limits)),
      insertAxe: (binding, extension, at, perDay) =>
        runner.write(
          () => insertAxe(binding, extension, at, perDay),
          perDay === undefined ? [binding.x] : [binding.x, aboutParty(binding)],
        ),
      update: (mode, id, at, change, limit) =>
        runner.write(
          () => update(mode, id, at, change, limit),
          () => aboutId(id, limit),
        ),
      findById: async (id, at) => opened(await runner.read(first(q.byId, id, at))),
      findByClaim: async (number, key, at) =>
        opened(await runner.read(first(q.claimed, number, rows.key(key), at))),
      async listByParty(appKey, mode, a, at) {
        const found = await runner.read(all(q.ofA, appKey, rows.party(a), mode, at))
        return found.map(rows.toBinding)
      },
      async listOnX(appKey, x, after, limit, at) {
        const found = await runner.read(all(q.pageAfter, x, at, appKey, after, limit))
        return found.map((row) => ({ seq: row.seq, binding: rows.toBinding(row) }))
      },
      async listPairs(relationId, at) {
        const found = await runner.read(all(q.pairsOf, relationId, at))
        return found.map((row) => rows.toBinding(row) as AxybPair)
      },
      queryAxb: (query) => runner.read(queryAxb(query)),
      deleteById: (id, at) =>
        runner.write(
          () => deleteById(id, at),
          () => aboutId(id),
        ),
      deleteByX: (appKey, x, at) => runner.write(() => deleteByX(appKey, x, at), [x]),
      deleteExpired: (at, limit) => runner.write(() => purge(at, limit)),
    },
    routes: {
      lookup: (x, from, at) => runner.read(lookup(x, from, at)),
      isBehindY: async (y, party, at) =>
        (await runner.read(first(q.behindY, y, rows.party(party), at))) !== undefined,
    },
    memory: createMemoryStore(runner, builder, sealer),
  }
}

const extKey = (n: number, length: number): string => `ext:${String(n).padStart(length, '0')}`

function takenBy(claim: ClaimRow, holder: { readonly id: string; readonly role: string }): Taken {
  const taken = {
    number: claim.number,
    key: kindOf(claim.key),
    holder: holder.id,
    role: holder.role as Role,
  }
  return { ok: false, reason: 'claim-taken', taken }
}
