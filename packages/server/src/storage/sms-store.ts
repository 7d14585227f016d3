import type { ExpressionBuilder } from 'kysely'
import type { OutboxItem } from '../notifications/outbox.ts'
import type { PushDraft } from '../notifications/pushes.ts'
import { newUuid } from '../shared/ids.ts'
import type { Sealer } from '../shared/seal.ts'
import type { EpochMs } from '../shared/time.ts'
import type { MoPart, MtPart, SmsMessage, SmsState } from '../sms/message.ts'
import type { Arrived, Received, SmsStore, StoredSms } from '../sms/ports.ts'
import type { OutboxWriter } from './outbox-store.ts'
import { type About, all, first, type Plan, prepare, type QueryBuilder, type Runner, slot } from './plan.ts'
import type { Database } from './schema.ts'
import { createSmsRows, digestOf, MESSAGE, partOf, partsQuery, partValues } from './sms-rows.ts'

/** How long a carrier's id tells one that is handed in again: aggregators repeat a webhook for hours. */
const CARRIER_ID_MS = 86_400_000
/** Equal texts of one sender to one X whose acknowledgements are open at a time; the repeats of more are not known as such. */
const EQUAL_KEYS = [0, 1, 2, 3]
/** Messages of one statement. */
const CHUNK = 32

export type SmsStoreOptions = {
  readonly runner: Runner
  readonly builder: QueryBuilder
  readonly sealer: Sealer
  readonly outbox: OutboxWriter
  /** Id of this node, which works on what it receives. */
  readonly node: string
}

/** SMS over any runner. */
export function createSmsStore(options: SmsStoreOptions): SmsStore {
  const { runner, sealer, outbox, node } = options
  const q = queries(options.builder)
  const rows = createSmsRows(sealer)
  /** Messages of this node, which no other works on. */
  const ours: About = [`sms:${node}`]
  /** Parts of one text may come to several nodes. */
  const gathering: About = [...ours, 'sms:gathering']

  function* insert(message: SmsMessage, keeping: Keeping): Plan<void> {
    const { key = null, until = null, unreadSince = null } = keeping
    const from = sealer.sealNumber(message.from)
    yield* all(
      q.insert,
      ...rows.valuesOf(message),
      message.id,
      node,
      message.x,
      from,
      key,
      until,
      unreadSince,
    )
  }

  function* gather(part: Arrived, key: string, at: EpochMs, gatherMs: number): Plan<Received> {
    const found = yield* first(q.gathering, key)
    if (found && found.gather_until! > at) {
      if (part.concat === undefined || rows.hasPart(found, moPartOf(part))) {
        if (part.isWatched) yield* all(q.unread, at, found.id)
        return { kind: 'duplicate', id: found.id }
      }
      const message = rows.messageOf(found)
      const isMissing = message.parts.every(({ index }) => index !== indexOf(part))
      if (message.state === 'gathering' && isMissing) return yield* join(message, part, at)
    }
    if (found) yield* all(q.letGo, found.id)
    const until = at + (part.concat ? gatherMs : CARRIER_ID_MS)
    return yield* begin(part, at, { key, until, ...(part.isWatched && { unreadSince: at }) })
  }

  /** A text that came whole, under the first of the keys of its equals that is free. */
  function* unlessRepeated(part: Arrived, key: string, at: EpochMs, doubtAfterMs: number): Plan<Received> {
    const keys = EQUAL_KEYS.map((n) => `${key} ${n}`)
    const taken = new Set<string>()
    for (const { id, gather_key, gather_until, unread_since } of yield* all(q.equal, ...keys)) {
      const isOver = gather_until !== null && gather_until <= at
      if (isOver) yield* all(q.letGo, id)
      else if (gather_until !== null || at - unread_since! >= doubtAfterMs) {
        yield* all(q.unreadAgain, at, id)
        return { kind: 'duplicate', id }
      } else taken.add(gather_key!)
    }
    const free = keys.find((one) => !taken.has(one))
    return yield* begin(part, at, free === undefined ? {} : { key: free, unreadSince: at })
  }

  function* begin(part: Arrived, at: EpochMs, keeping: Keeping): Plan<Received> {
    const { carrier, from, x, concat } = part
    const total = concat?.total ?? 1
    const isWhole = total === 1
    const dueAt = isWhole ? at : keeping.until!
    const message: SmsMessage = {
      id: newUuid(at),
      carrier,
      from,
      x,
      receivedAt: at,
      state: isWhole ? 'received' : 'gathering',
      dueAt,
      total,
      parts: [moPartOf(part)],
    }
    yield* insert(message, keeping)
    return isWhole ? { kind: 'complete', message } : { kind: 'gathering', id: message.id, dueAt }
  }

  function* join(message: SmsMessage, part: Arrived, at: EpochMs): Plan<Received> {
    const parts = [...message.parts, moPartOf(part)].sort((a, b) => a.index - b.index)
    const isWhole = parts.length === message.total
    const joined: SmsMessage = { ...message, parts, ...(isWhole && { state: 'received', dueAt: at }) }
    yield* all(q.save, ...rows.valuesOf(joined), message.id, 'gathering')
    // Whoever has the last part works on it.
    if (isWhole) yield* all(q.take, message.id, node)
    if (part.isWatched) yield* all(q.unread, at, message.id)
    const { id, dueAt } = message
    return isWhole ? { kind: 'complete', message: joined } : { kind: 'gathering', id, dueAt }
  }

  function* save(
    message: SmsMessage,
    from: SmsState,
    mt: readonly MtPart[],
    push: PushDraft | undefined,
    added: OutboxItem[],
  ): Plan<boolean> {
    if (!(yield* first(q.save, ...rows.valuesOf(message), message.id, from))) return false
    for (const part of mt) yield* all(q.savePart, ...partValues(message.id, part))
    if (push) {
      const item = outbox.toItem(push, message.appKey!, message.end?.at ?? message.receivedAt)
      yield* outbox.insert([item])
      added.push(item)
    }
    return true
  }

  function* dueNow(at: EpochMs, limit: number): Plan<readonly StoredSms[]> {
    const found: StoredSms[] = []
    for (const row of yield* all(q.due, node, at, limit))
      found.push({ message: rows.messageOf(row), mt: (yield* all(q.parts, row.id)).map(partOf) })
    return found
  }

  return {
    receive(part, at, { gatherMs, doubtAfterMs }) {
      const key = keyOf(part)
      if (key !== undefined)
        return runner.write(() => gather(part, sealer.sealNumber(key), at, gatherMs), gathering)
      if (!part.isWatched) return runner.write(() => begin(part, at, {}), ours)
      const whole = sealer.sealNumber(wholeOf(part))
      return runner.write(() => unlessRepeated(part, whole, at, doubtAfterMs), [...ours, `sms:${whole}`])
    },
    acknowledged: (ids) => runner.write(() => each(ids, (some) => all(q.read, ...some)), ours),
    doubt: (ids, until) => runner.write(() => each(ids, (some) => all(q.doubt, until, ...some)), ours),
    async doubtOpen(until) {
      await runner.write(() => all(q.doubtOpen, until, node), ours)
    },
    due: (at, limit) => runner.read(dueNow(at, limit)),
    async nextDueAt(after) {
      return (await runner.read(first(q.nextDue, node, after)))?.due_at ?? undefined
    },
    async save(message, from, { mt = [], push } = {}) {
      const added: OutboxItem[] = []
      const isSaved = await runner.write(() => {
        added.length = 0
        return save(message, from, mt, push, added)
      }, ours)
      outbox.announce(added)
      return isSaved
    },
    late: (messageId, { index, carrier, state, at, carrierId, status, receipt }) =>
      runner.write(function* () {
        const outcome = [state, carrierId ?? null, status ?? null, at, receipt ?? null]
        return (yield* all(q.late, ...outcome, messageId, index, carrier)).length > 0
      }, ours),
    receipt: (carrier, { messageId, state }) =>
      runner.write(function* () {
        return (yield* all(q.receipt, state, messageId, carrier)).length > 0
      }, ours),
  }
}

