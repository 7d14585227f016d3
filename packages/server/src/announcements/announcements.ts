import { createHash } from 'node:crypto'
import type { PlayAudio } from '@maskline/media'
import { createTurns } from '../shared/turns.ts'
import { AppError } from '../shared/app-error.ts'
import type { Clock } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import type { AppAdmin } from '../tenants/ports.ts'
import { type Convert, toAlawFile } from './alaw-file.ts'
import { ANNOUNCEMENT_NAME, type Announcement, type AnnouncementKey, MOST_FILES } from './announcement.ts'
import type { AnnouncementLibrary } from './library.ts'
import type { AnnouncementStore, BindingTones, Review } from './ports.ts'
import { tonesOfApp, type Uses } from './uses.ts'

export type Upload = AnnouncementKey & {
  readonly file: Uint8Array
  readonly originalName: string
  readonly description: string
  readonly uploadedBy: string
}

/** Announcement files of all accounts: what callers hear by name, and what their owners and reviewers do with them. */
export type Announcements = {
  /**
   * The audio of a name: the account's own file when it is approved, else the operator's, else the built-in one. A call
   * keeps what it was given, whatever becomes of the file.
   */
  find(app: Pick<App, 'tenantId'> | undefined, fileName: string): PlayAudio | undefined
  /** Whether an API parameter may name it. */
  exists(app: Pick<App, 'tenantId'>, fileName: string): boolean

  list(tenantId?: string): Promise<readonly Announcement[]>
  get(key: AnnouncementKey): Promise<Announcement>
  /** The WAV file as it is played. */
  wav(key: AnnouncementKey): Promise<Uint8Array>
  /** Takes a new file in; `replacing`: in the place of one of that name, which is reviewed anew. */
  upload(upload: Upload, options?: { readonly replacing: boolean }): Promise<Announcement>
  /** Approves or rejects; holds from this moment on. */
  review(key: AnnouncementKey, review: Omit<Review, 'at'>): Promise<Announcement>
  remove(key: AnnouncementKey): Promise<void>
  uses(key: AnnouncementKey): Promise<Uses>
}

export type AnnouncementsOptions = {
  readonly store: AnnouncementStore
  readonly bindingTones: BindingTones
  readonly apps: Pick<AppAdmin, 'listApps'>
  /** The operator's files and the built-in ones. */
  readonly library: AnnouncementLibrary
  readonly convert: Convert
  readonly autoApprove: boolean
  readonly clock: Clock
}

/**
 * Opens announcement management. All approved audio is held in memory (8 kB a second of it), so that a call never waits
 * for storage. Operations throw AppError `ANNOUNCEMENT_…` with a sentence for the person who asked.
 */
export async function openAnnouncements(options: AnnouncementsOptions): Promise<Announcements> {
  const { store, bindingTones, apps, library, convert, autoApprove, clock } = options
  const approved = new Map<string, PlayAudio>()
  for (const announcement of await store.list()) await refresh(announcement)

  /** Makes the audio in memory what storage says it is. */
  async function refresh(key: AnnouncementKey): Promise<void> {
    const current = await store.find(key)
    const wav = current?.state === 'approved' ? await store.audio(key) : undefined
    if (wav === undefined) return void approved.delete(idOf(key))
    approved.set(idOf(key), { encoding: 'alaw', samples: (await toAlawFile(wav, key.name, convert)).samples })
  }

  /** Changes follow each other, so that what memory holds is what the last one made. */
  const inOrder = createTurns()

  const find: Announcements['find'] = (app, fileName) =>
    (app && approved.get(idOf({ tenantId: app.tenantId, name: fileName }))) ?? library.find(fileName)

  const get = async (key: AnnouncementKey): Promise<Announcement> => (await store.find(key)) ?? unknown(key)

  return {
    find,
    exists: (app, fileName) => find(app, fileName) !== undefined,
    list: (tenantId) => store.list(tenantId),
    get,
    wav: async (key) => (await store.audio(key)) ?? unknown(key),
    async upload(upload, { replacing } = { replacing: false }) {
      const { tenantId, name, file, originalName, description, uploadedBy } = upload
      checkName(name)
      if ((await apps.listApps(tenantId)).length === 0) throw tenantUnknown(tenantId)
      const { wav, samples } = await toAlawFile(file, originalName, convert)
      const at = clock.now()
      const announcement: Announcement = {
        tenantId,
        name,
        state: autoApprove ? 'approved' : 'reviewing',
        description,
        reviewNote: '',
        uploadedBy,
        uploadedAt: at,
        ...(autoApprove && { reviewedAt: at }),
        sha256: createHash('sha256').update(wav).digest('hex'),
        size: wav.length,
        durationMs: Math.round(samples.length / 8),
        originalName,
      }
      return inOrder(async () => {
        const outcome = await store.insert(announcement, wav, { replacing, most: MOST_FILES })
        if (outcome === 'name-taken') throw nameTaken(upload)
        if (outcome === 'account-full') throw accountFull(upload)
        await refresh(upload)
        return announcement
      })
    },
    review: (key, review) =>
      inOrder(async () => {
        if (!(await store.review(key, { ...review, at: clock.now() }))) return unknown(key)
        await refresh(key)
        return get(key)
      }),
    remove: (key) =>
      inOrder(async () => {
        if (!(await store.remove(key))) return unknown(key)
        await refresh(key)
      }),
    async uses(key) {
      await get(key)
      const own = await apps.listApps(key.tenantId)
      const naming = own.flatMap((app) => {
        const settings = [...tonesOfApp(app)].filter(([, file]) => file === key.name).map(([field]) => field)
        return settings.length === 0 ? [] : [{ key: app.key, name: app.name, settings }]
      })
      let bindings = 0
      for (const app of own) bindings += await bindingTones.count(app.key, key.name, clock.now())
      return { apps: naming, bindings }
    },
  }
}

/** A slash is in no name, but it may be in an account's. */
const idOf = ({ tenantId, name }: AnnouncementKey): string => `${name}/${tenantId}`

function checkName(name: string): void {
  if (ANNOUNCEMENT_NAME.test(name)) return
  throw new AppError(
    'ANNOUNCEMENT_NAME',
    `"${name}" is no name of an announcement file: digits, letters and - _ . @ only, 1 to 128 of them`,
  )
}

function unknown({ tenantId, name }: AnnouncementKey): never {
  throw new AppError('ANNOUNCEMENT_UNKNOWN', `account ${tenantId} has no announcement file ${name}`)
}

const tenantUnknown = (tenantId: string): AppError =>
  new AppError('TENANT_UNKNOWN', `there is no account ${tenantId}; an account comes with its first app`)

const nameTaken = ({ tenantId, name }: AnnouncementKey): AppError =>
  new AppError(
    'ANNOUNCEMENT_EXISTS',
    `account ${tenantId} has a file ${name} already; replace it, or choose another name`,
  )

const accountFull = ({ tenantId }: AnnouncementKey): AppError =>
  new AppError(
    'ANNOUNCEMENTS_FULL',
    `account ${tenantId} has ${MOST_FILES} announcement files, which is the most; delete one that is not used`,
  )
