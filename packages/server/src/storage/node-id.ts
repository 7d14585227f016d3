import { join } from 'node:path'
import { newUuid } from '../shared/ids.ts'
import { createOnce } from '../shared/key-file.ts'
import { all, first, type Plan, prepare, type QueryBuilder, type Runner, slot } from './plan.ts'

const KEY = 'node_id'

const FILE = 'node.id'

/**
 * Who this node is in the journal: an id drawn at the first start and kept in the data folder. Names change with a
 * setting, and calls that a crash left open under the old name would never be ended. This one is kept in the folder's
 * own database.
 */
export function ownNodeId(runner: Runner, builder: QueryBuilder): Promise<string> {
  const read = prepare(builder.selectFrom('meta').select('value').where('key', '=', KEY))
  const write = prepare(builder.insertInto('meta').values({ key: KEY, value: slot<string>(0) }))
  const adopt = prepare(
    builder
      .updateTable('call_journal')
      .set({ node: slot<string>(0) })
      .where('ended_at', 'is', null),
  )
  function* plan(): Plan<string> {
    const known = yield* first(read)
    if (known) return known.value
    const id = newUuid()
    yield* all(write, id)
    // Open calls of a time when nodes had no ids: there was one node, so they are its own.
    yield* all(adopt, id)
    return id
  }
  return runner.write(plan)
}

/** The same for a node whose database is shared with others: the id lies beside it, in `node.id`. */
export const nodeIdOfFolder = (dataDir: string): string => createOnce(join(dataDir, FILE), newUuid).trim()