/** By what a message is found when more of it, or the same again, comes. */
type Keeping = { readonly key?: string; readonly until?: EpochMs; readonly unreadSince?: EpochMs }

/** Runs a statement for so many ids at a time, the last one with the last id over and over. */
function* each(ids: readonly string[], run: (some: readonly string[]) => Plan<unknown>): Plan<void> {
  for (let at = 0; at < ids.length; at += CHUNK) {
    const some = ids.slice(at, at + CHUNK)
    yield* run([...some, ...Array.from({ length: CHUNK - some.length }, () => some.at(-1)!)])
  }
}

/** What parts of one text share, or what one that comes again has too; a text that comes whole and without an id has neither. */
function keyOf({ carrier, from, x, concat, carrierId }: Arrived): string | undefined {
  if (concat && concat.total > 1) return `${carrier} ${from} ${x} ${concat.reference}/${concat.total}`
  return carrierId === undefined ? undefined : `${carrier} #${carrierId}`
}

/** What one that came whole shares with its repeats. */
const wholeOf = (part: Arrived): string =>
  `${part.carrier} ${part.from} ${part.x} =${digestOf(moPartOf(part))}`

const indexOf = ({ concat }: Arrived): number => concat?.index ?? 1

const moPartOf = (part: Arrived): MoPart => ({
  index: indexOf(part),
  coding: part.coding,
  userData: part.userData,
})

