import { lookup } from 'node:dns'
import { isIP } from 'node:net'
import { parseUri } from '../message/uri.ts'
import type { FaultReport } from '../shared/fault-report.ts'
import type { Hop, TransportName } from './address.ts'

const DEFAULT_PORT = 5060

export type NextHop = { readonly host: string; readonly port: number; readonly transport: TransportName }

/**
 * Host, port and transport a URI leads to (RFC 3263 §4.1 without NAPTR and SRV); undefined when it is no `sip:` URI or asks
 * for a transport that is not spoken here: a `sips:` call must not go out in the clear.
 */
export function nextHopOf(uriText: string): NextHop | undefined {
  const uri = parseUri(uriText)
  if (uri?.scheme !== 'sip') return undefined
  const transport = uri.params['transport']?.toLowerCase() ?? 'udp'
  if (transport !== 'udp' && transport !== 'tcp') return undefined
  return { host: uri.params['maddr'] ?? uri.host, port: uri.port ?? DEFAULT_PORT, transport }
}

/** The hop when the host is a literal address. */
export function literalHop({ host, port, transport }: NextHop): Hop | undefined {
  return isIP(host) === 0 ? undefined : { address: host, port, transport }
}

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
export function resolveHop(
  { host, port, transport }: NextHop,
  report: FaultReport,
  done: (hop: Hop | undefined) => void,
): void {
  lookup(host, (failure, address) => {
    try {
      done(failure === null ? { address, port, transport } : undefined)
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
