import type { Readable } from 'node:stream'

/** JSON Schema. */
export type Schema = { readonly [keyword: string]: unknown }

/** A request that was let in and fits its schemas. */
export type AdminRequest = {
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, string>>
  /** Parsed JSON, or the bytes of a file. */
  readonly body: unknown
}

/** JSON unless it is audio, or lines of JSON that come as there are some. */
export type AdminAnswer = {
  readonly status?: number
  readonly json?: unknown
  readonly wav?: Uint8Array
  readonly lines?: Readable
}

/** One operation of the admin API: how it is asked, what the document says of it, what it does. */
export type Operation = {
  /** Unique: `uploadAnnouncement`. */
  readonly id: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** `/v1/announcements/:tenant/:name`. */
  readonly path: string
  readonly summary: string
  readonly query?: Readonly<Record<string, Schema>>
  /** Query parameters that must be there. */
  readonly needs?: readonly string[]
  /** JSON body, or a file. */
  readonly body?: Schema | 'file'
  readonly success: {
    readonly status: number
    readonly says: string
    readonly schema?: Schema | 'wav' | { readonly lines: Schema }
  }
  /** Codes of errors beside those of every operation. */
  readonly errors: readonly AdminErrorCode[]
  handle(request: AdminRequest): Promise<AdminAnswer>
}

/** Every error code of the admin API and its HTTP status. */
export const ADMIN_ERRORS = {
  INVALID: 400,
  ANNOUNCEMENT_NAME: 400,
  TENANT_AMBIGUOUS: 400,
  UNAUTHORIZED: 401,
  NOT_FOUND: 404,
  ANNOUNCEMENT_UNKNOWN: 404,
  APP_UNKNOWN: 404,
  BAN_UNKNOWN: 404,
  NUMBER_UNKNOWN: 404,
  SMS_UNKNOWN: 404,
  TENANT_UNKNOWN: 404,
  TRUNK_UNKNOWN: 404,
  ANNOUNCEMENT_EXISTS: 409,
  ANNOUNCEMENTS_FULL: 409,
  APP_EXISTS: 409,
  TRACES_FULL: 409,
  ANNOUNCEMENT_TOO_LARGE: 413,
  ANNOUNCEMENT_FORMAT: 422,
  INTERNAL: 500,
} as const
export type AdminErrorCode = keyof typeof ADMIN_ERRORS

/** A request that breaks rules: every one of them, in a sentence each. */
export class InvalidRequest extends Error {
  readonly faults: readonly string[]
  constructor(faults: readonly string[]) {
    super(faults.join('; '))
    this.name = 'InvalidRequest'
    this.faults = faults
  }
}

export const text = (about: string, more: Schema = {}): Schema => ({
  type: 'string',
  description: about,
  ...more,
})
export const flag = (about: string): Schema => ({ type: 'boolean', description: about })
export const list = (items: Schema, about: string): Schema => ({ type: 'array', items, description: about })
/** An object with these members and no others. */
export const members = (properties: Readonly<Record<string, Schema>>, more: Schema = {}): Schema => ({
  type: 'object',
  properties,
  additionalProperties: false,
  ...more,
})
