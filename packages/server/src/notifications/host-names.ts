import { ADDRCONFIG, lookup } from 'node:dns'
import type { LookupAddress } from 'node:dns'
import type { LookupFunction } from 'node:net'
import type { Clock, EpochMs } from '../shared/time.ts'

/** How long addresses are used without asking again, and a failure is taken for granted. */
const KNOWN_MS = 30_000
const FAILED_MS = 5_000
/** An address that was once found is used this long while asking again takes its time. */
const STALE_MS = 600_000
/**
 * Lookups at a time. Each blocks one of libuv's four threads, which files need too, for as long as a name server is
 * silent. Names that failed when last asked for share one place, so that they delay no others.
 */
const AT_ONCE = { good: 2, doubtful: 1 } as const
const MAX_NAMES = 10_000

type Lane = keyof typeof AT_ONCE
type Waiter = (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void
type Name = {
  addresses: readonly LookupAddress[]
  error: NodeJS.ErrnoException | null
  foundAt: EpochMs
  freshUntil: EpochMs
  /** Who waits for the lookup under way or in the queue; undefined: there is none. */
  waiters: Waiter[] | undefined
}

/** Asks the system for all addresses of a name. */
export type Resolve = (host: string, done: Waiter) => void

const askSystem: Resolve = (host, done) =>
  lookup(host, { all: true, hints: ADDRCONFIG }, (error, addresses) => done(error, addresses ?? []))

/**
 * A `lookup` for sockets that remembers names and asks for few at a time, for one name once. Customers choose the
 * names: one whose name server never answers must not hold up the pushes of others.
 */
export function createHostNames(clock: Clock, resolve: Resolve = askSystem): LookupFunction {
  const names = new Map<string, Name>()
  const queues: Record<Lane, string[]> = { good: [], doubtful: [] }
  const running: Record<Lane, number> = { good: 0, doubtful: 0 }

  function ask(host: string, name: Name, waiters: Waiter[]): void {
    name.waiters = waiters
    const lane: Lane = name.error ? 'doubtful' : 'good'
    queues[lane].push(host)
    askNext(lane)
  }

  function askNext(lane: Lane): void {
    if (running[lane] >= AT_ONCE[lane]) return
    const host = queues[lane].shift()
    const name = host === undefined ? undefined : names.get(host)
    if (host === undefined || name === undefined) return
    running[lane]++
    resolve(host, (error, addresses) => {
      running[lane]--
      learn(name, error, addresses)
      askNext(lane)
    })
  }

  function learn(name: Name, error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]): void {
    const now = clock.now()
    const waiters = name.waiters ?? []
    name.waiters = undefined
    name.error = error
    name.freshUntil = now + (error ? FAILED_MS : KNOWN_MS)
    if (!error) {
      name.addresses = addresses
      name.foundAt = now
    }
    for (const waiter of waiters) waiter(error, addresses)
  }

  function forgetOld(): void {
    const now = clock.now()
    for (const [host, name] of names) if (!name.waiters && name.freshUntil <= now) names.delete(host)
  }

  return (host, options, callback) => {
    const answer: Waiter = (error, addresses) => {
      const [first] = addresses
      if (error) callback(error, [])
      else if (options.all) callback(null, [...addresses])
      else callback(null, first?.address ?? '', first?.family)
    }
    const now = clock.now()
    let name = names.get(host)
    if (name === undefined) {
      if (names.size >= MAX_NAMES) forgetOld()
      name = { addresses: [], error: null, foundAt: -Infinity, freshUntil: -Infinity, waiters: undefined }
      names.set(host, name)
    }
    const isFresh = now < name.freshUntil
    const isUsable = isFresh || (!name.error && now < name.foundAt + STALE_MS)
    if (!isFresh && !name.waiters) ask(host, name, isUsable ? [] : [answer])
    else if (!isUsable) name.waiters?.push(answer)
    // A socket expects its answer later, never within the call.
    if (isUsable) process.nextTick(answer, name.error, name.addresses)
  }
}
