import { authorize, parseChallenge } from '../auth/digest.ts'
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
   * The Authorization headers (flat) that answer a 401 or 407, with the nonces they use added to `tried`; undefined when
   * nothing in it can be answered, or a nonce was refused before for this request: then the password is wrong.
   */
  answer(response: SipResponse, request: ChallengedRequest, tried: Set<string>): string[] | undefined {
    if (response.status !== 401 && response.status !== 407) return undefined
    const headers: string[] = []
    for (const [challengeName, answerName] of NAMES) {
      const realms = new Set<string>()
      for (const text of allHeaders(response, challengeName)) {
        const challenge = parseChallenge(text)
        // Of several challenges of one realm the server's first is its favourite (RFC 8760 §2.4).
        if (challenge === undefined || realms.has(challenge.realm)) continue
        if (tried.has(challenge.nonce)) return undefined
        realms.add(challenge.realm)
        tried.add(challenge.nonce)
        const nc = (this.#uses.get(challenge.nonce) ?? 0) + 1
        this.#uses.set(challenge.nonce, nc)
        const { method, uri, body } = request
        const { username, password } = this.#credentials
        const options = {
          username,
          password,
          method,
          uri,
          nc,
          cnonce: newTag(),
          ...(body !== undefined && { body }),
        }
        headers.push(answerName, authorize(challenge, options))
      }
    }
    return headers.length === 0 || tried.size > MAX_TRIES ? undefined : headers
  }
}

/** A server that finds a new nonce for every answer would keep us busy for ever. */
const MAX_TRIES = 8

const NAMES = [
  ['WWW-Authenticate', 'Authorization'],
  ['Proxy-Authenticate', 'Proxy-Authorization'],
] as const
