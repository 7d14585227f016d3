import { BlockList, isIP } from 'node:net'

/** Compiled lists by the array they came from: an app object is immutable, an edit brings a new one. */
const compiled = new WeakMap<readonly string[], BlockList>()

/** True when the list is empty or one of its addresses or CIDRs covers `ip` (spec/auth-and-errors.md section 7). */
export function allowsIp(allowlist: readonly string[], ip: string): boolean {
  if (allowlist.length === 0) return true
  let list = compiled.get(allowlist)
  if (list === undefined) {
    list = compile(allowlist)
    compiled.set(allowlist, list)
  }
  const family = isIP(ip)
  return family !== 0 && list.check(ip, family === 6 ? 'ipv6' : 'ipv4')
}

/** `192.0.2.1` of a dual-stack socket's `::ffff:192.0.2.1`, so that one client has one address. */
export function plainAddress(remoteAddress: string | undefined): string {
  if (remoteAddress === undefined) return ''
  return remoteAddress.startsWith('::ffff:') ? remoteAddress.slice(7) : remoteAddress
}

/** An entry that is no address covers nothing: a typing error locks out, it never lets in. */
function compile(allowlist: readonly string[]): BlockList {
  const list = new BlockList()
  for (const entry of allowlist) {
    const [address = '', prefix] = entry.trim().split('/')
    const family = isIP(address)
    if (family === 0) continue
    const type = family === 6 ? 'ipv6' : 'ipv4'
    if (prefix === undefined) list.addAddress(address, type)
    else if (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 6 ? 128 : 32)) {
      list.addSubnet(address, Number(prefix), type)
    }
  }
  return list
}