function queries(db: QueryBuilder) {
  const ids = (from: number) => Array.from({ length: CHUNK }, (_, i) => slot<string>(from + i))
  /** Found until the instant of slot 0, or longer where parts are waited for longer. */
  const doubted = (e: ExpressionBuilder<Database, 'sms_message'>) => ({
    unread_since: null,
    gather_until: e
      .case()
      .when('gather_until', '>', slot<number>(0))
      .then(e.ref('gather_until'))
      .else(slot<number>(0))
      .end(),
  })
  const changing = {
    state: slot<string>(0),
    due_at: slot<number | null>(1),
    app_key: slot<string | null>(2),
    sealed_called: slot<string | null>(3),
    subscription_id: slot<string | null>(4),
    result: slot<number | null>(5),
    sealed_detail: slot<string>(6),
  }
  return {
    insert: prepare(
      db.insertInto('sms_message').values({
        ...changing,
        id: slot<string>(7),
        node: slot<string>(8),
        x: slot<string>(9),
        sealed_from: slot<string>(10),
        gather_key: slot<string | null>(11),
        gather_until: slot<number | null>(12),
        unread_since: slot<number | null>(13),
      }),
    ),
    save: prepare(
      db
        .updateTable('sms_message')
        .set(changing)
        .where('id', '=', slot<string>(7))
        .where('state', '=', slot<string>(8))
        .returning('id'),
    ),
    gathering: prepare(
      db
        .selectFrom('sms_message')
        .select([...MESSAGE, 'gather_until'])
        .where('gather_key', '=', slot<string>(0)),
    ),
    equal: prepare(
      db
        .selectFrom('sms_message')
        .select(['id', 'gather_key', 'gather_until', 'unread_since'])
        .where(
          'gather_key',
          'in',
          EQUAL_KEYS.map((n) => slot<string>(n)),
        ),
    ),
    unread: prepare(
      db
        .updateTable('sms_message')
        .set({ unread_since: slot<number>(0) })
        .where('id', '=', slot<string>(1)),
    ),
    unreadAgain: prepare(
      db
        .updateTable('sms_message')
        .set({ unread_since: slot<number>(0), gather_until: null })
        .where('id', '=', slot<string>(1)),
    ),
    // A text that came whole is not looked for any more; parts go on to belong together.
    read: prepare(
      db
        .updateTable('sms_message')
        .set((e) => ({
          unread_since: null,
          gather_key: e.case().when('gather_until', 'is', null).then(null).else(e.ref('gather_key')).end(),
        }))
        .where('id', 'in', ids(0)),
    ),
    doubt: prepare(
      db
        .updateTable('sms_message')
        .set((e) => doubted(e))
        .where('id', 'in', ids(1))
        .where('unread_since', 'is not', null),
    ),
    doubtOpen: prepare(
      db
        .updateTable('sms_message')
        .set((e) => doubted(e))
        .where('gather_key', 'is not', null)
        .where('node', '=', slot<string>(1))
        .where('unread_since', 'is not', null),
    ),
    letGo: prepare(
      db
        .updateTable('sms_message')
        .set({ gather_key: null, gather_until: null })
        .where('id', '=', slot<string>(0)),
    ),
    take: prepare(
      db
        .updateTable('sms_message')
        .set({ node: slot<string>(1) })
        .where('id', '=', slot<string>(0)),
    ),
    due: prepare(
      db
        .selectFrom('sms_message')
        .select(MESSAGE)
        .where('node', '=', slot<string>(0))
        .where('due_at', '<=', slot<number>(1))
        .orderBy('due_at')
        .orderBy('id')
        .limit(slot<number>(2)),
    ),
    nextDue: prepare(
      db
        .selectFrom('sms_message')
        .select('due_at')
        .where('node', '=', slot<string>(0))
        .where('due_at', '>', slot<number>(1))
        .orderBy('due_at')
        .limit(1),
    ),
    parts: partsQuery(db),
    savePart: prepare(
      db
        .insertInto('sms_part')
        .values({
          message_id: slot<string>(0),
          idx: slot<number>(1),
          segments: slot<number>(2),
          state: slot<string>(3),
          carrier: slot<string | null>(4),
          carrier_id: slot<string | null>(5),
          status: slot<number | null>(6),
          at: slot<number>(7),
          receipt: slot<string | null>(8),
        })
        .onConflict((c) =>
          c
            .columns(['message_id', 'idx'])
            .doUpdateSet((e) => ({
              segments: e.ref('excluded.segments'),
              state: e.ref('excluded.state'),
              carrier: e.ref('excluded.carrier'),
              carrier_id: e.ref('excluded.carrier_id'),
              status: e.ref('excluded.status'),
              at: e.ref('excluded.at'),
              receipt: e.fn.coalesce('excluded.receipt', 'sms_part.receipt'),
            }))
            // Who has heard of an outcome late knows better.
            .where((e) =>
              e.or([
                e('excluded.state', '<>', 'unknown'),
                e('sms_part.state', 'in', ['queued', 'sent', 'unknown']),
              ]),
            ),
        ),
    ),
    late: prepare(
      db
        .updateTable('sms_part')
        .set({
          state: slot<string>(0),
          carrier_id: slot<string | null>(1),
          status: slot<number | null>(2),
          at: slot<number>(3),
          receipt: slot<string | null>(4),
        })
        .where('message_id', '=', slot<string>(5))
        .where('idx', '=', slot<number>(6))
        .where('carrier', '=', slot<string>(7))
        .where('state', 'in', ['sent', 'unknown'])
        .returning('idx'),
    ),
    receipt: prepare(
      db
        .updateTable('sms_part')
        .set({ receipt: slot<string>(0) })
        .where('carrier_id', '=', slot<string>(1))
        .where('carrier', '=', slot<string>(2))
        .returning('message_id'),
    ),
  }
}
