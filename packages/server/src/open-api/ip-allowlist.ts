import { type IpRanges, ipRanges } from '../shared/ip.ts'

/** Compiled lists by the array they came from: an app object is immutable, an edit brings a new one. */
const compiled = new WeakMap<readonly string[], IpRanges>()

/** True when the list is empty or one of its addresses or CIDRs covers `ip` (spec/auth-and-errors.md section 7). */
export function allowsIp(allowlist: readonly string[], ip: string): boolean {
  if (allowlist.length === 0) return true
  let ranges = compiled.get(allowlist)
  if (ranges === undefined) compiled.set(allowlist, (ranges = ipRanges(allowlist)))
  return ranges.covers(ip)
}
