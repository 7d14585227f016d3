import type { Hop } from '../transport/address.ts'

/** How long a hop that could not be reached, or did not answer, is tried last. */
const REST_MS = 60_000
/** A hop that asks for more rest than that gets no more. */
const LONGEST_REST_MS = 600_000
const MAX_HOPS = 1_000

/**
 * Hops that failed lately, so that new requests begin with others (RFC 3263 §4.3). Of more than a thousand the ones that were
 * marked first are forgotten.
 */
export class DeadHops {
  readonly #now: () => number
  /** Until when, by hop. */
  readonly #restUntil = new Map<string, number>()

  constructor(now: () => number) {
    this.#now = now
  }

  get size(): number {
    return this.#restUntil.size
  }

  /** `restMs`: what the hop asked for with a 503 (Retry-After). */
  mark(hop: Hop, restMs: number = REST_MS): void {
    const key = keyOf(hop)
    this.#restUntil.delete(key)
    this.#restUntil.set(key, this.#now() + Math.min(restMs, LONGEST_REST_MS))
    if (this.#restUntil.size > MAX_HOPS) this.#restUntil.delete(this.#restUntil.keys().next().value!)
  }

  /** The same hops, those that rest behind the others: when all do, they are tried all the same. */
  inTurn(hops: readonly Hop[]): readonly Hop[] {
    if (this.#restUntil.size === 0) return hops
    const resting = hops.filter((hop) => this.#rests(hop))
    return resting.length === 0 ? hops : [...hops.filter((hop) => !resting.includes(hop)), ...resting]
  }

  #rests(hop: Hop): boolean {
    const key = keyOf(hop)
    const until = this.#restUntil.get(key)
    if (until === undefined) return false
    if (until > this.#now()) return true
    this.#restUntil.delete(key)
    return false
  }
}

const keyOf = ({ transport, address, port }: Hop): string => `${transport} ${address} ${port}`
