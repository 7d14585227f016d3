import { Client } from 'pg'
import { databaseAt } from './postgres-server.ts'

/**
 * Databases of a test on the server that `npm test` has started (scripts/test.ts): its socket's folder is in
 * MASKLINE_TEST_POSTGRES, and the folder of its programs in MASKLINE_TEST_POSTGRES_BIN.
 */
const socketDir = process.env.MASKLINE_TEST_POSTGRES
export const postgresBin = process.env.MASKLINE_TEST_POSTGRES_BIN

/** Why tests with PostgreSQL are skipped; false when they run. With CI=true they run or fail. */
export const skipsPostgres: string | false =
  socketDir !== undefined || process.env.CI === 'true'
    ? false
    : (process.env.MASKLINE_TEST_POSTGRES_REASON ?? 'npm test starts the PostgreSQL it needs')

/** A database without rows: its first user makes the tables, and they stay. */
export type TestDatabase = {
  readonly url: string
  /** Runs a statement on a connection of its own. */
  query(text: string): Promise<readonly Record<string, unknown>[]>
  /** Empties it, for the next test. */
  release(): Promise<void>
}

const EMPTY = `do $$
  declare names text := (
    select string_agg(quote_ident(tablename), ', ') from pg_tables
    where schemaname = 'public' and tablename not like 'kysely%');
  begin
    if names is not null then execute 'truncate ' || names || ' restart identity'; end if;
  end $$`

const free: TestDatabase[] = []
let made = 0

/** An empty database that nobody else uses until it is released. */
export async function takeDatabase(): Promise<TestDatabase> {
  if (socketDir === undefined) throw new Error('no PostgreSQL: run the tests with npm test')
  const known = free.pop()
  if (known) return known
  const name = `test_${process.pid}_${++made}`
  await query(databaseAt(socketDir, 'postgres'), `create database ${name}`)
  const url = databaseAt(socketDir, name)
  const database: TestDatabase = {
    url,
    query: (text) => query(url, text),
    async release() {
      await query(url, EMPTY)
      free.push(database)
    },
  }
  return database
}

async function query(url: string, text: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}
