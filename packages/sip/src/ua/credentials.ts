import { authorize, parseChallenge } from '../auth/digest.ts'
import type { DigestChallenge } from '../auth/digest.ts'
import { allHeaders } from '../message/headers.ts'
import type { SipResponse } from '../message/message.ts'
import { newTag } from '../shared/ids.ts'

export type Credentials = { readonly username: string; readonly password: string }

export type ChallengedRequest = {
  readonly method: string
  readonly uri: string
  readonly body?: Uint8Array | undefined
}

/** Answers digest challenges (RFC 3261 §22) for one call or request, each nonce once per request. */
export class ChallengeAnswerer {
  readonly #credentials: Credentials
  /** Uses of each nonce, RFC 7616 nonce-count. */
  readonly #uses = new Map<string, number>()

  constructor(credentials: Credentials) {
    this.#credentials = credentials
  }

  /**
   * The Authorization headers (flat) that answer a 401 or 407; `tried` keeps what was answered for this request. Undefined when
   * nothing in it can be answered, or a realm refuses what it was given: then the password is wrong, and is not sent again
   * (RFC 3261 §22.1). Only a stale nonce is made good, once a realm (RFC 7616 §3.3).
   */
  answer(response: SipResponse, request: ChallengedRequest, tried: Set<string>): string[] | undefined {
    if (response.status !== 401 && response.status !== 407) return undefined
    const headers: string[] = []
    for (const [challengeName, answerName] of NAMES) {
      for (const challenge of strongest(allHeaders(response, challengeName))) {
        const { realm, nonce, stale } = challenge
        const asked = `${challengeName} ${realm}`
        const isRenewed = stale && !tried.has(`${asked} stale`)
        if (tried.has(nonce) || (tried.has(asked) && !isRenewed)) return undefined
        if (tried.has(asked)) tried.add(`${asked} stale`)
        tried.add(asked).add(nonce)
        headers.push(answerName, this.#authorize(challenge, request))
      }
    }
    return headers.length === 0 || tried.size > MAX_TRIED ? undefined : headers
  }

  #authorize(challenge: DigestChallenge, { method, uri, body }: ChallengedRequest): string {
    const nc = (this.#uses.get(challenge.nonce) ?? 0) + 1
    this.#uses.set(challenge.nonce, nc)
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

const NAMES = [
  ['WWW-Authenticate', 'Authorization'],
  ['Proxy-Authenticate', 'Proxy-Authorization'],
] as const
