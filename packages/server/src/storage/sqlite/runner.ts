import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { AppError } from '../../shared/app-error.ts'
import type { Plan, Query, Runner } from '../plan.ts'
import type { StatementCache } from './dialect.ts'

type Waiting = { readonly commit: () => void; readonly fail: (error: AppError) => void }

export type SqliteRunner = Runner & {
  /** Commits what is open, now. */
  commit(): void
}

/**
 * Runs plans on the one connection. Writes are done at once, inside an open transaction that all writes of the same
 * turn of the event loop share; they are committed together and their promises resolve after the commit. SQLite has
 * one writer and a plan never yields to the event loop, so what a plan has read stays true until it has written.
 * Sharing a transaction is not sharing a fate: a plan that throws is undone alone.
 *
 * `commitDelayMs` 0 commits at the end of the turn; more gathers longer, for disks where each commit waits.
 */
export function createSqliteRunner(
  database: DatabaseSync,
  statements: StatementCache,
  commitDelayMs: number,
): SqliteRunner {
  let waiting: Waiting[] = []
  let open = false

  const runStep = (query: Query<unknown>, values: readonly unknown[]): readonly unknown[] =>
    statements.get(query.sql).all(...(query.bind(values) as SQLInputValue[]))

  const runPlan = <T>(plan: Plan<T>): T => {
    let result = plan.next()
    while (!result.done) result = plan.next(runStep(result.value.query, result.value.values))
    return result.value
  }

  const settle = (error?: AppError): void => {
    const settled = waiting
    waiting = []
    open = false
    for (const { commit, fail } of settled) {
      if (error) fail(error)
      else commit()
    }
  }

  /** Undoes everything that is not committed. */
  const abandon = (cause: unknown): AppError => {
    const error = storageFailed(cause)
    try {
      if (database.isTransaction) database.exec('rollback')
    } catch {
      // SQLite has undone the transaction by itself, which is what was wanted.
    }
    settle(error)
    return error
  }

  const commit = (): void => {
    if (!open) return
    try {
      database.exec('commit')
    } catch (cause) {
      abandon(cause)
      return
    }
    settle()
  }

  const begin = (): void => {
    database.exec('begin immediate')
    open = true
    if (commitDelayMs > 0) setTimeout(commit, commitDelayMs)
    else setImmediate(commit)
  }

  /** Undoes the plan that failed and leaves the others of the transaction as they are, when SQLite still can. */
  const undo = (cause: unknown): AppError => {
    // Alone in the transaction, or SQLite has ended it by itself (a full disk): nobody else's work can be kept.
    if (waiting.length === 0 || !database.isTransaction) return abandon(cause)
    try {
      statements.get('rollback to plan').run()
      statements.get('release plan').run()
    } catch (worse) {
      return abandon(worse)
    }
    return storageFailed(cause)
  }

  return {
    commit,
    async read(plan) {
      try {
        return runPlan(plan)
      } catch (cause) {
        throw storageFailed(cause)
      }
    },
    write(plan) {
      return new Promise((resolve, reject) => {
        try {
          if (!open) begin()
          // The first plan needs no savepoint: undoing it is undoing the transaction.
          const shared = waiting.length > 0
          if (shared) statements.get('savepoint plan').run()
          const value = runPlan(plan())
          if (shared) statements.get('release plan').run()
          waiting.push({ commit: () => resolve(value), fail: reject })
        } catch (cause) {
          reject(undo(cause))
        }
      })
    },
  }
}

/** Result codes of SQLite that blame the values of a statement: TOOBIG, CONSTRAINT, MISMATCH, RANGE. */
const BLAMES_VALUES: ReadonlySet<number> = new Set([18, 19, 20, 25])

function storageFailed(cause: unknown): AppError {
  if (cause instanceof AppError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  const { errcode } = cause as { readonly errcode?: number }
  // The low byte is the result code, the rest its finer kind.
  if (errcode === undefined || BLAMES_VALUES.has(errcode & 0xff))
    return new AppError('WRITE_REFUSED', `this cannot be stored: ${reason}`, { cause })
  return new AppError('STORAGE_FAILED', `the database refused a statement: ${reason}`, { cause })
}
