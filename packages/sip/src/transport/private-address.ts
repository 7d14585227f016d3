/** Addresses that mean nothing outside their own network (RFC 1918, RFC 6598). */
export function isPrivate(address: string): boolean {
  if (address.startsWith('10.') || address.startsWith('192.168.')) return true
  const second = /^(172|100)\.(\d+)\./.exec(address)
  if (second === null) return false
  const octet = Number(second[2])
  return second[1] === '172' ? octet >= 16 && octet < 32 : octet >= 64 && octet < 128
}
