import { PERCENT, SP } from './chars.ts'
import { formatHostPort, parseHostPort } from './host-port.ts'
import { formatParams, parseParams } from './params.ts'
import type { Params } from './params.ts'

/**
 * A SIP, SIPS (RFC 3261 §19.1) or tel URI (RFC 3966). All parts are as on the wire, escapes not undone; `unescapeUser` does
 * that. A tel URI has its number in `user` and an empty host.
 */
export type SipUri = {
  readonly scheme: 'sip' | 'sips' | 'tel'
  readonly user?: string
  readonly password?: string
  /** IPv6 without brackets. */
  readonly host: string
  readonly port?: number
  readonly params: Params
  /** What follows `?`, raw. Never obeyed by this package. */
  readonly headers?: string
}

/** The scheme in lower case, or undefined; for telling an unknown scheme (416) from a broken URI (400). */
export function schemeOf(text: string): string | undefined {
  return /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase()
}

/** Reads a `sip:`, `sips:` or `tel:` URI; undefined for other schemes and for what breaks the grammar. */
export function parseUri(text: string): SipUri | undefined {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code <= SP || code === 0x7f || code === 0x22 || code === 0x3c || code === 0x3e) return undefined
  }
  const colon = text.indexOf(':')
  if (colon !== 3 && colon !== 4) return undefined
  const scheme = text.slice(0, colon).toLowerCase()
  if (scheme === 'tel') return parseTel(text)
  if (scheme !== 'sip' && scheme !== 'sips') return undefined

  // The user part may hold `;` and `?`, so `@` is looked for first. A second `@` has two readings: refused.
  const at = text.indexOf('@', colon)
  if (at >= 0 && text.indexOf('@', at + 1) >= 0) return undefined
  const hostAt = at < 0 ? colon + 1 : at + 1
  const questionAt = text.indexOf('?', hostAt)
  const paramsEnd = questionAt < 0 ? text.length : questionAt
  const semicolon = text.indexOf(';', hostAt)
  const hostEnd = semicolon < 0 || semicolon > paramsEnd ? paramsEnd : semicolon
  const hostPort = parseHostPort(text, hostAt, hostEnd)
  const params = parseParams(text, hostEnd, paramsEnd)
  if (hostPort === undefined || params === undefined) return undefined

  const uri: Mutable<SipUri> = { scheme, host: hostPort.host, params }
  if (at >= 0) {
    const passwordColon = text.indexOf(':', colon + 1)
    const hasPassword = passwordColon >= 0 && passwordColon < at
    uri.user = text.slice(colon + 1, hasPassword ? passwordColon : at)
    if (uri.user === '') return undefined
    if (hasPassword) uri.password = text.slice(passwordColon + 1, at)
  }
  if (hostPort.port !== undefined) uri.port = hostPort.port
  if (questionAt >= 0) uri.headers = text.slice(questionAt + 1)
  return uri
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

function parseTel(text: string): SipUri | undefined {
  const semicolon = text.indexOf(';')
  const user = text.slice(4, semicolon < 0 ? text.length : semicolon)
  const params = parseParams(text, semicolon < 0 ? text.length : semicolon)
  if (params === undefined || !/^\+?[\dA-Fa-f*#().-]+$/.test(user)) return undefined
  return { scheme: 'tel', user, host: '', params }
}

/** The inverse of `parseUri`. Parts must already be escaped: see `escapeUser`. */
export function formatUri(uri: SipUri): string {
  const params = formatParams(uri.params)
  if (uri.scheme === 'tel') return `tel:${uri.user ?? ''}${params}`
  const password = uri.password === undefined ? '' : `:${uri.password}`
  const userinfo = uri.user === undefined ? '' : `${uri.user}${password}@`
  const headers = uri.headers === undefined ? '' : `?${uri.headers}`
  return `${uri.scheme}:${userinfo}${formatHostPort(uri.host, uri.port)}${params}${headers}`
}

/** Escapes what a user part may not hold (RFC 3261 §25.1 user); non-ASCII characters go as escaped UTF-8. */
export function escapeUser(user: string): string {
  // eslint-disable-next-line no-useless-escape
  return user.replace(/[^A-Za-z0-9\-_.!~*'()&=+$,;?\/]+/gu, (odd) =>
    Buffer.from(odd, 'utf8').reduce(
      (text, byte) => `${text}%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
      '',
    ),
  )
}

/** Undoes `%xx`; other percent signs stay. The result is wire characters (see `wireToText`) and may hold anything. */
export function unescapeUser(user: string): string {
  if (!user.includes('%')) return user
  return user.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** Parameters that make two URIs differ even when only one of them has it (RFC 3261 §19.1.4). */
const TELLING_PARAMS = ['user', 'ttl', 'method', 'maddr', 'transport']

/** Whether two URIs mean the same resource by the rules of RFC 3261 §19.1.4 (tel: RFC 3966 §4, case and separators). */
export function sipUriEquals(a: SipUri, b: SipUri): boolean {
  if (a.scheme !== b.scheme) return false
  if (a.scheme === 'tel') return telNumber(a) === telNumber(b) && sameParams(a.params, b.params, true)
  return (
    sameEscaped(a.user, b.user) &&
    sameEscaped(a.password, b.password) &&
    a.host.toLowerCase() === b.host.toLowerCase() &&
    a.port === b.port &&
    sameParams(a.params, b.params, false) &&
    sameHeaders(a.headers, b.headers)
  )
}

function telNumber(uri: SipUri): string {
  return (uri.user ?? '').replace(/[().-]/g, '').toLowerCase()
}

function sameParams(a: Params, b: Params, all: boolean): boolean {
  const names = all ? [...Object.keys(a), ...Object.keys(b)] : TELLING_PARAMS
  for (const name of names) if (name in a !== name in b) return false
  for (const name in a) {
    if (
      name in b &&
      canonicalEscapes(a[name] ?? '').toLowerCase() !== canonicalEscapes(b[name] ?? '').toLowerCase()
    )
      return false
  }
  return true
}

function sameEscaped(a: string | undefined, b: string | undefined): boolean {
  if (a === b) return true
  return a !== undefined && b !== undefined && canonicalEscapes(a) === canonicalEscapes(b)
}

/** Undoes escapes of unreserved characters only: `%61` is `a`, but `%3B` is not `;`. */
function canonicalEscapes(text: string): string {
  if (text.indexOf('%') < 0) return text
  return text.replace(/%([0-9A-Fa-f]{2})/g, (escape, hex: string) => {
    const code = Number.parseInt(hex, 16)
    const char = String.fromCharCode(code)
    return code > SP && code !== PERCENT && /[A-Za-z0-9\-_.!~*'()]/.test(char) ? char : escape.toUpperCase()
  })
}

function sameHeaders(a: string | undefined, b: string | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined) return false
  const sorted = (headers: string): string =>
    headers
      .split('&')
      .map((pair) => {
        const equals = pair.indexOf('=')
        const name = equals < 0 ? pair : pair.slice(0, equals)
        return `${canonicalEscapes(name).toLowerCase()}=${equals < 0 ? '' : canonicalEscapes(pair.slice(equals + 1))}`
      })
      .sort()
      .join('&')
  return sorted(a) === sorted(b)
}
