import type { Announcement, AnnouncementKey } from '../announcements/announcement.ts'
import type { Announcements } from '../announcements/announcements.ts'
import { AppError } from '../shared/app-error.ts'
import type { AppAdmin } from '../tenants/ports.ts'
import { type AdminRequest, list, members, type Operation, type Schema, text } from './operation.ts'

/** Announcement files (spec/announcements.md section 4). */
export function announcementOperations(
  announcements: Announcements,
  apps: Pick<AppAdmin, 'listApps'>,
): readonly Operation[] {
  /** The account named, or the only one there is. */
  const tenantOf = async (given: string | undefined): Promise<string> => {
    if (given !== undefined) return given
    const tenants = [...new Set((await apps.listApps()).map(({ tenantId }) => tenantId))]
    if (tenants.length === 1) return tenants[0]!
    throw new AppError(
      'TENANT_AMBIGUOUS',
      tenants.length === 0
        ? 'there is no account yet; an account comes with its first app'
        : `name the account (tenant): ${tenants.join(', ')}`,
    )
  }

  const upload = async (
    key: AnnouncementKey,
    { query, body }: AdminRequest,
    replacing: boolean,
  ): Promise<Schema> =>
    toView(
      await announcements.upload(
        {
          ...key,
          file: body instanceof Uint8Array ? new Uint8Array(body) : new Uint8Array(),
          originalName: query.fileName ?? key.name,
          description: query.description ?? '',
          uploadedBy: query.by ?? 'operator',
        },
        { replacing },
      ),
    )

  return [
    {
      id: 'listAnnouncements',
      method: 'GET',
      path: '/v1/announcements',
      summary: 'Announcement files, of one account or of all',
      query: { tenant: text('account') },
      success: { status: 200, says: 'the files', schema: members({ announcements: list(VIEW, 'by name') }) },
      errors: [],
      async handle({ query }) {
        return { json: { announcements: (await announcements.list(query.tenant)).map(toView) } }
      },
    },
    {
      id: 'uploadAnnouncement',
      method: 'POST',
      path: '/v1/announcements',
      summary: 'Uploads a file: WAV A-law 8 kHz mono is kept as it is, other audio is converted',
      query: { tenant: text('account; may be left out when there is one only'), name: NAME, ...UPLOAD },
      needs: ['name'],
      body: 'file',
      success: { status: 201, says: 'taken in', schema: VIEW },
      errors: [...UPLOAD_ERRORS, 'TENANT_AMBIGUOUS', 'ANNOUNCEMENT_EXISTS'],
      async handle(request) {
        const key = { tenantId: await tenantOf(request.query.tenant), name: request.query.name! }
        return { status: 201, json: await upload(key, request, false) }
      },
    },
    {
      id: 'getAnnouncement',
      method: 'GET',
      path: PATH,
      summary: 'One file',
      success: { status: 200, says: 'the file', schema: VIEW },
      errors: ['ANNOUNCEMENT_UNKNOWN'],
      handle: async ({ params }) => ({ json: toView(await announcements.get(keyOf(params))) }),
    },
    {
      id: 'replaceAnnouncement',
      method: 'PUT',
      path: PATH,
      summary: 'Deletes the file and uploads another under its name; it is reviewed anew',
      query: UPLOAD,
      body: 'file',
      success: { status: 200, says: 'replaced', schema: VIEW },
      errors: [...UPLOAD_ERRORS, 'ANNOUNCEMENT_UNKNOWN'],
      async handle(request) {
        await announcements.get(keyOf(request.params))
        return { json: await upload(keyOf(request.params), request, true) }
      },
    },
    {
      id: 'deleteAnnouncement',
      method: 'DELETE',
      path: PATH,
      summary: 'Deletes a file; who named it is answered, and goes without a tone from now on',
      success: { status: 200, says: 'deleted; who named it', schema: USES },
      errors: ['ANNOUNCEMENT_UNKNOWN'],
      async handle({ params }) {
        const uses = await announcements.uses(keyOf(params))
        await announcements.remove(keyOf(params))
        return { json: uses }
      },
    },
    {
      id: 'getAnnouncementAudio',
      method: 'GET',
      path: `${PATH}/audio`,
      summary: 'The WAV file, as callers hear it',
      success: { status: 200, says: 'the file', schema: 'wav' },
      errors: ['ANNOUNCEMENT_UNKNOWN'],
      handle: async ({ params }) => ({ wav: await announcements.wav(keyOf(params)) }),
    },
    {
      id: 'getAnnouncementUses',
      method: 'GET',
      path: `${PATH}/uses`,
      summary: 'Apps that name the file, and how many bindings do',
      success: { status: 200, says: 'the uses', schema: USES },
      errors: ['ANNOUNCEMENT_UNKNOWN'],
      handle: async ({ params }) => ({ json: await announcements.uses(keyOf(params)) }),
    },
    ...(['approved', 'rejected'] as const).map((state): Operation => ({
      id: state === 'approved' ? 'approveAnnouncement' : 'rejectAnnouncement',
      method: 'POST',
      path: `${PATH}/${state === 'approved' ? 'approve' : 'reject'}`,
      summary:
        state === 'approved' ? 'Approves a file: callers hear it from now on' : 'Rejects a file, with a note',
      body:
        state === 'approved'
          ? members({ note: text('review note', { maxLength: 1000 }) })
          : members(
              { note: text('why, and what to do', { minLength: 1, maxLength: 1000 }) },
              { required: ['note'] },
            ),
      success: { status: 200, says: 'reviewed', schema: VIEW },
      errors: ['ANNOUNCEMENT_UNKNOWN'],
      async handle({ params, body }) {
        const { note = '' } = body as { readonly note?: string }
        return { json: toView(await announcements.review(keyOf(params), { state, note })) }
      },
    })),
  ]
}

