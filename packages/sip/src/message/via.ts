import { SEMICOLON, SLASH, isBlank, isToken, skipBlanks, trimmed } from './chars.ts'
import { endOfFirstValue, header } from './headers.ts'
import { formatHostPort, parseHostPort } from './host-port.ts'
import type { SipMessage } from './message.ts'
import { parseParams } from './params.ts'
import type { Params } from './params.ts'

/** One Via value (RFC 3261 §20.42, RFC 3581). */
export type Via = {
  /** In upper case: `UDP`, `TCP`, `TLS`, … */
  readonly transport: string
  /** sent-by; IPv6 without brackets. */
  readonly host: string
  readonly port?: number
  readonly branch?: string
  readonly received?: string
  /** `true`: asked for, not filled in yet. */
  readonly rport?: string | true
  readonly params: Params
}

/** RFC 3261 branches start so; what follows it is unique per transaction. */
export const MAGIC_COOKIE = 'z9hG4bK'

/** Reads a Via value; of a line with several values, the first. Undefined when it cannot be read. */
export function parseVia(text: string): Via | undefined {
  const end = text.includes(',') ? endOfFirstValue(text) : text.length
  const protocol = endOfProtocol(text, end)
  if (protocol === undefined) return undefined
  const { transport, sentByAt } = protocol
  const semicolon = text.indexOf(';', sentByAt)
  const paramsAt = semicolon < 0 || semicolon > end ? end : semicolon
  let sentByEnd = paramsAt
  while (sentByEnd > sentByAt && isBlank(text.charCodeAt(sentByEnd - 1))) sentByEnd--
  const sentBy = text.slice(sentByAt, sentByEnd)
  const tight = sentBy.includes(' ') || sentBy.includes('\t') ? withTightColon(sentBy) : sentBy
  const hostPort = parseHostPort(tight, 0, tight.length)
  const params = parseParams(text, paramsAt, end)
  if (hostPort === undefined || params === undefined) return undefined
  const via: Mutable<Via> = { transport, host: hostPort.host, params }
  if (hostPort.port !== undefined) via.port = hostPort.port
  if (params['branch'] !== undefined) via.branch = params['branch']
  if (params['received'] !== undefined) via.received = params['received']
  if ('rport' in params) via.rport = params['rport'] || true
  return via
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Blanks around the port's colon are legal (RFC 3261 §25.1 COLON). */
function withTightColon(sentBy: string): string {
  const colon = sentBy.lastIndexOf(':')
  if (colon < sentBy.lastIndexOf(']') || colon < 0) return sentBy
  return `${trimmed(sentBy, 0, colon)}:${trimmed(sentBy, colon + 1, sentBy.length)}`
}

function endOfProtocol(text: string, end: number): { transport: string; sentByAt: number } | undefined {
  if (text.startsWith('SIP/2.0/UDP ')) return { transport: 'UDP', sentByAt: skipBlanks(text, 12) }
  const first = text.indexOf('/')
  const second = text.indexOf('/', first + 1)
  if (first < 0 || second < 0 || second > end) return undefined
  if (trimmed(text, 0, first).toUpperCase() !== 'SIP' || !isToken(trimmed(text, first + 1, second)))
    return undefined
  const transportAt = skipBlanks(text, second + 1, end)
  let transportEnd = transportAt
  while (transportEnd < end && !isBlank(text.charCodeAt(transportEnd))) {
    const code = text.charCodeAt(transportEnd)
    if (code === SLASH || code === SEMICOLON) return undefined
    transportEnd++
  }
  if (!isToken(text, transportAt, transportEnd)) return undefined
  const transport = text.slice(transportAt, transportEnd).toUpperCase()
  return { transport, sentByAt: skipBlanks(text, transportEnd, end) }
}

/** The topmost Via, parsed. */
export function topVia(message: SipMessage): Via | undefined {
  const line = header(message, 'Via')
  return line === undefined ? undefined : parseVia(line)
}

/** The branch of the first value on a Via line, without parsing the rest where the line is as usual. */
export function branchOf(text: string): string | undefined {
  const at = text.indexOf(';branch=')
  const comma = text.indexOf(',')
  // Quotes and blanks around `=` are legal but never seen; full parsing handles them.
  if (at < 0 || (comma >= 0 && comma < at) || text.includes('"')) return parseVia(text)?.branch
  const from = skipBlanks(text, at + 8)
  let end = from
  while (end < text.length) {
    const code = text.charCodeAt(end)
    if (code === SEMICOLON || code === 0x2c || isBlank(code)) break
    end++
  }
  return text.slice(from, end)
}

/**
 * A received Via line with what the receiver must note in its first value: `received` when sent-by is not the source
 * address (RFC 3261 §18.2.1), `rport` (and then always `received`) when asked for (RFC 3581 §4). A peer's own claim of
 * either is replaced. Unreadable lines come back as they are.
 */
export function stampVia(text: string, sourceAddress: string, sourcePort: number): string {
  const via = parseVia(text)
  if (via === undefined) return text
  const wantsPort = via.rport !== undefined
  const sameHost = via.host === sourceAddress
  if (!wantsPort && sameHost && via.received === undefined) return text
  const end = text.includes(',') ? endOfFirstValue(text) : text.length
  let stamped = `SIP/2.0/${via.transport} ${formatHostPort(via.host, via.port)}`
  for (const name in via.params) {
    if (name === 'received' || name === 'rport') continue
    const value = via.params[name]
    stamped += value === undefined ? `;${name}` : `;${name}=${isToken(value) ? value : quotedOrHost(value)}`
  }
  if (wantsPort) stamped += `;rport=${sourcePort}`
  if (wantsPort || !sameHost) stamped += `;received=${sourceAddress}`
  return stamped + text.slice(end)
}

/** Values of Via parameters are tokens, hosts or quoted strings. */
function quotedOrHost(value: string): string {
  return /^[\w.:[\]-]+$/.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`
}
