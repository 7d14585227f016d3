import { lookup } from 'node:dns'
import { isIP } from 'node:net'
import { parseUri } from '../message/uri.ts'
import type { FaultReport } from '../shared/fault-report.ts'
import type { Hop, TransportName } from './address.ts'
import { defaultPortOf } from './default-port.ts'

export type NextHop = {
  readonly host: string
  readonly port: number
  readonly transport: TransportName
  /** What a TLS server's certificate must name, when that is a domain (RFC 5922 §7). */
  readonly serverName?: string
}

/**
 * Host, port and transport a URI leads to (RFC 3263 §4.1 without NAPTR and SRV); undefined when it is no SIP URI or asks
 * for a transport that is not connected to from here: a `sips:` call never goes out in the clear (RFC 3261 §26.2.2).
 */
export function nextHopOf(uriText: string): NextHop | undefined {
  const uri = parseUri(uriText)
  if (uri === undefined || uri.scheme === 'tel') return undefined
  const transport = transportOf(uri.scheme === 'sips', uri.params['transport']?.toLowerCase())
  if (transport === undefined) return undefined
  const { host } = uri
  return {
    host: uri.params['maddr'] ?? host,
    port: uri.port ?? defaultPortOf(transport),
    transport,
    ...(transport === 'tls' && isIP(host) === 0 && { serverName: host }),
  }
}

/** `sips` means TLS, also where the URI says TCP (RFC 3261 §26.2.2). */
function transportOf(isSecure: boolean, given: string | undefined): 'udp' | 'tcp' | 'tls' | undefined {
  if (isSecure) return given === undefined || given === 'tcp' || given === 'tls' ? 'tls' : undefined
  if (given === undefined) return 'udp'
  return given === 'udp' || given === 'tcp' || given === 'tls' ? given : undefined
}

/** The hop when the host is a literal address. */
export function literalHop(next: NextHop): Hop | undefined {
  return isIP(next.host) === 0 ? undefined : hopTo(next.host, next)
}

const hopTo = (address: string, { port, transport, serverName }: NextHop): Hop =>
  serverName === undefined ? { address, port, transport } : { address, port, transport, serverName }

/** Where a new request goes: the given hop, or what the URI leads to. Calls `done` at once when no name is to be looked up. */
export function findHop(
  uri: string,
  given: Hop | undefined,
  report: FaultReport,
  done: (hop: Hop | undefined) => void,
): void {
  if (given !== undefined && isIP(given.address) !== 0) {
    done(given)
    return
  }
  const next = given === undefined ? nextHopOf(uri) : { ...given, host: given.address }
  const hop = next === undefined ? undefined : literalHop(next)
  if (hop !== undefined || next === undefined) done(hop)
  else resolveHop(next, report, done)
}

/** Looks the host up (A, AAAA); `done` gets undefined when it has no address. What `done` throws is reported. */
export function resolveHop(next: NextHop, report: FaultReport, done: (hop: Hop | undefined) => void): void {
  lookup(next.host, (failure, address) => {
    try {
      done(failure === null ? hopTo(address, next) : undefined)
    } catch (error) {
      report(error, 'look-up')
    }
  })
}

/** Addresses that mean nothing outside their own network (RFC 1918, RFC 6598). */
export function isPrivate(address: string): boolean {
  if (address.startsWith('10.') || address.startsWith('192.168.')) return true
  const second = /^(172|100)\.(\d+)\./.exec(address)
  if (second === null) return false
  const octet = Number(second[2])
  return second[1] === '172' ? octet >= 16 && octet < 32 : octet >= 64 && octet < 128
}
