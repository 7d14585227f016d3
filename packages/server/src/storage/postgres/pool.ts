import { Pool, type PoolConfig, types } from 'pg'

/** What a statement or an open transaction may take before the server ends it: a frozen node must not hold up others. */
const STATEMENT_MS = 10_000
/** A connection without an answer for so long is given up; longer than the server's own limits. */
const SILENCE_MS = 15_000
const CONNECT_MS = 5_000

const INT8 = 20
const NUMERIC = 1700

/** The driver gives 64-bit integers and sums of them as text; those that fit become numbers, as in SQLite. */
const parsers: Readonly<Record<number, (text: string) => unknown>> = {
  [INT8]: integerOf,
  [NUMERIC]: (text) => (text.includes('.') ? Number(text) : integerOf(text)),
}

function integerOf(text: string): number | bigint {
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : BigInt(text)
}

const parserOf = (oid: number, format?: 'text' | 'binary'): unknown =>
  (format !== 'binary' && parsers[oid]) || types.getTypeParser(oid, format as 'text')

export type PoolOptions = {
  /** Connections at most; they are opened when needed. */
  readonly max: number
  /** Ends statements that take longer than ten seconds. Default true; migrations may take longer. */
  readonly isLimited?: boolean
  readonly isReadOnly?: boolean
}

/** Connections to the database at `url`, none opened yet. One that breaks is dropped and replaced when needed. */
export function createPool(url: string, { max, isLimited = true, isReadOnly = false }: PoolOptions): Pool {
  const config: PoolConfig = {
    connectionString: url,
    max,
    application_name: 'maskline',
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_MS,
    idleTimeoutMillis: 60_000,
    types: { getTypeParser: parserOf as never },
    ...(isLimited && {
      statement_timeout: STATEMENT_MS,
      idle_in_transaction_session_timeout: STATEMENT_MS,
      query_timeout: SILENCE_MS,
    }),
    ...(isReadOnly && { options: '-c default_transaction_read_only=on' }),
  }
  const pool = new Pool(config)
  // A connection that breaks while nobody uses it is no fault of anybody's work; the pool has dropped it already. One
  // that breaks between two statements fails the next of them.
  pool.on('error', () => {})
  pool.on('connect', (client) => void client.on('error', () => {}))
  return pool
}
