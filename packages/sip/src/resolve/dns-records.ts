import { NODATA, NOTFOUND } from 'node:dns'
import type { LookupAddress } from 'node:dns'
import { Resolver, lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { Answers } from './answers.ts'
import type { Answer } from './answers.ts'
import type { Records } from './hops.ts'

export type DnsOptions = {
  /** Name servers, `address` or `address:port`; default those of the system. */
  readonly servers?: readonly string[]
  /** Families that we can send from, the preferred one first; default both, IPv4 first. */
  readonly families?: readonly (4 | 6)[]
  /** How long a name server is waited for, ms, at each of its `tries`; default 1,500 and 2. */
  readonly timeoutMs?: number
  readonly tries?: number
  /** Names of each kind that are remembered; default 10,000. */
  readonly maxNames?: number
  /** Asks the system, where DNS has no address (`/etc/hosts`); default getaddrinfo. */
  readonly askSystem?: (host: string) => Promise<readonly LookupAddress[]>
  now(): number
}

/** Node tells no TTL of NAPTR and SRV records: this is a time that an operator can wait for after a change. */
const UNTOLD_TTL_MS = 60_000
/** A record with TTL 0 is still good for the calls of the same moment. */
const LEAST_TTL_MS = 1_000
/** No such name, or none of that type (RFC 2308); a name server that fails is asked again sooner (§7). */
const NOTHING_MS = 30_000
const FAILED_MS = 5_000

const MAX_NAMES = 10_000

/** Records by DNS, remembered; what DNS does not know has its addresses from the system (`/etc/hosts`). */
export function dnsRecords(options: DnsOptions): Records & { close(): void } {
  const { timeoutMs = 1_500, tries = 2, families = [4, 6], maxNames = MAX_NAMES, now } = options
  const { askSystem = (host) => lookup(host, { all: true }) } = options
  const resolver = new Resolver({ timeout: timeoutMs, tries })
  if (options.servers !== undefined) resolver.setServers(options.servers)
  const answers = <T>(ask: (name: string) => Promise<Answer<T>>): Answers<T> =>
    new Answers(ask, now, maxNames)
  const untold = <T>(records: readonly T[]): Answer<T> => ({ records, ttlMs: UNTOLD_TTL_MS })

  const naptr = answers((name) => told(resolver.resolveNaptr(name).then(untold)))
  const srv = answers((name) => told(resolver.resolveSrv(name).then(untold)))
  const ofFamily = {
    4: answers((name) => told(resolver.resolve4(name, { ttl: true }).then(timed))),
    6: answers((name) => told(resolver.resolve6(name, { ttl: true }).then(timed))),
  }
  const ofSystem = answers((name) =>
    told(
      askSystem(name).then((found) =>
        untold(
          families.flatMap((wanted) =>
            found.filter(({ family }) => family === wanted).map(({ address }) => address),
          ),
        ),
      ),
    ),
  )
  return {
    naptr: (domain) => naptr.of(domain),
    srv: (name) => srv.of(name),
    addresses: async (host) => {
      if (isIP(host) !== 0) return [host]
      const found = (await Promise.all(families.map((family) => ofFamily[family].of(host)))).flat()
      return found.length > 0 ? found : ofSystem.of(host)
    },
    close: () => resolver.cancel(),
  }
}

function timed(found: readonly { readonly address: string; readonly ttl: number }[]): Answer<string> {
  const ttlMs = Math.min(...found.map(({ ttl }) => ttl * 1000))
  return { records: found.map(({ address }) => address), ttlMs: Math.max(ttlMs, LEAST_TTL_MS) }
}

/** A failed look-up is "nothing", for a while. */
async function told<T>(asked: Promise<Answer<T>>): Promise<Answer<T>> {
  try {
    return await asked
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    return { records: [], ttlMs: code === NODATA || code === NOTFOUND ? NOTHING_MS : FAILED_MS }
  }
}
