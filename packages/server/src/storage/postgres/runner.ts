import type { Pool, PoolClient, QueryConfig, QueryResult } from 'pg'
import { AppError } from '../../shared/app-error.ts'
import { type About, ALONE, type Plan, type Runner } from '../plan.ts'
import { DatabaseFault, toAppError } from './faults.ts'
import { createGate } from '../../shared/gate.ts'
import { lockAbout } from './locks.ts'
import { createMarks } from './marks.ts'

/** Plans of one transaction at most. */
const LARGEST_GROUP = 64
/** Work that lost a race or its connection is tried again this often, each pause twice the one before: 1.3 s in all. */
const MOST_ATTEMPTS = 7
const FIRST_PAUSE_MS = 20
/** Where every attempt waits long for an answer, no other follows after this. */
const PERSIST_MS = 5_000
/** How long the outcome of a commit without an answer is asked for: longer than the server keeps an idle transaction. */
const DOUBT_MS = 15_000
const DOUBT_PAUSE_MS = 100

type Work = {
  readonly plan: () => Plan<unknown>
  readonly resolve: (value: unknown) => void
  readonly reject: (error: AppError) => void
}

/** Work about the same things, in the order of its coming. */
type Lane = { readonly name: string; readonly about: About; readonly works: Work[] }

/** A plan of a group failed: this one, for this reason. */
class PlanFault extends Error {
  readonly index: number
  constructor(index: number, cause: unknown) {
    super('a plan failed', { cause })
    this.index = index
  }
}

export type PostgresRunner = Runner & {
  /** Resolves when every write so far has had its outcome; refuses new ones. */
  close(): Promise<void>
}

/**
 * Runs plans on two pools of connections. Writes about one thing queue here and go out together, one transaction at a
 * time; writes about different things run at the same time. Between nodes locks of the database do the same (locks.ts),
 * so what a plan has read stays true until it has written. A plan that fails is undone, and the others of its
 * transaction are done again without it. `node` is the id of this process among those that write.
 */
export function createPostgresRunner(reads: Pool, writes: Pool, node: string): PostgresRunner {
  const marks = createMarks(node)
  const lanes = new Map<string, Lane>()
  /** Lanes with work that nobody serves, in the order in which they became so. */
  const ready: Lane[] = []
  /** Writers that have nothing to do. */
  const writers = Array.from({ length: writes.options.max }, (_, n) => n)
  /** A pool would let a read wait no longer than for a connection that cannot be made. */
  const readers = createGate(reads.options.max)
  let closed = false
  let hasWritten = false
  let idle = (): void => {}

  const startWriter = (): void => {
    const writer = writers.pop()
    if (writer !== undefined) void serveLanes(writer)
  }

  const isIdle = (): boolean => writers.length === writes.options.max

  const serveLanes = async (writer: number): Promise<void> => {
    for (let lane = ready.shift(); lane !== undefined; lane = ready.shift()) {
      await commitHead(writer, lane.about, lane.works)
      if (lane.works.length > 0) ready.push(lane)
      else lanes.delete(lane.name)
    }
    writers.push(writer)
    if (isIdle()) idle()
  }

  /** Commits what stands first in the lane once there is a connection; what comes until then goes along. */
  const commitHead = async (writer: number, about: About, works: Work[]): Promise<void> => {
    const takeGroup = (): readonly Work[] => works.splice(0, LARGEST_GROUP)
    let group: readonly Work[] | undefined
    try {
      const values = await persist(async () => {
        const client = await connect(writes)
        group ??= takeGroup()
        return transact(client, writer, about, group)
      })
      group!.forEach(({ resolve }, i) => resolve(values[i]))
    } catch (cause) {
      await settleFailed(writer, about, group ?? takeGroup(), cause)
    }
  }

  /** The one that failed is tried again alone, for it may have failed by what another of its group had done. */
  const settleFailed = async (
    writer: number,
    about: About,
    group: readonly Work[],
    cause: unknown,
  ): Promise<void> => {
    if (group.length > 1 && cause instanceof PlanFault && !isDown(cause.cause)) {
      const { index } = cause
      await commitHead(writer, about, group.toSpliced(index, 1))
      await commitHead(writer, about, [group[index]!])
      return
    }
    const error = toAppError(cause instanceof PlanFault ? cause.cause : cause)
    for (const { reject } of group) reject(error)
  }

  /** Runs the plans in one transaction on that connection and gives it back to its pool. */
  const transact = async (
    client: PoolClient,
    writer: number,
    about: About,
    group: readonly Work[],
  ): Promise<unknown[]> => {
    const mark = marks.next()
    hasWritten = true
    const begin = `begin isolation level read committed; ${lockAbout(about)}; ${marks.leave(writer, mark)}`
    let fault: unknown
    let isWhole = true
    try {
      await ask(client, { text: begin })
      const values: unknown[] = []
      for (const [index, { plan }] of group.entries()) {
        try {
          values.push(await runPlan(client, plan()))
        } catch (cause) {
          throw new PlanFault(index, cause)
        }
      }
      isWhole = await commit(client, writer, mark)
      return values
    } catch (cause) {
      fault = cause
      throw cause
    } finally {
      await giveBack(client, fault, isWhole)
    }
  }

  /**
   * A commit without an answer may have been done all the same: then a new connection is asked. False when the work is
   * committed but its connection is of no use any more.
   */
  const commit = async (client: PoolClient, writer: number, mark: string): Promise<boolean> => {
    try {
      await ask(client, { text: 'commit' })
      return true
    } catch (fault) {
      if (!isSevered(fault) || (await lastMark(writer)) !== mark) throw fault
      return false
    }
  }

  const lastMark = async (writer: number): Promise<string> => {
    const since = performance.now()
    for (;;) {
      try {
        return await readers.use(async () => {
          const client = await connect(reads)
          try {
            return ((await ask(client, marks.ask(writer))).rows[0] as { value: string }).value
          } finally {
            client.release(true)
          }
        })
      } catch (cause) {
        if (performance.now() - since > DOUBT_MS)
          throw new AppError(
            'STORAGE_FAILED',
            'the database went away during a commit and did not come back: it is not known whether that work is done',
            { cause },
          )
      }
      await pause(DOUBT_PAUSE_MS)
    }
  }

  /** What a broken connection leaves behind is overwritten by the next start. */
  const clearMarks = async (): Promise<void> => {
    try {
      const client = await connect(writes)
      await ask(client, marks.clear()).finally(() => client.release(true))
    } catch {
      // Nothing is lost by a mark that stays.
    }
  }

  const read = async <T>(plan: Plan<T>): Promise<T> => {
    try {
      const step = plan.next()
      if (step.done) return step.value
      return await readers.use(async () => {
        const client = await connect(reads)
        let fault: unknown
        try {
          return await runPlan(client, plan, step)
        } catch (cause) {
          fault = cause
          throw cause
        } finally {
          client.release(fault instanceof DatabaseFault && !fault.keepsConnection)
        }
      })
    } catch (cause) {
      throw toAppError(cause)
    }
  }

  const enqueue = <T>(plan: () => Plan<T>, about: About): Promise<T> =>
    new Promise((resolve, reject) => {
      if (closed) return reject(new AppError('STORAGE_FAILED', 'the storage is closed'))
      const work = { plan, resolve: resolve as Work['resolve'], reject }
      const name = about.join(' ')
      const known = lanes.get(name)
      if (known) {
        known.works.push(work)
        return
      }
      const lane = { name, about, works: [work] }
      lanes.set(name, lane)
      ready.push(lane)
      startWriter()
    })

  return {
    read,
    write: async (plan, about = ALONE) =>
      enqueue(plan, typeof about === 'function' ? await read(about()) : about),
    async close() {
      closed = true
      await new Promise<void>((resolve) => {
        idle = resolve
        if (isIdle()) resolve()
      })
      if (hasWritten) await clearMarks()
    },
  }
}

