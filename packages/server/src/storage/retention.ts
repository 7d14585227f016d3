import type { Log } from '../shared/log.ts'
import type { Clock, EpochMs, Timer } from '../shared/time.ts'
import { idFrom } from '../shared/ids.ts'
import { all, type Plan, prepare, type QueryBuilder, type Runner, slot } from './plan.ts'

const DAY_MS = 86_400_000
const EVERY_MS = 60_000
/** Calls and SMS of one batch: some milliseconds of the one thread. */
const BATCH = 200
/** Between batches while there is more, so that clearing a backlog leaves the thread to the calls. */
const BREATH_MS = 50

/** What is kept of calls and SMS that are over. */
export type CallArchive = {
  /**
   * Deletes up to `limit` calls that ended before `before` and as many SMS that came before it; returns how many of whichever are more.
   * What is open stays, however old.
   */
  deleteEndedBefore(before: EpochMs, limit: number): Promise<number>
}

export function createCallArchive(runner: Runner, db: QueryBuilder): CallArchive {
  const old = prepare(
    db
      .deleteFrom('call_journal')
      .where('session_id', 'in', (e) =>
        e
          .selectFrom('call_journal')
          .select('session_id')
          // Ended before is begun before: that bound has an index.
          .where('started_at', '<', slot<number>(0))
          .where('ended_at', '<', slot<number>(0))
          .orderBy('started_at')
          .limit(slot<number>(1)),
      )
      .returning('session_id'),
  )
  const dead = prepare(db.deleteFrom('journal_dead').where('at', '<', slot<number>(0)))
  const oldSms = prepare(
    db
      .deleteFrom('sms_message')
      .where('id', 'in', (e) =>
        e
          .selectFrom('sms_message')
          .select('id')
          .where('id', '<', slot<string>(0))
          .where('due_at', 'is', null)
          .orderBy('id')
          .limit(slot<number>(1)),
      )
      .returning('id'),
  )
  const partsOf = prepare(db.deleteFrom('sms_part').where('message_id', '=', slot<string>(0)))
  function* plan(before: EpochMs, limit: number): Plan<number> {
    yield* all(dead, before)
    const calls = yield* all(old, before, limit)
    const sms = yield* all(oldSms, idFrom(before), limit)
    for (const { id } of sms) yield* all(partsOf, id)
    return Math.max(calls.length, sms.length)
  }
  return { deleteEndedBefore: (before, limit) => runner.write(() => plan(before, limit), ['archive']) }
}

/** Lets calls go once they ended `keepDays` ago, in small batches. */
export function startRetention(options: {
  readonly archive: CallArchive
  readonly keepDays: number
  readonly clock: Clock
  readonly log: Log
}): { close(): Promise<void> } {
  const { archive, keepDays, clock, log } = options
  let timer: Timer | undefined
  let running: Promise<void> = Promise.resolve()
  let closed = false
  const sweep = async (): Promise<void> => {
    let pauseMs = EVERY_MS
    try {
      const gone = await archive.deleteEndedBefore(clock.now() - keepDays * DAY_MS, BATCH)
      if (gone === BATCH) pauseMs = BREATH_MS
    } catch (error) {
      log.error({ err: error }, 'old calls could not be deleted; trying again')
    }
    if (!closed) wait(pauseMs)
  }
  const wait = (pauseMs: number): void => {
    timer = clock.setTimer(pauseMs, () => {
      running = sweep()
    })
  }
  wait(EVERY_MS)
  return {
    close() {
      closed = true
      timer?.cancel()
      return running
    },
  }
}
