import type { Memories, MemoryKind } from '../bindings/binding.ts'
import type { BindingMemory } from '../bindings/ports.ts'
import type { Sealer } from '../shared/seal.ts'
import type { EpochMs } from '../shared/time.ts'
import { type About, all, first, type Plan, prepare, type QueryBuilder, type Runner, slot } from './plan.ts'

/** What is remembered beside bindings. Rows die with their binding by the foreign key. */
export function createMemoryStore(runner: Runner, db: QueryBuilder, sealer: Sealer): BindingMemory {
  const q = memoryQueries(db)
  const open = <K extends MemoryKind>(sealed: string) =>
    JSON.parse(sealer.openText(sealed, 'memory')) as Memories[K]

  function* remember(
    bindingId: string,
    kind: MemoryKind,
    sealed: string,
    at: EpochMs,
    expiresAt: EpochMs | null,
  ): Plan<boolean> {
    const binding = yield* first(q.binding, bindingId, at)
    if (binding) yield* all(q.put, binding.seq, kind, at, expiresAt, sealed)
    return binding !== undefined
  }

  function* forget(bindingId: string, kind: MemoryKind, token: string | undefined): Plan<void> {
    const row = yield* first(q.get, bindingId, kind)
    if (!row) return
    const value = open<MemoryKind>(row.sealed_value)
    if (token !== undefined && !('token' in value && value.token === token)) return
    yield* all(q.remove, row.binding_seq, kind)
  }

  function* relive(bindingId: string, kind: MemoryKind, lifeMs: number | undefined): Plan<void> {
    const row = yield* first(q.get, bindingId, kind)
    if (row)
      yield* all(q.relive, row.binding_seq, kind, lifeMs === undefined ? null : row.remembered_at + lifeMs)
  }

  /** A memory belongs to its binding, and that to its number. */
  const write = <T>(bindingId: string, plan: () => Plan<T>): Promise<T> =>
    runner.write(plan, function* (): Plan<About> {
      const row = yield* first(q.placeOf, bindingId)
      return [row?.x ?? bindingId]
    })

  return {
    remember: (bindingId, kind, value, at, expiresAt) => {
      const sealed = sealer.sealText(JSON.stringify(value), 'memory')
      return write(bindingId, () => remember(bindingId, kind, sealed, at, expiresAt ?? null))
    },
    async recall<K extends MemoryKind>(bindingId: string, kind: K, at: EpochMs) {
      const row = await runner.read(first(q.get, bindingId, kind))
      if (!row || (row.expires_at !== null && row.expires_at <= at)) return undefined
      return open<K>(row.sealed_value)
    },
    forget: (bindingId, kind, token) => write(bindingId, () => forget(bindingId, kind, token)),
    relive: (bindingId, kind, lifeMs) => write(bindingId, () => relive(bindingId, kind, lifeMs)),
  }
}

function memoryQueries(db: QueryBuilder) {
  return {
    binding: prepare(
      db
        .selectFrom('binding')
        .select('seq')
        .where('id', '=', slot<string>(0))
        .where((e) => e.or([e('expires_at', 'is', null), e('expires_at', '>', slot<number>(1))])),
    ),
    placeOf: prepare(db.selectFrom('binding').select('x').where('id', '=', slot<string>(0))),
    get: prepare(
      db
        .selectFrom('binding_memory')
        .innerJoin('binding', 'binding.seq', 'binding_memory.binding_seq')
        .select([
          'binding_memory.binding_seq',
          'binding_memory.expires_at',
          'binding_memory.remembered_at',
          'binding_memory.sealed_value',
        ])
        .where('binding.id', '=', slot<string>(0))
        .where('binding_memory.kind', '=', slot<string>(1)),
    ),
    put: prepare(
      db
        .insertInto('binding_memory')
        .values({
          binding_seq: slot<number>(0),
          kind: slot<string>(1),
          remembered_at: slot<number>(2),
          expires_at: slot<number | null>(3),
          sealed_value: slot<string>(4),
        })
        .onConflict((c) =>
          c.columns(['binding_seq', 'kind']).doUpdateSet((e) => ({
            remembered_at: e.ref('excluded.remembered_at'),
            expires_at: e.ref('excluded.expires_at'),
            sealed_value: e.ref('excluded.sealed_value'),
          })),
        ),
    ),
    remove: prepare(
      db
        .deleteFrom('binding_memory')
        .where('binding_seq', '=', slot<number>(0))
        .where('kind', '=', slot<string>(1)),
    ),
    relive: prepare(
      db
        .updateTable('binding_memory')
        .set({ expires_at: slot<number | null>(2) })
        .where('binding_seq', '=', slot<number>(0))
        .where('kind', '=', slot<string>(1)),
    ),
  }
}
