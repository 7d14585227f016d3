import type { EpochMs } from '../shared/time.ts'
import type { ResultKey } from './result-codes.ts'

/** What a request claims in its headers (spec/auth-and-errors.md sections 3.1 to 3.3), well-formed but unproved. */
export type Credentials = {
  readonly scheme: 'AKSK' | 'WSSE'
  /** APP_Key. */
  readonly username: string
  readonly digest: string
  readonly nonce: string
  /** As sent: the digest covers the text. */
  readonly created: string
  readonly createdAt: EpochMs
}

export type CredentialsOrFault =
  { readonly ok: true; readonly credentials: Credentials } | { readonly ok: false; readonly fault: ResultKey }

/** Names in lower case, as node:http gives them. */
export type RequestHeaders = {
  readonly authorization?: string | undefined
  readonly 'x-aksk'?: string | string[] | undefined
  readonly 'x-wsse'?: string | string[] | undefined
}

const FAULTS = {
  AKSK: {
    header: '400 1023033',
    username: '400 1023034',
    nonce: '400 1023035',
    created: '400 1023036',
    digest: '400 1023037',
    format: '400 1023038',
  },
  WSSE: {
    header: '400 1023026',
    username: '400 1023027',
    nonce: '400 1023028',
    created: '400 1023029',
    digest: '400 1023030',
    format: '400 1023031',
  },
} as const satisfies Record<Credentials['scheme'], Record<string, ResultKey>>

/** Longest nonce, characters (section 3.3). What it is made of is not checked: samples differ. */
const NONCE_MAX = 128

/**
 * Reads `Authorization` and the header its scheme asks for. Blanks, the order and the letter case of the attribute
 * names do not matter (section 3.4). The first fault found is the answer, presence before value.
 */
export function readCredentials(headers: RequestHeaders): CredentialsOrFault {
  const { authorization } = headers
  if (authorization === undefined || authorization === '') return refuse('400 1023006')
  const scheme = schemeOf(authorization)
  if (scheme === undefined) return refuse('400 1023013')
  const wrong = faultOfAuthorization(authorization)
  if (wrong !== undefined) return refuse(wrong)

  const faults = FAULTS[scheme]
  const value = scheme === 'AKSK' ? headers['x-aksk'] : headers['x-wsse']
  const token = Array.isArray(value) ? value[0] : value
  if (token === undefined || token === '') return refuse(faults.header)
  const { username, nonce, created, passworddigest: digest } = scanAttributes(token)
  if (!username) return refuse(faults.username)
  if (!nonce || nonce.length > NONCE_MAX) return refuse(faults.nonce)
  if (!created) return refuse(faults.created)
  if (!digest) return refuse(faults.digest)
  const createdAt = parseCreated(created)
  if (createdAt === undefined) return refuse(faults.format)
  return { ok: true, credentials: { scheme, username, digest, nonce, created, createdAt } }
}

function refuse(fault: ResultKey): CredentialsOrFault {
  return { ok: false, fault }
}

/** The first word decides which X- header is required. */
function schemeOf(authorization: string): Credentials['scheme'] | undefined {
  const end = authorization.indexOf(' ')
  const word = (end === -1 ? authorization : authorization.slice(0, end)).toUpperCase()
  return word === 'AKSK' || word === 'WSSE' ? word : undefined
}

function faultOfAuthorization(authorization: string): ResultKey | undefined {
  const { realm, profile, type } = scanAttributes(authorization)
  if (!realm) return '400 1023007'
  if (!profile) return '400 1023008'
  if (!type) return '400 1023012'
  if (realm !== 'SDP') return '400 1023009'
  if (profile !== 'UsernameToken') return '400 1023010'
  // The error text says app_key, the documented value is Appkey: both pass (section 3.4).
  const kind = type.toLowerCase()
  return kind === 'appkey' || kind === 'app_key' ? undefined : '400 1023011'
}

const BLANK = 0x20
const TAB = 0x09
const COMMA = 0x2c
const EQUALS = 0x3d
const QUOTE = 0x22

/**
 * Reads `Word name="value", name="value"` in one pass: words without `=` are skipped, values may stand unquoted,
 * names come back in lower case, the first of two equal names counts.
 */
export function scanAttributes(text: string): Record<string, string | undefined> {
  const found: Record<string, string | undefined> = { __proto__: null } as never
  const end = text.length
  let at = 0
  while (at < end) {
    const start = skipSeparators(text, at)
    at = start
    while (at < end && !endsName(text.charCodeAt(at))) at += 1
    const name = text.slice(start, at).toLowerCase()
    at = skipBlanks(text, at)
    if (text.charCodeAt(at) !== EQUALS) continue
    at = skipBlanks(text, at + 1)
    let value: string
    if (text.charCodeAt(at) === QUOTE) {
      const close = text.indexOf('"', at + 1)
      value = text.slice(at + 1, close === -1 ? end : close)
      at = close === -1 ? end : close + 1
    } else {
      const from = at
      while (at < end && !endsValue(text.charCodeAt(at))) at += 1
      value = text.slice(from, at)
    }
    if (found[name] === undefined) found[name] = value
  }
  return found
}

function endsName(c: number): boolean {
  return c === EQUALS || endsValue(c)
}

function endsValue(c: number): boolean {
  return c === COMMA || c === BLANK || c === TAB
}

function skipBlanks(text: string, from: number): number {
  let at = from
  while (text.charCodeAt(at) === BLANK || text.charCodeAt(at) === TAB) at += 1
  return at
}

function skipSeparators(text: string, from: number): number {
  let at = from
  while (at < text.length && endsValue(text.charCodeAt(at))) at += 1
  return at
}

const CREATED = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/

/** Instant of `yyyy-MM-ddTHH:mm:ssZ`; undefined for another form (milliseconds, offset) or no such date. */
export function parseCreated(text: string): EpochMs | undefined {
  if (!CREATED.test(text)) return undefined
  const at = Date.parse(text)
  if (Number.isNaN(at)) return undefined
  // Date.parse takes 30 February and 24:00:00; the day and the hour must come back as they went in.
  const date = new Date(at)
  const same =
    date.getUTCDate() === Number(text.slice(8, 10)) && date.getUTCHours() === Number(text.slice(11, 13))
  return same ? at : undefined
}
