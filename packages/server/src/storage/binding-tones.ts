import { setImmediate } from 'node:timers/promises'
import type { BindingTones } from '../announcements/ports.ts'
import { tonesOf } from '../bindings/tones.ts'
import type { Sealer } from '../shared/seal.ts'
import { createBindingRows, ROW } from './binding-rows.ts'
import { all, prepare, type QueryBuilder, type Runner, slot } from './plan.ts'

/** Rows opened before other work gets its turn: some milliseconds. */
const BATCH = 500

/** Who names an announcement file: bindings are sealed, so each one is opened, a batch at a time. */
export function createBindingTones(runner: Runner, builder: QueryBuilder, sealer: Sealer): BindingTones {
  const { toBinding } = createBindingRows(sealer)
  const batch = prepare(
    builder
      .selectFrom('binding')
      .select(ROW)
      .where('app_key', '=', slot<string>(0))
      .where('seq', '>', slot<number>(1))
      .where((e) => e.or([e('expires_at', 'is', null), e('expires_at', '>', slot<number>(2))]))
      .orderBy('seq')
      .limit(BATCH),
  )
  return {
    async count(appKey, fileName, at) {
      let count = 0
      for (let after = 0; ;) {
        const rows = await runner.read(all(batch, appKey, after, at))
        count += rows.filter((row) => tonesOf(toBinding(row)).includes(fileName)).length
        if (rows.length < BATCH) return count
        after = rows.at(-1)!.seq
        await setImmediate()
      }
    },
  }
}
