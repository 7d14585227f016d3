import { AppError } from '../../shared/app-error.ts'

/**
 * What a fault means for the work. `refused`: its values are to blame; `again`: it lost against other work and nothing
 * of it was done; `severed`: the connection is gone or of no use, so the work may be tried on another one; `failed`: the
 * database cannot.
 */
export type Verdict = 'refused' | 'again' | 'severed' | 'failed'

/** A statement that failed, or a connection that could not be had. */
export class DatabaseFault extends Error {
  readonly verdict: Verdict
  constructor(cause: unknown) {
    super(reasonOf(cause), { cause })
    this.name = 'DatabaseFault'
    this.verdict = verdictOf(cause)
  }

  /** Whether its connection can be used on. */
  get keepsConnection(): boolean {
    return this.verdict === 'refused' || this.verdict === 'again'
  }
}

/** A host with several addresses fails once for each, in an error without words of its own. */
export function reasonOf(cause: unknown): string {
  const { errors, message } = cause as AggregateError
  return message || (errors ?? []).map((error: Error) => error.message).join(', ') || String(cause)
}

/** SQLSTATE of an answer of the server (PostgreSQL manual, appendix A); undefined when there was no answer. */
export function sqlStateOf(cause: unknown): string | undefined {
  const { code, severity } = cause as { readonly code?: unknown; readonly severity?: unknown }
  return typeof code === 'string' && typeof severity === 'string' ? code : undefined
}

/** Statements prepared before a change of the schema, or lost by a proxy: a new connection prepares them anew. */
const STALE: ReadonlySet<string> = new Set(['0A000', '26000'])
const LOST_A_RACE: ReadonlySet<string> = new Set(['40001', '40P01'])

function verdictOf(cause: unknown): Verdict {
  const state = sqlStateOf(cause)
  if (state === undefined || STALE.has(state)) return 'severed'
  if (LOST_A_RACE.has(state)) return 'again'
  switch (state.slice(0, 2)) {
    case '22': // data exception
    case '23': // integrity constraint violation
    case '54': // a value that is too large
      return 'refused'
    case '08': // connection exception
    case '57': // operator intervention: shutdown, crash, starting up
      return state === '57014' ? 'failed' : 'severed'
    default:
      return 'failed'
  }
}

/** The fault as the stores tell it. What is no fault of the database is one of the plan itself, and would be again. */
export function toAppError(cause: unknown): AppError {
  if (cause instanceof AppError) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  if (!(cause instanceof DatabaseFault) || cause.verdict === 'refused')
    return new AppError('WRITE_REFUSED', `this cannot be stored: ${reason}`, { cause })
  return new AppError('STORAGE_FAILED', `the database refused a statement: ${reason}`, { cause })
}
