import { sql } from 'kysely'
import { ROW } from './binding-rows.ts'
import { prepare, type QueryBuilder, slot } from './plan.ts'

/** Instant of expiry of an unbound binding that is not cleared yet: dead whatever the clock does. */
const RETIRED = 0

/** The statements of bindings-store.ts; values take the slots in order. */
export function bindingQueries(db: QueryBuilder) {
  const live = (at: number) =>
    sql<boolean>`(binding.expires_at is null or binding.expires_at > ${slot<number>(at)})`

  /** Slots 0 app, 1 capacity, 2 to 4 keys that must be free, 5 now, 6 limit, 7 whether SMS is needed; the caller adds its place as slot 8. */
  const fitting = db
    .selectFrom('x_number')
    .select('x_number.number')
    .where('x_number.app_key', '=', slot<string>(0))
    .where('x_number.status', '=', 'normal')
    .where('x_number.bound', '<', slot<number>(1))
    .where('x_number.sms_capable', '>=', slot<number>(7))
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('claim')
            .innerJoin('binding', 'binding.seq', 'claim.binding_seq')
            .select('claim.binding_seq')
            .whereRef('claim.number', '=', 'x_number.number')
            .where('claim.key', 'in', [slot<string>(2), slot<string>(3), slot<string>(4)])
            .where(live(5)),
        ),
      ),
    )
    .orderBy('x_number.bound')
    .orderBy('x_number.released_at')
    .orderBy('x_number.number')
    .limit(slot<number>(6))

  /** The bindings that take a place on slot 0: each has one claim there in role a, so no index of its own is needed. */
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
    /** None of them ever changes. */
    placeOf: prepare(
      db.selectFrom('binding').select(['x', 'mode', 'app_key']).where('id', '=', slot<string>(0)),
    ),
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
    pageAfter: prepare(
      onX
        .select(ROW)
        .where(live(1))
        .where('app_key', '=', slot<string>(2))
        .where('seq', '>', slot<number>(3))
        .orderBy('seq')
        .limit(slot<number>(4)),
    ),
    countOn: prepare(
      onX
        .select((e) => e.fn.countAll<number>().as('total'))
        .where(live(1))
        .where('app_key', '=', slot<string>(2)),
    ),
    ofA: prepare(
      db
        .selectFrom('binding')
        .select(ROW)
        .where('app_key', '=', slot<string>(0))
        .where('a_key', '=', slot<string>(1))
        .where('mode', '=', slot<string>(2))
        .where(live(3))
        .orderBy('seq'),
    ),
    countOfA: prepare(
      db
        .selectFrom('binding')
        .select((e) => e.fn.countAll<number>().as('total'))
        .where('app_key', '=', slot<string>(0))
        .where('a_key', '=', slot<string>(1))
        .where('mode', '=', slot<string>(2))
        .where(live(3)),
    ),
    pairsOf: prepare(
      db
        .selectFrom('binding')
        .select(ROW)
        .where('parent_seq', 'in', (e) =>
          e
            .selectFrom('binding as relation')
            .select('relation.seq')
            .where('relation.id', '=', slot<string>(0)),
        )
        .where(live(1))
        .orderBy('seq'),
    ),
    behindY: prepare(
      db
        .selectFrom('binding')
        .select('seq')
        .where('x', '=', slot<string>(0))
        .where('b_key', '=', slot<string>(1))
        .where(live(2))
        .limit(1),
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
        .select('seq')
        .where('expires_at', 'is not', null)
        .where('expires_at', '<=', slot<number>(0))
        .orderBy('expires_at')
        .limit(slot<number>(1)),
    ),
    expiredOn: prepare(onX.select('seq').where('expires_at', '<=', slot<number>(1)).limit(slot<number>(2))),
    holder: prepare(
      db
        .selectFrom('claim')
        .innerJoin('binding', 'binding.seq', 'claim.binding_seq')
        .select(['binding.seq', 'binding.id', 'binding.expires_at', 'claim.role'])
        .where('claim.number', '=', slot<string>(0))
        .where('claim.key', '=', slot<string>(1)),
    ),
    countDay: prepare(
      db
        .insertInto('bind_count')
        .values({ key: slot<string>(0), day: slot<number>(1), binds: 1 })
        .onConflict((c) =>
          c.columns(['key', 'day']).doUpdateSet((e) => ({ binds: e('bind_count.binds', '+', 1) })),
        )
        .returning('binds'),
    ),
    forgetDays: prepare(db.deleteFrom('bind_count').where('day', '<', slot<number>(0))),
    extensionOf: prepare(
      db.selectFrom('x_number').select('last_extension').where('number', '=', slot<string>(0)),
    ),
    lastExtension: prepare(
      db
        .updateTable('x_number')
        .set({ last_extension: slot<number>(1) })
        .where('number', '=', slot<string>(0)),
    ),
    extensions: prepare(
      db
        .selectFrom('claim')
        .innerJoin('binding', 'binding.seq', 'claim.binding_seq')
        .select('claim.key')
        .where('claim.number', '=', slot<string>(0))
        .where('claim.key', '>=', slot<string>(1))
        .where('claim.key', '<=', slot<string>(2))
        .where(live(3)),
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
          mode: slot<string>(2),
          x: slot<string>(3),
          parent_seq: slot<number | null>(4),
          a_key: slot<string | null>(5),
          b_key: slot<string | null>(6),
          expires_at: slot<number | null>(7),
          changed_at: slot<number>(8),
          sealed_detail: slot<string>(9),
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
          a_key: slot<string | null>(4),
        })
        .where('seq', '=', slot<number>(0)),
    ),
    deleteBinding: prepare(db.deleteFrom('binding').where('seq', '=', slot<number>(0)).returning('x')),
    deletePairs: prepare(db.deleteFrom('binding').where('parent_seq', '=', slot<number>(0)).returning('x')),
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
    candidatesOfArea: prepare(fitting.where('x_number.area_code', '=', slot<string>(8))),
    candidatesOfProvince: prepare(fitting.where('x_number.province', '=', slot<string>(8))),
  }
}
