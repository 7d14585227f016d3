import { type Kysely, type Migration, Migrator } from 'kysely'
import { AppError } from '../../shared/app-error.ts'
import { core } from './0001-core.ts'
import { journalDead } from './0002-journal-dead.ts'
import { modes } from './0003-modes.ts'
import { announcements } from './0004-announcements.ts'
import { recordings } from './0005-recordings.ts'
import { bindCount } from './0006-bind-count.ts'
import { outboxRowid } from './0007-outbox-rowid.ts'
import { sms } from './0008-sms.ts'
import { smsUnread } from './0009-sms-unread.ts'

/** In the order of their names; one that has been released is never changed. */
const MIGRATIONS: Record<string, Migration> = {
  '0001-core': core,
  '0002-journal-dead': journalDead,
  '0003-modes': modes,
  '0004-announcements': announcements,
  '0005-recordings': recordings,
  '0006-bind-count': bindCount,
  '0007-outbox-rowid': outboxRowid,
  '0008-sms': sms,
  '0009-sms-unread': smsUnread,
}

/** Brings the schema up to date, all of it or nothing. Throws AppError `MIGRATION_FAILED`. */
export async function migrate(db: Kysely<never>): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } })
  const { error } = await migrator.migrateToLatest()
  if (error === undefined) return
  const reason = error instanceof Error ? error.message : String(error)
  throw new AppError('MIGRATION_FAILED', `the database could not be brought up to date: ${reason}`, {
    cause: error,
  })
}
