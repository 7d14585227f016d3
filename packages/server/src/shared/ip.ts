import { BlockList, isIP } from 'node:net'

/** A set of addresses, given as addresses and CIDRs. */
export type IpRanges = { covers(ip: string): boolean }

/** True for an address, or an address and a prefix length: `192.0.2.10`, `192.0.2.0/24`, `2001:db8::/32`. */
export function isCidr(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
}

/** Entries that `isCidr` refuses cover nothing: a typing error locks out, it never lets in. */
export function ipRanges(entries: readonly string[]): IpRanges {
  const list = new BlockList()
  for (const entry of entries.map((text) => text.trim()).filter(isCidr)) {
    const [address = '', bits] = entry.split('/')
    if (bits === undefined) list.addAddress(address, familyOf(address))
    else list.addSubnet(address, Number(bits), familyOf(address))
  }
  return { covers: (ip) => isIP(ip) !== 0 && list.check(ip, familyOf(ip)) }
}

/** `192.0.2.1` of a dual-stack socket's `::ffff:192.0.2.1`, so that one client has one address. */
export function plainAddress(remoteAddress: string | undefined): string {
  if (remoteAddress === undefined) return ''
  return remoteAddress.startsWith('::ffff:') ? remoteAddress.slice(7) : remoteAddress
}

/**
 * Who stands behind an address: an IPv4 address itself, of IPv6 the /64, `2001:db8:0:1::/64`. A subscriber is given a
 * whole /64 at least (RFC 6177) and can take a new address in it for every request.
 */
export function networkOf(ip: string): string {
  if (!ip.includes(':')) return ip
  const [address = ''] = ip.split(/[%/]/)
  const [head = '', tail] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const last = tail === '' ? [] : tail.split(':')
    while (groups.length + last.length < 8) groups.push('0')
    groups.push(...last)
  }
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}

const familyOf = (ip: string): 'ipv4' | 'ipv6' => (isIP(ip) === 6 ? 'ipv6' : 'ipv4')
