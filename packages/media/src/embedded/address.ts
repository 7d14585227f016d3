import { isIPv4, isIPv6 } from 'node:net'

/**
 * How far an address reaches, from near to far: loopback, link-local, private (RFC 1918, RFC 6598, RFC 4193), public.
 * A host whose SIP comes from far cannot be met under an address that reaches less far: that one is of its own net.
 */
export function reachOf(address: string): 0 | 1 | 2 | 3 {
  if (address.includes(':')) {
    if (address === '::1') return 0
    if (/^fe[89ab]/.test(address)) return 1
    return /^f[cd]/.test(address) ? 2 : 3
  }
  const [first = 0, second = 0] = address.split('.', 2).map(Number)
  if (first === 127) return 0
  if (first === 169 && second === 254) return 1
  const isPrivate =
    first === 10 ||
    (first === 172 && second >= 16 && second < 32) ||
    (first === 192 && second === 168) ||
    (first === 100 && second >= 64 && second < 128)
  return isPrivate ? 2 : 3
}

/** Whether two addresses are one host. All of 127.0.0.0/8 is: a socket bound to every address sends from 127.0.0.1. */
export const isSameHost = (one: string, other: string): boolean =>
  one === other || (one.startsWith('127.') && other.startsWith('127.'))

/** An address as a socket writes it: no zone, no brackets, IPv4 out of its IPv6 form; undefined when it is none. */
export function canonicalAddress(address: string): string | undefined {
  const bare = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '')
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare)?.[1] ?? bare
  if (isIPv4(mapped)) return mapped
  return isIPv6(mapped) ? new URL(`http://[${mapped}]`).hostname.slice(1, -1) : undefined
}

/** Where a party may be: the address it described, and the one its SIP came from; either may be unknown. */
export type PartyAddresses = {
  /** Where media may go before a packet came. */
  readonly described: string | undefined
  /** The hosts its packets may come from. */
  readonly sources: readonly string[]
}

export function partyAddresses(described: string | undefined, cameFrom: string | undefined): PartyAddresses {
  if (cameFrom === undefined) return { described, sources: described === undefined ? [] : [described] }
  if (described === undefined || reachOf(described) < reachOf(cameFrom)) {
    return { described: undefined, sources: [cameFrom] }
  }
  return { described, sources: described === cameFrom ? [described] : [described, cameFrom] }
}
