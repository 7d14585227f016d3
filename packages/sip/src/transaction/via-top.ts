import { endOfFirstValue } from '../message/headers.ts'
import type { SipMessage } from '../message/message.ts'
import { stampVia } from '../message/via.ts'
import type { Hop } from '../transport/address.ts'
import { defaultPortOf } from '../transport/default-port.ts'

/** What the layers below the application need of a request's topmost Via. */
export type ViaTop = {
  /** `undefined` when absent: such a peer speaks RFC 2543. */
  readonly branch: string | undefined
  /** `host:port` as written. */
  readonly sentBy: string
  /** Where responses go (RFC 3261 §18.2.2, RFC 3581 §4). */
  readonly replyTo: Hop
  /** Port to connect to when a response's connection is gone (RFC 3261 §18.2.2). */
  readonly sentByPort: number
}

/**
 * Reads the topmost Via and writes `received` and `rport` into it where RFC 3261 §18.2.1 and RFC 3581 §4 ask for it. The
 * message's own header list is changed: it was just parsed and belongs to the stack.
 */
export function stampTopVia(message: SipMessage, source: Hop): ViaTop | undefined {
  const headers = message.headers as string[]
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== 'Via') continue
    const line = headers[i + 1]!
    const comma = line.indexOf(',')
    const via = comma < 0 ? line : line.slice(0, comma)
    const semicolon = via.indexOf(';')
    const hostPart = (semicolon < 0 ? via : via.slice(0, semicolon)).trimEnd()
    const sentBy = hostPart.slice(lastSpace(hostPart) + 1)
    const params = semicolon < 0 ? '' : via.slice(semicolon)
    const { host, port } = splitHostPort(sentBy, source)
    const rport = findParam(params, 'rport')
    if (rport !== undefined || !sameHost(host, source.address) || params.includes('received')) {
      headers[i + 1] = stampVia(line, source.address, source.port)
    }
    const replyTo =
      source.transport !== 'udp' || rport !== undefined || port === source.port
        ? source
        : { address: source.address, port, transport: source.transport }
    return { branch: findParam(params, 'branch'), sentBy, replyTo, sentByPort: port }
  }
  return undefined
}

/** Whether a message has a single Via value, as a response to a request of ours must. */
export function hasOneVia(message: SipMessage): boolean {
  const { headers } = message
  let seen = false
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== 'Via') continue
    const line = headers[i + 1]!
    if (seen || (line.includes(',') && endOfFirstValue(line) < line.length)) return false
    seen = true
  }
  return seen
}

/** The text of a parameter of `;a=1;b` (`''` for one without a value), case-insensitive in its name. */
export function findParam(params: string, name: string): string | undefined {
  let at = params.indexOf(';')
  let equals = params.indexOf('=')
  while (at >= 0) {
    const next = params.indexOf(';', at + 1)
    const end = next < 0 ? params.length : next
    // Looked for once past it: thousands of flags must not each search to the end.
    if (equals >= 0 && equals < at) equals = params.indexOf('=', at)
    const hasValue = equals >= 0 && equals < end
    const key = params.slice(at + 1, hasValue ? equals : end).trim()
    if (key === name || (key.length === name.length && key.toLowerCase() === name)) {
      return hasValue ? params.slice(equals + 1, end).trim() : ''
    }
    at = next
  }
  return undefined
}

function lastSpace(text: string): number {
  // `host : port` with spaces around the colon is legal and only seen in torture tests.
  const tidy = text.lastIndexOf(' ')
  return tidy > 0 && (text[tidy - 1] === ':' || text[tidy + 1] === ':')
    ? text.lastIndexOf(' ', tidy - 2)
    : tidy
}

function splitHostPort(sentBy: string, { transport }: Hop): { host: string; port: number } {
  const bracket = sentBy.lastIndexOf(']')
  const colon = sentBy.indexOf(':', bracket < 0 ? 0 : bracket)
  const host = (colon < 0 ? sentBy : sentBy.slice(0, colon)).trim()
  const port = colon < 0 ? defaultPortOf(transport) : Number(sentBy.slice(colon + 1).trim())
  return {
    host: host.startsWith('[') ? host.slice(1, -1) : host,
    port: port > 0 && port < 65536 ? port : defaultPortOf(transport),
  }
}

function sameHost(host: string, address: string): boolean {
  return host === address || host.toLowerCase() === address.toLowerCase()
}
