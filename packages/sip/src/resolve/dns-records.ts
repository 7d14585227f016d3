import { NODATA, NOTFOUND } from 'node:dns'
import type { LookupAddress } from 'node:dns'
import { Resolver, lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { Answers } from './answers.ts'
import type { Answer } from './answers.ts'
import type { Records } from './hops.ts'
import { listedAddresses } from './hosts-file.ts'
import { limited } from './limited.ts'

/** How names are looked up. */
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
  /** Default `/etc/hosts`. */
  readonly hostsFile?: string
  /** Asks the system for what neither the hosts file nor DNS knows (mDNS, search domains); default getaddrinfo. */
  readonly askSystem?: (host: string) => Promise<readonly LookupAddress[]>
}

/** For what has no TTL: Node tells none of NAPTR and SRV records. An operator can wait as long after a change. */
const UNTOLD_TTL_MS = 60_000
/** A record with TTL 0 is still good for the calls of the same moment. */
const LEAST_TTL_MS = 1_000
/** No such name, or none of that type (RFC 2308); a name server that fails is asked again sooner (§7). */
const NOTHING_MS = 30_000
const FAILED_MS = 5_000

const MAX_NAMES = 10_000
const QUESTIONS_AT_ONCE = 100
const QUESTIONS_WAITING = 1_000
/** getaddrinfo holds one of the few threads that files are read by, too. */
const SYSTEM_AT_ONCE = 2
const SYSTEM_WAITING = 50

/**
 * Records by DNS, remembered. A name's addresses come from the hosts file, which the operator may use to overrule DNS, else from A
 * and AAAA, whose TTL is known, else from whatever the system knows. A name of the hosts file has no other records.
 */
export function dnsRecords(options: DnsOptions, now: () => number): Records & { close(): void } {
  const { timeoutMs = 1_500, tries = 2, families = [4, 6], maxNames = MAX_NAMES, servers } = options
  const { askSystem = (host) => lookup(host, { all: true }), hostsFile = '/etc/hosts' } = options
  const ofQuestions = limited(QUESTIONS_AT_ONCE, QUESTIONS_WAITING)
  const ofSystem = limited(SYSTEM_AT_ONCE, SYSTEM_WAITING)
  let opened: Resolver | undefined
  // Most stacks are given addresses and never ask.
  const open = (): Resolver => {
    if (opened === undefined) {
      opened = new Resolver({ timeout: timeoutMs, tries })
      if (servers !== undefined) opened.setServers(servers)
    }
    return opened
  }
  const question = <T>(ask: (resolver: Resolver) => Promise<Answer<T>>): Promise<Answer<T>> =>
    told(ofQuestions(() => ask(open())))
  const answers = <T>(ask: (name: string) => Promise<Answer<T>>): Answers<T> =>
    new Answers(ask, now, maxNames)

  const naptr = answers(async (name) =>
    (await listedAddresses(hostsFile, name)) === undefined
      ? question((resolver) => resolver.resolveNaptr(name).then(untold))
      : untold([]),
  )
  const srv = answers(async (name) =>
    (await listedAddresses(hostsFile, name.replace(/^_[^.]+\._[^.]+\./, ''))) === undefined
      ? question((resolver) => resolver.resolveSrv(name).then(untold))
      : untold([]),
  )
  const addresses = answers(async (host) => {
    const listed = await listedAddresses(hostsFile, host)
    if (listed !== undefined)
      return untold(families.flatMap((family) => listed.filter((address) => isIP(address) === family)))
    const byFamily = await Promise.all(
      families.map((family) =>
        question((resolver) =>
          (family === 4
            ? resolver.resolve4(host, { ttl: true })
            : resolver.resolve6(host, { ttl: true })
          ).then(timed),
        ),
      ),
    )
    const found = byFamily.filter(({ records }) => records.length > 0)
    if (found.length > 0) return joined(found)
    const known = await told(ofSystem(() => askSystem(host)).then(untold))
    const wanted = families.flatMap((one) => known.records.filter(({ family }) => family === one))
    return wanted.length > 0 ? untold(wanted.map(({ address }) => address)) : joined(byFamily)
  })
  return {
    naptr: (domain) => naptr.of(domain),
    srv: (name) => srv.of(name),
    addresses: (host) => (isIP(host) === 0 ? addresses.of(host) : Promise.resolve([host])),
    close: () => opened?.cancel(),
  }
}

const untold = <T>(records: readonly T[]): Answer<T> => ({ records, ttlMs: UNTOLD_TTL_MS })

function timed(found: readonly { readonly address: string; readonly ttl: number }[]): Answer<string> {
  const ttlMs = Math.min(...found.map(({ ttl }) => ttl * 1000))
  return { records: found.map(({ address }) => address), ttlMs: Math.max(ttlMs, LEAST_TTL_MS) }
}

/** Of both families, for as long as both hold. */
function joined(parts: readonly Answer<string>[]): Answer<string> {
  return {
    records: parts.flatMap(({ records }) => records),
    ttlMs: Math.min(...parts.map(({ ttlMs }) => ttlMs)),
    isFailure: parts.some(({ isFailure }) => isFailure === true),
  }
}

/** A failed look-up is "nothing", for a while. */
async function told<T>(asked: Promise<Answer<T>>): Promise<Answer<T>> {
  try {
    return await asked
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const isNothing = code === NODATA || code === NOTFOUND
    return { records: [], ttlMs: isNothing ? NOTHING_MS : FAILED_MS, isFailure: !isNothing }
  }
}
