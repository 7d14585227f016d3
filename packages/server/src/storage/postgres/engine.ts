import { Kysely } from 'kysely'
import type { PoolClient } from 'pg'
import { AppError } from '../../shared/app-error.ts'
import { redactDatabaseUrl } from '../../shared/database-url.ts'
import type { Engine } from '../engine.ts'
import type { Database } from '../schema.ts'
import { postgresDialect } from './dialect.ts'
import { reasonOf, sqlStateOf } from './faults.ts'
import { createPool } from './pool.ts'
import { createPostgresRunner } from './runner.ts'

/** Connections of one node: for reads and for writes apart, so that a call's lookup never waits for a commit. */
const READERS = 4
const WRITERS = 6

/** Older ones get no repairs from their makers any more. */
const LEAST_VERSION = 13

export type PostgresOptions = {
  /** Id of this node; no other process that runs on the database has it. */
  readonly node: string
  readonly isReadOnly?: boolean
}

/**
 * Opens pools to the database at `url` and makes sure that it can be used. Throws AppError `DATABASE_UNREACHABLE`,
 * `DATABASE_REFUSED` or `DATABASE_UNSUITABLE`, each with a sentence for the operator.
 */
export async function openPostgres(url: string, options: PostgresOptions): Promise<Engine> {
  const { node, isReadOnly = false } = options
  const place = redactDatabaseUrl(url)
  const pools = {
    migrations: createPool(url, { max: 1, isLimited: false, isReadOnly }),
    reads: createPool(url, { max: READERS, isReadOnly }),
    writes: createPool(url, { max: WRITERS, isReadOnly }),
  }
  const closePools = async (): Promise<void> => {
    await Promise.all(Object.values(pools).map((pool) => pool.end()))
  }
  try {
    const client = await pools.migrations.connect()
    try {
      await checkServer(client, place)
    } finally {
      client.release()
    }
  } catch (cause) {
    await closePools()
    throw cause instanceof AppError ? cause : cannotOpen(cause, place)
  }
  const runner = createPostgresRunner(pools.reads, pools.writes, node)
  return {
    builder: new Kysely<Database>({ dialect: postgresDialect(pools.migrations) }),
    runner,
    place,
    async close() {
      await runner.close()
      await closePools()
    },
  }
}

async function checkServer(client: PoolClient, place: string): Promise<void> {
  const { rows } = await client.query<{ version: string; encoding: string }>(
    `select current_setting('server_version_num') as version, current_setting('server_encoding') as encoding`,
  )
  const fault = whyUnsuitable(Number(rows[0]!.version), rows[0]!.encoding)
  if (fault !== undefined) throw new AppError('DATABASE_UNSUITABLE', `${place} ${fault}`)
}

/** What keeps Maskline off a server of that `server_version_num` (150018) and encoding; undefined when nothing does. */
export function whyUnsuitable(version: number, encoding: string): string | undefined {
  const major = Math.floor(version / 10_000)
  if (major < LEAST_VERSION) return `is PostgreSQL ${major}; Maskline needs version ${LEAST_VERSION} or newer`
  if (encoding !== 'UTF8')
    return `stores text as ${encoding}; create a database with \`createdb --encoding=UTF8 --template=template0\``
  return undefined
}

function cannotOpen(cause: unknown, place: string): AppError {
  const reason = reasonOf(cause)
  switch (sqlStateOf(cause)?.slice(0, 2)) {
    case undefined:
    case '53': // too many connections
    case '57': // starting up, shutting down
      return new AppError(
        'DATABASE_UNREACHABLE',
        `PostgreSQL cannot be reached at ${place}: ${reason}; start it, or correct storage.databaseUrl (MASKLINE_DATABASE_URL)`,
        { cause },
      )
    case '3D':
      return new AppError(
        'DATABASE_REFUSED',
        `${reason} (${place}); create it with createdb, or correct storage.databaseUrl (MASKLINE_DATABASE_URL)`,
        { cause },
      )
    default:
      return new AppError(
        'DATABASE_REFUSED',
        `PostgreSQL at ${place} refuses: ${reason}; correct user and password in storage.databaseUrl (MASKLINE_DATABASE_URL), or pg_hba.conf of the server`,
        { cause },
      )
  }
}