const PATH = '/v1/announcements/:tenant/:name'
const NAME = text('name: digits, letters and - _ . @', { maxLength: 1000 })
const UPLOAD = {
  description: text('what it is for (文件说明)', { maxLength: 1000 }),
  fileName: text('what the file was called', { maxLength: 255 }),
  by: text('who uploads it', { maxLength: 100 }),
}
const UPLOAD_ERRORS = [
  'ANNOUNCEMENT_NAME',
  'TENANT_UNKNOWN',
  'ANNOUNCEMENTS_FULL',
  'ANNOUNCEMENT_TOO_LARGE',
  'ANNOUNCEMENT_FORMAT',
] as const

const keyOf = (params: AdminRequest['params']): AnnouncementKey => ({
  tenantId: params.tenant!,
  name: params.name!,
})

/** Chinese labels of the states, as the console shows them. */
const LABELS = { reviewing: '待审核', approved: '审核通过', rejected: '审核不通过' } as const

const toView = ({ tenantId, uploadedAt, reviewedAt, state, ...rest }: Announcement) => ({
  tenant: tenantId,
  ...rest,
  state,
  stateLabel: LABELS[state],
  uploadedAt: new Date(uploadedAt).toISOString(),
  ...(reviewedAt !== undefined && { reviewedAt: new Date(reviewedAt).toISOString() }),
})

const VIEW: Schema = members({
  tenant: text('account'),
  name: NAME,
  state: text('review', { enum: Object.keys(LABELS) }),
  stateLabel: text('the same in Chinese', { enum: Object.values(LABELS) }),
  description: text('of the one who uploaded it'),
  reviewNote: text('of the one who reviewed it'),
  uploadedBy: text('who'),
  uploadedAt: text('when', { format: 'date-time' }),
  reviewedAt: text('when', { format: 'date-time' }),
  sha256: text('of the WAV file, hex'),
  size: { type: 'integer', description: 'of the WAV file, bytes' },
  durationMs: { type: 'integer' },
  originalName: text('what the uploaded file was called'),
})

const USES: Schema = members({
  apps: list(
    members({
      key: text('APP_Key'),
      name: text('its name'),
      settings: list(text('setting'), 'that name it'),
    }),
    'of the account, that name it',
  ),
  bindings: { type: 'integer', description: 'live bindings of the account that name it' },
})
