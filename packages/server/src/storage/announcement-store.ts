import type { Announcement, AnnouncementKey, ReviewState } from '../announcements/announcement.ts'
import type { AnnouncementStore, InsertAnnouncement } from '../announcements/ports.ts'
import { all, first, type Plan, prepare, type QueryBuilder, type Runner, slot } from './plan.ts'

/** Announcement files of accounts; the audio is base64 text, up to 2.8 MB, and read for itself only. */
export function createAnnouncementStore(runner: Runner, builder: QueryBuilder): AnnouncementStore {
  const q = queries(builder)

  function* insert(
    announcement: Announcement,
    audio: string,
    { replacing, most }: { readonly replacing: boolean; readonly most: number },
  ): Plan<InsertAnnouncement> {
    const { tenantId, name } = announcement
    if (replacing) yield* all(q.remove, tenantId, name)
    const others = yield* all(q.names, tenantId)
    if (others.some((other) => other.name === name)) return 'name-taken'
    if (others.length >= most) return 'account-full'
    yield* all(
      q.insert,
      tenantId,
      name,
      announcement.state,
      announcement.description,
      announcement.reviewNote,
      announcement.uploadedBy,
      announcement.uploadedAt,
      announcement.reviewedAt ?? null,
      announcement.sha256,
      announcement.size,
      announcement.durationMs,
      announcement.originalName,
      audio,
    )
    return 'inserted'
  }

  const key = ({ tenantId, name }: AnnouncementKey): readonly [string, string] => [tenantId, name]
  /** Changes of one account follow each other, for the count of its files. */
  const about = ({ tenantId }: AnnouncementKey): readonly string[] => [`announcements of ${tenantId}`]

  return {
    async list(tenantId) {
      const rows = await runner.read(tenantId === undefined ? all(q.all) : all(q.ofTenant, tenantId))
      return rows.map(toAnnouncement)
    },
    async find(of) {
      const row = await runner.read(first(q.one, ...key(of)))
      return row && toAnnouncement(row)
    },
    async audio(of) {
      const row = await runner.read(first(q.audio, ...key(of)))
      return row && new Uint8Array(Buffer.from(row.audio, 'base64'))
    },
    async insert(announcement, wav, options) {
      const audio = Buffer.from(wav).toString('base64')
      return runner.write(() => insert(announcement, audio, options), about(announcement))
    },
    async review(of, { state, note, at }) {
      const rows = await runner.write(() => all(q.review, ...key(of), state, note, at), about(of))
      return rows.length > 0
    },
    async remove(of) {
      const rows = await runner.write(() => all(q.remove, ...key(of)), about(of))
      return rows.length > 0
    },
  }
}

const COLUMNS = [
  'tenant_id',
  'name',
  'state',
  'description',
  'review_note',
  'uploaded_by',
  'uploaded_at',
  'reviewed_at',
  'sha256',
  'size',
  'duration_ms',
  'original_name',
] as const

type Row = {
  readonly tenant_id: string
  readonly name: string
  readonly state: string
  readonly description: string
  readonly review_note: string
  readonly uploaded_by: string
  readonly uploaded_at: number
  readonly reviewed_at: number | null
  readonly sha256: string
  readonly size: number
  readonly duration_ms: number
  readonly original_name: string
}

const toAnnouncement = (row: Row): Announcement => ({
  tenantId: row.tenant_id,
  name: row.name,
  state: row.state as ReviewState,
  description: row.description,
  reviewNote: row.review_note,
  uploadedBy: row.uploaded_by,
  uploadedAt: row.uploaded_at,
  ...(row.reviewed_at !== null && { reviewedAt: row.reviewed_at }),
  sha256: row.sha256,
  size: row.size,
  durationMs: row.duration_ms,
  originalName: row.original_name,
})

function queries(db: QueryBuilder) {
  const rows = db.selectFrom('announcement').select(COLUMNS)
  const ofTenant = rows.where('tenant_id', '=', slot<string>(0))
  const one = db
    .selectFrom('announcement')
    .where('tenant_id', '=', slot<string>(0))
    .where('name', '=', slot<string>(1))
  return {
    all: prepare(rows.orderBy('tenant_id').orderBy('name')),
    ofTenant: prepare(ofTenant.orderBy('name')),
    one: prepare(one.select(COLUMNS)),
    audio: prepare(one.select('audio')),
    names: prepare(db.selectFrom('announcement').select('name').where('tenant_id', '=', slot<string>(0))),
    insert: prepare(
      db.insertInto('announcement').values({
        tenant_id: slot<string>(0),
        name: slot<string>(1),
        state: slot<string>(2),
        description: slot<string>(3),
        review_note: slot<string>(4),
        uploaded_by: slot<string>(5),
        uploaded_at: slot<number>(6),
        reviewed_at: slot<number | null>(7),
        sha256: slot<string>(8),
        size: slot<number>(9),
        duration_ms: slot<number>(10),
        original_name: slot<string>(11),
        audio: slot<string>(12),
      }),
    ),
    review: prepare(
      db
        .updateTable('announcement')
        .set({ state: slot<string>(2), review_note: slot<string>(3), reviewed_at: slot<number>(4) })
        .where('tenant_id', '=', slot<string>(0))
        .where('name', '=', slot<string>(1))
        .returning('name'),
    ),
    remove: prepare(
      db
        .deleteFrom('announcement')
        .where('tenant_id', '=', slot<string>(0))
        .where('name', '=', slot<string>(1))
        .returning('name'),
    ),
  }
}
