import type { Clock, EpochMs, Timer } from '../shared/time.ts'
import { all, first, prepare, type QueryBuilder, type Runner, slot } from './plan.ts'

const BEAT_MS = 1_000

export type Heartbeat = {
  /** When the process before this one was last seen alive; undefined at the first start. */
  readonly aliveUntil: EpochMs | undefined
  /** Beats from now on. Not before the calls of a crash are ended: until then the old beat is needed. */
  start(): void
  stop(): void
}

/**
 * Writes down once a second that this process is alive, so that after a crash the calls it left open can be ended
 * at the instant of the crash and not at that of the restart. Each node of a database has a `key` of its own.
 */
export async function createHeartbeat(
  runner: Runner,
  builder: QueryBuilder,
  clock: Clock,
  key: string,
): Promise<Heartbeat> {
  const read = prepare(builder.selectFrom('meta').select('value').where('key', '=', key))
  const write = prepare(
    builder
      .insertInto('meta')
      .values({ key, value: slot<string>(0) })
      .onConflict((c) => c.column('key').doUpdateSet((e) => ({ value: e.ref('excluded.value') }))),
  )
  const last = await runner.read(first(read))
  let timer: Timer | undefined
  const beat = (): void => {
    timer = clock.setTimer(BEAT_MS, beat)
    // A beat that cannot be written is no fault of its own: the journal reports a failing disk.
    runner.write(() => all(write, String(clock.now())), [key]).catch(() => {})
  }
  return {
    aliveUntil: last && Number(last.value),
    start: () => {
      if (!timer) beat()
    },
    stop: () => timer?.cancel(),
  }
}
