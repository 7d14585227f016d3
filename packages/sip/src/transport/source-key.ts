/**
 * Who stands behind an address: an IPv4 address itself, of IPv6 the /64, `2001:db8:0:1::/64`. A subscriber is given a whole
 * /64 at least (RFC 6177) and can take a new address in it for every datagram.
 */
export function sourceKeyOf(address: string): string {
  if (!address.includes(':')) return address
  if (address.startsWith('::ffff:') && address.includes('.')) return address.slice(7)
  const zone = address.indexOf('%')
  const [head = '', tail] = (zone < 0 ? address : address.slice(0, zone)).split('::')
  const groups = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const last = tail === '' ? [] : tail.split(':')
    while (groups.length + last.length < 8) groups.push('0')
    groups.push(...last)
  }
  const network = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16))
  return `${network.join(':')}::/64`
}

/** FNV-1a, 32 bits. With a secret `seed` nobody can choose texts that meet. */
export function hashOf(text: string, seed: number): number {
  let hash = seed
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  // The low bits are the weakest, and the ones that tables are indexed by.
  return (hash ^ (hash >>> 15)) >>> 0
}
