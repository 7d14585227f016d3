import type { QueryBuilder, Runner } from './plan.ts'

/** An opened database, as the stores need it: `sqlite/engine.ts` and `postgres/engine.ts` make one. */
export type Engine = {
  /** Compiles queries; also runs migrations. */
  readonly builder: QueryBuilder
  readonly runner: Runner
  /** Where the data lies, for messages: a file, or an address without its password. */
  readonly place: string
  /** Commits what is queued and closes every connection. */
  close(): Promise<void>
}
