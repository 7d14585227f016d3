import { hash as digestOf, timingSafeEqual } from 'node:crypto'
import { textToWire } from '../message/chars.ts'
import { parseDigestFields, quoted } from './fields.ts'

/**
 * Digest access authentication as SIP uses it: RFC 3261 §22, RFC 7616 (SHA-256), RFC 8760 (SHA-256 in SIP). Not SHA-512-256, of
 * which there are two readings, and the example of RFC 7616 §3.9.2 fits neither.
 */
export type DigestAlgorithm = 'MD5' | 'SHA-256'

/** A WWW-Authenticate or Proxy-Authenticate value. Strings are wire characters. */
export type DigestChallenge = {
  readonly realm: string
  readonly nonce: string
  readonly algorithm: DigestAlgorithm
  /** Offered protections in lower case; empty: the legacy form of RFC 2069. */
  readonly qop: readonly string[]
  readonly opaque?: string
  /** The nonce was too old; the password may well be right. */
  readonly stale: boolean
}

/** An Authorization or Proxy-Authorization value. Strings are wire characters. */
export type DigestCredentials = {
  readonly username: string
  readonly realm: string
  readonly nonce: string
  /** The digest-uri, as written. */
  readonly uri: string
  readonly response: string
  readonly algorithm: DigestAlgorithm
  readonly opaque?: string
  /** The three come together, or the form is the legacy one. */
  readonly qop?: 'auth' | 'auth-int'
  /** Eight hexadecimal digits. */
  readonly nc?: string
  readonly cnonce?: string
}

/**
 * Reads a challenge. Undefined when it is broken or we could not answer it (another scheme, algorithm or qop), so that of
 * several challenges the first that can be read is the one to answer (RFC 8760 §2.4).
 */
export function parseChallenge(text: string): DigestChallenge | undefined {
  const fields = parseDigestFields(text)
  if (fields === undefined) return undefined
  const { realm, nonce, opaque } = fields
  const algorithm = algorithmOf(fields['algorithm'])
  if (realm === undefined || nonce === undefined || algorithm === undefined) return undefined
  const qop = (fields['qop'] ?? '')
    .toLowerCase()
    .split(/[ \t,]+/)
    .filter((one) => one !== '')
  if (qop.length > 0 && !qop.includes('auth') && !qop.includes('auth-int')) return undefined
  const stale = fields['stale']?.toLowerCase() === 'true'
  return { realm, nonce, algorithm, qop, stale, ...(opaque !== undefined && { opaque }) }
}

/** Reads credentials; undefined when broken, of another scheme, or made with what no challenge of ours offers. */
export function parseCredentials(text: string): DigestCredentials | undefined {
  const fields = parseDigestFields(text)
  if (fields === undefined) return undefined
  const { username, realm, nonce, uri, response, opaque, nc, cnonce } = fields
  const algorithm = algorithmOf(fields['algorithm'])
  if (username === undefined || realm === undefined || nonce === undefined || uri === undefined)
    return undefined
  if (response === undefined || algorithm === undefined) return undefined
  const base = { username, realm, nonce, uri, response, algorithm, ...(opaque !== undefined && { opaque }) }
  const qop = fields['qop']?.toLowerCase()
  if (qop === undefined) return base
  if ((qop !== 'auth' && qop !== 'auth-int') || cnonce === undefined || nc === undefined) return undefined
  return /^[0-9a-f]{8}$/i.test(nc) ? { ...base, qop, nc, cnonce } : undefined
}

function algorithmOf(name: string | undefined): DigestAlgorithm | undefined {
  const upper = name?.toUpperCase() ?? 'MD5'
  return upper === 'MD5' || upper === 'SHA-256' ? upper : undefined
}

export type ChallengeOptions = {
  readonly realm: string
  readonly nonce: string
  readonly algorithm: DigestAlgorithm
  readonly stale?: boolean
  /** Absent: the legacy form, for peers that know no qop. */
  readonly qop?: 'auth'
  readonly opaque?: string
}

/** A WWW-Authenticate or Proxy-Authenticate value (RFC 7616 §3.3). */
export function challengeHeader({ realm, nonce, algorithm, stale, qop, opaque }: ChallengeOptions): string {
  let value = `Digest realm=${quoted(textToWire(realm))}, nonce=${quoted(nonce)}`
  if (opaque !== undefined) value += `, opaque=${quoted(opaque)}`
  if (stale === true) value += ', stale=true'
  value += `, algorithm=${algorithm}`
  return qop === undefined ? value : `${value}, qop="${qop}"`
}

