import { keepNewest } from './oldest.ts'
import { RateBucket } from './rate-slots.ts'
import type { RateLimit } from './rate-slots.ts'

/**
 * `peer`: we send it requests of our own. `flow`: who sits at this very port has proved who it is.
 * `neighbour`: somebody at this address has, at another port.
 */
export type Standing = 'peer' | 'flow' | 'neighbour'

type Flow = { until: number; user: string; readonly bucket: RateBucket }
type Known = { peerUntil: number; flows: Map<number, Flow> | undefined; flowsUntil: number }

/** Addresses; only who proved itself or is asked by us comes in, so no stranger can fill it. */
const MAX_KNOWN = 131_072
/** Ports of one address: a large office behind one NAT. */
const MAX_FLOWS = 4096

/** Who is no stranger for a while: peers that we ask, and the flows (address and port) of users who gave their password. */
export class KnownSources {
  readonly #limit: RateLimit
  readonly #lifeMs: number
  readonly #known = new Map<string, Known>()

  /** `limit` holds for each flow. */
  constructor(limit: RateLimit, lifeMs: number) {
    this.#limit = limit
    this.#lifeMs = lifeMs
  }

  get size(): number {
    return this.#known.size
  }

  standingOf(source: string, port: number, now: number): Standing | undefined {
    const known = this.#known.get(source)
    if (known === undefined) return undefined
    if (known.peerUntil > now) return 'peer'
    if ((known.flows?.get(port)?.until ?? 0) > now) return 'flow'
    return known.flowsUntil > now ? 'neighbour' : undefined
  }

  /** Takes a token of a flow. */
  take(source: string, port: number, now: number): boolean {
    return this.#known.get(source)?.flows?.get(port)?.bucket.take(now) === true
  }

  /** Who proved itself at this flow. */
  userAt(source: string, port: number, now: number): string | undefined {
    const flow = this.#known.get(source)?.flows?.get(port)
    return flow !== undefined && flow.until > now ? flow.user : undefined
  }

  addPeer(source: string, now: number): void {
    this.#renew(source).peerUntil = now + this.#lifeMs
  }

  addFlow(source: string, port: number, user: string, now: number): void {
    const known = this.#renew(source)
    const until = now + this.#lifeMs
    known.flowsUntil = until
    known.flows ??= new Map()
    const flow = known.flows.get(port) ?? { until, user, bucket: new RateBucket(this.#limit) }
    flow.until = until
    flow.user = user
    known.flows.delete(port)
    known.flows.set(port, flow)
    keepNewest(known.flows, MAX_FLOWS)
  }

  /** Forgets who was not heard of for too long; who was renewed longest ago stands first. */
  sweep(now: number): void {
    for (const [source, { peerUntil, flowsUntil }] of this.#known) {
      if (peerUntil > now || flowsUntil > now) return
      this.#known.delete(source)
    }
  }

  /** The entry of a source, as the newest. */
  #renew(source: string): Known {
    const known = this.#known.get(source) ?? { peerUntil: 0, flows: undefined, flowsUntil: 0 }
    this.#known.delete(source)
    this.#known.set(source, known)
    keepNewest(this.#known, MAX_KNOWN)
    return known
  }
}