async function connect(pool: Pool): Promise<PoolClient> {
  try {
    return await pool.connect()
  } catch (cause) {
    throw new DatabaseFault(cause)
  }
}

async function ask(client: PoolClient, query: QueryConfig): Promise<QueryResult> {
  try {
    return await client.query(query)
  } catch (cause) {
    throw new DatabaseFault(cause)
  }
}

/** Names of prepared statements by their text. Texts come from code, never from input, so their number is small. */
const names = new Map<string, string>()

function nameOf(sql: string): string {
  let name = names.get(sql)
  if (name === undefined) names.set(sql, (name = `m${names.size + 1}`))
  return name
}

async function runPlan<T>(client: PoolClient, plan: Plan<T>, begun = plan.next()): Promise<T> {
  let result = begun
  while (!result.done) {
    const { query, values } = result.value
    const { rows } = await ask(client, {
      name: nameOf(query.sql),
      text: query.sql,
      values: query.bind(values),
    })
    result = plan.next(rows)
  }
  return result.value
}

/** Undoes what a fault has left open. A connection in doubt is closed, which undoes as well. */
async function giveBack(client: PoolClient, fault: unknown, isWhole: boolean): Promise<void> {
  const cause = fault instanceof PlanFault ? fault.cause : fault
  let isUsable = isWhole && (!(cause instanceof DatabaseFault) || cause.keepsConnection)
  if (fault !== undefined && isUsable)
    isUsable = await ask(client, { text: 'rollback' }).then(
      () => true,
      () => false,
    )
  client.release(!isUsable)
}

/** Repeats work that lost a race or its connection. */
async function persist<T>(work: () => Promise<T>): Promise<T> {
  const since = performance.now()
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (fault) {
      const cause = fault instanceof PlanFault ? fault.cause : fault
      const isPassing = cause instanceof DatabaseFault && (cause.verdict === 'again' || isSevered(cause))
      if (!isPassing || attempt === MOST_ATTEMPTS || performance.now() - since > PERSIST_MS) throw fault
      // Chance, so that two nodes that were in each other's way do not meet again.
      await pause(FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random()))
    }
  }
}

const isSevered = (fault: unknown): boolean => fault instanceof DatabaseFault && fault.verdict === 'severed'

/** Every other plan would meet the same fault. */
const isDown = (cause: unknown): boolean =>
  cause instanceof DatabaseFault && (cause.verdict === 'severed' || cause.verdict === 'again')

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
