import { AppError } from '../shared/app-error.ts'
import type { Sealer } from '../shared/seal.ts'
import { all, first, prepare, type QueryBuilder, type Runner, slot } from './plan.ts'

const KEY = 'seal_check'

/**
 * Makes sure that the seal key is the one this database was begun with: the first start seals a word, every later one
 * opens it. Without this a wrong key would be noticed at the first call. Throws AppError `SEAL_KEY_INVALID`.
 */
export async function checkSealKey(
  runner: Runner,
  builder: QueryBuilder,
  sealer: Sealer,
  names: { readonly key: string; readonly database: string },
): Promise<void> {
  const read = prepare(builder.selectFrom('meta').select('value').where('key', '=', KEY))
  let known = await runner.read(first(read))
  if (known === undefined) {
    const write = prepare(
      builder
        .insertInto('meta')
        .values({ key: KEY, value: slot<string>(0) })
        .onConflict((c) => c.column('key').doNothing()),
    )
    await runner.write(() => all(write, sealer.sealText(KEY, KEY)))
    // Of two nodes that start at once the first one's word counts.
    known = await runner.read(first(read))
  }
  try {
    sealer.openText(known!.value, KEY)
  } catch (cause) {
    throw new AppError(
      'SEAL_KEY_INVALID',
      `${names.key} is not the key that ${names.database} was sealed with; restore the right one from a backup`,
      { cause },
    )
  }
}
