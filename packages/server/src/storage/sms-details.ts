import { idFrom } from '../shared/ids.ts'
import type { Sealer } from '../shared/seal.ts'
import type { SmsDetails, SmsQuery } from '../sms/ports.ts'
import { all, first, type Plan, prepare, type QueryBuilder, type Runner, slot } from './plan.ts'
import { createSmsRows, MESSAGE, partOf, partsQuery } from './sms-rows.ts'

/** Looks SMS up for the console: by any of what a query may name, newest first. */
export function createSmsDetails(runner: Runner, db: QueryBuilder, sealer: Sealer): SmsDetails {
  const rows = createSmsRows(sealer)
  const messages = db.selectFrom('sms_message').select(MESSAGE)
  const one = prepare(messages.where('id', '=', slot<string>(0)))
  const parts = partsQuery(db)

  /** A statement for this query: people ask seldom, and each differently. */
  const searchOf = (query: SmsQuery) => {
    const { appKey, x, party, sender, receiver, state, result, subscriptionId } = query
    const { since, until, before, limit } = query
    let search = messages.orderBy('id', 'desc').limit(limit)
    if (appKey !== undefined) search = search.where('app_key', '=', appKey)
    if (x !== undefined) search = search.where('x', '=', x)
    if (state !== undefined) search = search.where('state', '=', state)
    // What is not ended has an index of its own; there is little of it.
    if (state !== undefined && state !== 'ended') search = search.where('due_at', 'is not', null)
    if (result !== undefined) search = search.where('result', '=', result)
    if (subscriptionId !== undefined) search = search.where('subscription_id', '=', subscriptionId)
    if (since !== undefined) search = search.where('id', '>=', idFrom(since))
    if (until !== undefined) search = search.where('id', '<', idFrom(until + 1))
    if (before !== undefined) search = search.where('id', '<', before)
    if (sender !== undefined) search = search.where('sealed_from', '=', sealer.sealNumber(sender))
    if (receiver !== undefined) search = search.where('sealed_called', '=', sealer.sealNumber(receiver))
    if (party !== undefined) {
      const sealed = sealer.sealNumber(party)
      search = search.where((e) => e.or([e('sealed_from', '=', sealed), e('sealed_called', '=', sealed)]))
    }
    return prepare(search)
  }

  function* find(id: string): Plan<Awaited<ReturnType<SmsDetails['find']>>> {
    const row = yield* first(one, id)
    return row && { message: rows.messageOf(row), mt: (yield* all(parts, id)).map(partOf) }
  }

  return {
    async search(query) {
      return (await runner.read(all(searchOf(query)))).map(rows.messageOf)
    },
    find: (id) => runner.read(find(id)),
  }
}
