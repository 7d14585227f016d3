import type { DigestChallenge } from '../auth/digest.ts'
import type { Hop } from '../transport/address.ts'

/** Header names of a challenge and of its answer. */
export type ChallengeKind = {
  readonly asks: 'WWW-Authenticate' | 'Proxy-Authenticate'
  readonly answers: 'Authorization' | 'Proxy-Authorization'
}

export type KnownChallenge = { readonly kind: ChallengeKind; readonly challenge: DigestChallenge }

type Place = {
  /** One of each realm and kind. */
  challenges: readonly KnownChallenge[]
  /** How often in a row a nonce was not taken a second time, without being called stale. */
  refusals: number
  /** Requests that brought credentials since the last of these. */
  foreseen: number
}

const MAX_PLACES = 1_000
const MAX_REALMS = 4
const MAX_NONCES = 10_000
/** A server whose nonces are good once is not given them twice for ever. */
const MAX_REFUSALS = 3

/**
 * The challenges that were answered last, by who was asked and under which name, so that the next request brings its
 * credentials with it (RFC 7616 §3.4, §3.6; RFC 3261 §22.3). Shared by all requests of a stack, and so are the nonce-counts.
 */
export class ChallengeMemory {
  readonly #places = new Map<string, Place>()
  readonly #uses = new Map<string, number>()

  get size(): number {
    return this.#places.size
  }

  /** What a request to there will be asked. */
  known(place: string): readonly KnownChallenge[] {
    const found = this.#places.get(place)
    if (found === undefined || found.refusals >= MAX_REFUSALS) return []
    if (found.challenges.length > 0) found.foreseen++
    return found.challenges
  }

  remember(place: string, known: KnownChallenge): void {
    const before = this.#places.get(place)
    const { kind, challenge } = known
    const others = (before?.challenges ?? []).filter(
      (one) => one.kind !== kind || one.challenge.realm !== challenge.realm,
    )
    this.#places.delete(place)
    this.#places.set(place, {
      challenges: [...others.slice(1 - MAX_REALMS), known],
      refusals: before?.refusals ?? 0,
      foreseen: before?.foreseen ?? 0,
    })
    dropOldest(this.#places, MAX_PLACES)
  }

  /** The password is wrong there: the next request waits to be asked, so that it is not offered twice. */
  forget(place: string): void {
    const found = this.#places.get(place)
    if (found !== undefined) found.challenges = []
  }

  /** A nonce was not taken again; what was taken between shows that this server does take them. */
  refused(place: string): void {
    const found = this.#places.get(place)
    if (found === undefined) return
    found.refusals = found.foreseen > 1 ? 1 : found.refusals + 1
    found.foreseen = 0
  }

  /** How many times a nonce is used, this time included. */
  use(nonce: string): number {
    const count = (this.#uses.get(nonce) ?? 0) + 1
    this.#uses.delete(nonce)
    this.#uses.set(nonce, count)
    dropOldest(this.#uses, MAX_NONCES)
    return count
  }
}

export const placeOf = ({ transport, address, port }: Hop, username: string): string =>
  `${transport} ${address} ${port} ${username}`

function dropOldest(map: Map<string, unknown>, max: number): void {
  if (map.size > max) map.delete(map.keys().next().value!)
}