export type AuthorizeOptions = {
  /** Unicode text, hashed in UTF-8. */
  readonly username: string
  readonly password: string
  readonly method: string
  /** The Request-URI of the request that carries the credentials. */
  readonly uri: string
  /** How many times the nonce is used, this time included. */
  readonly nc: number
  readonly cnonce: string
  /** Only hashed when the challenge offers nothing but `auth-int`. */
  readonly body?: Uint8Array
}

/** The Authorization or Proxy-Authorization value that answers a challenge (RFC 7616 §3.4, RFC 3261 §22.4). */
export function authorize(challenge: DigestChallenge, options: AuthorizeOptions): string {
  const { realm, nonce, algorithm, opaque } = challenge
  const username = textToWire(options.username)
  const nc = options.nc.toString(16).padStart(8, '0')
  const qop = challenge.qop.length === 0 ? undefined : challenge.qop.includes('auth') ? 'auth' : 'auth-int'
  const response = responseOf(ha1Wire(username, realm, options.password, algorithm), {
    ...options,
    nonce,
    algorithm,
    nc,
    ...(qop !== undefined && { qop }),
  })
  let value = `Digest username=${quoted(username)}, realm=${quoted(realm)}, nonce=${quoted(nonce)}`
  value += `, uri=${quoted(options.uri)}, response="${response}", algorithm=${algorithm}`
  if (opaque !== undefined) value += `, opaque=${quoted(opaque)}`
  if (qop !== undefined) value += `, qop=${qop}, nc=${nc}, cnonce=${quoted(options.cnonce)}`
  return value
}

/** H(username:realm:password) in hexadecimal: what to store instead of a password. All three are Unicode text. */
export function ha1(username: string, realm: string, password: string, algorithm: DigestAlgorithm): string {
  return ha1Wire(textToWire(username), textToWire(realm), password, algorithm)
}

export type VerifyOptions = {
  /** Method of the request; an ACK is not challenged (RFC 3261 §22.1). */
  readonly method: string
  /** For `auth-int`. */
  readonly body?: Uint8Array
} & ({ readonly password: string } | { readonly ha1: string })

/**
 * Whether the response in the credentials was made with the password (or its `ha1` for the credentials' realm and
 * algorithm). Compares in constant time. The rest is the caller's to check: that realm, algorithm and username are its own,
 * that `qop` is there if it was offered, that the nonce is good (`NonceFactory`), and that `uri` fits the Request-URI.
 */
export function verifyCredentials(credentials: DigestCredentials, options: VerifyOptions): boolean {
  const { username, realm, algorithm } = credentials
  const secret = 'ha1' in options ? options.ha1 : ha1Wire(username, realm, options.password, algorithm)
  const expected = responseOf(secret.toLowerCase(), { ...credentials, ...options })
  const given = credentials.response.toLowerCase()
  // A wrong length is no secret: it follows from the algorithm.
  return (
    given.length === expected.length &&
    timingSafeEqual(Buffer.from(given, 'latin1'), Buffer.from(expected, 'latin1'))
  )
}

type ResponseInput = {
  readonly method: string
  readonly uri: string
  readonly nonce: string
  readonly algorithm: DigestAlgorithm
  readonly qop?: 'auth' | 'auth-int'
  readonly nc?: string
  readonly cnonce?: string
  readonly body?: Uint8Array
}

/** The `response` value (RFC 7616 §3.4.1; without qop RFC 2069 §2.1.2). */
function responseOf(secret: string, input: ResponseInput): string {
  const { method, uri, nonce, algorithm, qop, nc, cnonce, body } = input
  const bodyHash = qop === 'auth-int' ? `:${digest(algorithm, body ?? '')}` : ''
  const a2 = digest(algorithm, `${method}:${uri}${bodyHash}`)
  const middle = qop === undefined ? '' : `${nc}:${cnonce}:${qop}:`
  return digest(algorithm, `${secret}:${nonce}:${middle}${a2}`)
}

/** `username` and `realm` as on the wire, `password` as text. */
function ha1Wire(username: string, realm: string, password: string, algorithm: DigestAlgorithm): string {
  return digest(algorithm, `${username}:${realm}:${textToWire(password)}`)
}

function digest(algorithm: DigestAlgorithm, data: string | Uint8Array): string {
  const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data
  return digestOf(algorithm === 'MD5' ? 'md5' : 'sha256', bytes, 'hex')
}
