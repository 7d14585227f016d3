import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'

/** Addresses by name in lower case, as a hosts file (`hosts(5)`) lists them. Lines that are broken are passed over. */
export function parseHosts(text: string): ReadonlyMap<string, readonly string[]> {
  const hosts = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line
      .replace(/#.*/, '')
      .split(/\s+/)
      .filter((word) => word !== '')
    if (isIP(address) === 0) continue
    for (const name of names) {
      const key = name.toLowerCase()
      const known = hosts.get(key)
      if (known === undefined) hosts.set(key, [address])
      else if (!known.includes(address)) known.push(address)
    }
  }
  return hosts
}

/** RFC 6761 §6.3: no name server is asked for these. */
const LOOPBACK = ['127.0.0.1', '::1']

/** What the operator says of a name by a hosts file; undefined: nothing. A file that cannot be read lists nothing. */
export async function listedAddresses(path: string, name: string): Promise<readonly string[] | undefined> {
  const key = name.toLowerCase()
  const listed = parseHosts(await readFile(path, 'utf8').catch(() => '')).get(key)
  return listed ?? (/(?:^|\.)localhost$/.test(key) ? LOOPBACK : undefined)
}
