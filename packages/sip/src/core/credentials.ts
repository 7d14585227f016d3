import { authorize, parseChallenge } from '../auth/digest.ts'
import type { DigestChallenge } from '../auth/digest.ts'
import { allHeaders } from '../message/headers.ts'
import type { SipResponse } from '../message/message.ts'
import { newTag } from '../shared/ids.ts'
import type { Hop } from '../transport/address.ts'
import { placeOf } from './challenge-memory.ts'
import type { ChallengeKind, ChallengeMemory } from './challenge-memory.ts'

export type Credentials = { readonly username: string; readonly password: string }

export type ChallengedRequest = {
  readonly method: string
  readonly uri: string
  readonly body?: Uint8Array | undefined
}

/** What was answered for one request: nonces, and realms with what became of them. */
export type Tried = Set<string>

/** Answers digest challenges (RFC 3261 §22) for one call or request, and those that are to be expected before they come. */
export class ChallengeAnswerer {
  readonly #credentials: Credentials
  readonly #memory: ChallengeMemory
  #place: string | undefined

  constructor(credentials: Credentials, memory: ChallengeMemory) {
    this.#credentials = credentials
    this.#memory = memory
  }

  /** The headers (flat) that a request to this hop is likely to be asked for; undefined when it asked for none before. */
  foresee(hop: Hop, request: ChallengedRequest, tried: Tried): string[] | undefined {
    this.#place = placeOf(hop, this.#credentials.username)
    const known = this.#memory.known(this.#place)
    if (known.length === 0) return undefined
    return known.flatMap(({ kind, challenge }) => {
      tried.add(`foreseen ${kind.asks} ${challenge.realm}`)
      return [kind.answers, this.#authorize(challenge, request)]
    })
  }

  /**
   * The Authorization headers (flat) that answer a 401 or 407; `tried` keeps what was answered for this request. Undefined when
   * nothing in it can be answered, or a realm refuses what it was given: then the password is wrong, and is not sent again
   * (RFC 3261 §22.1). Only a stale nonce is made good, once a realm (RFC 7616 §3.3), and one that was used before.
   */
  answer(response: SipResponse, request: ChallengedRequest, tried: Tried): string[] | undefined {
    if (response.status !== 401 && response.status !== 407) return undefined
    const headers: string[] = []
    for (const kind of KINDS) {
      for (const challenge of strongest(allHeaders(response, kind.asks))) {
        if (!this.#isNew(kind, challenge, tried)) {
          if (this.#place !== undefined) this.#memory.forget(this.#place)
          return undefined
        }
        if (this.#place !== undefined) this.#memory.remember(this.#place, { kind, challenge })
        headers.push(kind.answers, this.#authorize(challenge, request))
      }
    }
    return headers.length === 0 || tried.size > MAX_TRIED ? undefined : headers
  }

  /** Whether a challenge may be answered; notes that it was. */
  #isNew(kind: ChallengeKind, { realm, nonce, stale }: DigestChallenge, tried: Tried): boolean {
    const asked = `${kind.asks} ${realm}`
    const isRenewed = stale && !tried.has(`${asked} stale`)
    if (tried.has(nonce) || (tried.has(asked) && !isRenewed)) return false
    if (tried.delete(`foreseen ${asked}`) && !stale && this.#place !== undefined)
      this.#memory.refused(this.#place)
    if (tried.has(asked)) tried.add(`${asked} stale`)
    tried.add(asked).add(nonce)
    return true
  }

  #authorize(challenge: DigestChallenge, { method, uri, body }: ChallengedRequest): string {
    const nc = this.#memory.use(challenge.nonce)
    const { username, password } = this.#credentials
    const options = { username, password, method, uri, nc, cnonce: newTag() }
    return authorize(challenge, body === undefined ? options : { ...options, body })
  }
}

/**
 * One challenge of each realm: the first with the strongest algorithm. The order is the server's to say (RFC 8760 §2.4), but
 * whoever could turn it round on the way would get the weaker hash.
 */
function strongest(values: readonly string[]): DigestChallenge[] {
  const byRealm = new Map<string, DigestChallenge>()
  for (const value of values) {
    const challenge = parseChallenge(value)
    if (challenge === undefined) continue
    const best = byRealm.get(challenge.realm)
    if (best === undefined || (best.algorithm === 'MD5' && challenge.algorithm !== 'MD5'))
      byRealm.set(challenge.realm, challenge)
  }
  return [...byRealm.values()]
}

/** Realms and nonces of a request: a server that finds a new realm for every answer would keep us busy for ever. */
const MAX_TRIED = 16

const KINDS: readonly ChallengeKind[] = [
  { asks: 'WWW-Authenticate', answers: 'Authorization' },
  { asks: 'Proxy-Authenticate', answers: 'Proxy-Authorization' },
]
