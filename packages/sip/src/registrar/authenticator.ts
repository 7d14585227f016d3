import { randomBytes } from 'node:crypto'
import { challengeHeader, parseCredentials, verifyCredentials } from '../auth/digest.ts'
import type { DigestAlgorithm, DigestCredentials } from '../auth/digest.ts'
import { NonceFactory } from '../auth/nonce.ts'
import { allHeaders } from '../message/headers.ts'
import type { SipRequest } from '../message/message.ts'
import { parseUri, sipUriEquals } from '../message/uri.ts'
import type { DigestWatch } from '../guard/guard.ts'
import type { SipClock } from '../shared/timers.ts'
import type { Hop } from '../transport/address.ts'
import { sourceKeyOf } from '../transport/source-key.ts'

export type AuthenticatorOptions = {
  readonly realm: string
  /** The password of a user, or undefined when there is no such user. */
  findPassword(username: string): string | undefined
  /** Milliseconds since the epoch; default the system's. */
  readonly clock?: Pick<SipClock, 'now'>
  /** Offered in this order; default SHA-256, then MD5, which old phones need (RFC 8760 §2.3). */
  readonly algorithms?: readonly DigestAlgorithm[]
  /** Signs nonces, at least 16 bytes; share it between nodes. Default: random, good for this process. */
  readonly secret?: Uint8Array
  /** How long a nonce is good, milliseconds; default 5 minutes. */
  readonly nonceTtlMs?: number
  /** Counts wrong passwords by source and user name; a `Guard` does. */
  readonly watch?: DigestWatch
}

export type AuthVerdict =
  | { readonly ok: true; readonly username: string }
  /** `headers` is flat, for `ResponseOptions`: one challenge for each algorithm. */
  | { readonly ok: false; readonly status: 401; readonly headers: readonly string[] }

export type Authenticator = {
  /** Who sent the request, or the answer that asks for credentials. Credentials of a request count once. */
  authenticate(request: SipRequest, source: Hop): AuthVerdict
}

/** Digest authentication of requests that reach a server (RFC 3261 §22.2, RFC 8760). */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { realm, clock = Date, algorithms = ['SHA-256', 'MD5'], nonceTtlMs, watch } = options
  const nonces = new NonceFactory({
    secret: options.secret ?? randomBytes(32),
    now: () => clock.now(),
    ...(nonceTtlMs !== undefined && { ttlMs: nonceTtlMs }),
  })
  // An unknown user costs the same work as a wrong password, so the time of an answer tells nothing.
  const nobody = randomBytes(16).toString('hex')

  const challenge = (audience: string, stale = false): AuthVerdict => {
    const nonce = nonces.issue(audience)
    const headers = algorithms.flatMap((algorithm) => [
      'WWW-Authenticate',
      challengeHeader({ realm, nonce, algorithm, qop: 'auth', stale }),
    ])
    return { ok: false, status: 401, headers }
  }

  return {
    authenticate(request, source) {
      const audience = sourceKeyOf(source.address)
      const credentials = credentialsFor(request, realm, algorithms)
      if (credentials === undefined) return challenge(audience)
      const { username, nonce, nc } = credentials
      // Only who brings back what we sent there sits at this address: others are neither looked at nor blamed. The password may
      // be right all the same (RFC 7616 §3.3): the phone has moved, or we began anew.
      if (nonces.check(nonce, audience) !== 'good') return challenge(audience, true)
      // Who guesses is not told that nobody looks.
      if (watch?.mayTry(username, source) === false) return challenge(audience)
      const password = options.findPassword(username)
      const { method, body } = request
      const isRight = verifyCredentials(credentials, { method, body, password: password ?? nobody })
      if (!isRight || password === undefined) {
        watch?.onWrong(username, source)
        return challenge(audience)
      }
      // Only now: a nonce-count is used up by who knows the password, not by who guesses.
      if (nonces.use(nonce, nc, audience) !== 'good') return challenge(audience)
      watch?.onRight(username, source)
      return { ok: true, username }
    },
  }
}

/** The credentials made for our realm with what we offered, and for this very request. */
function credentialsFor(
  request: SipRequest,
  realm: string,
  algorithms: readonly DigestAlgorithm[],
): DigestCredentials | undefined {
  for (const text of allHeaders(request, 'Authorization')) {
    const credentials = parseCredentials(text)
    if (credentials?.realm !== realm || !algorithms.includes(credentials.algorithm)) continue
    if (credentials.qop !== undefined && isSameUri(credentials.uri, request.uri)) return credentials
  }
  return undefined
}

/** A proxy on the way may have rewritten the Request-URI's parameters, so equal means the same resource. */
function isSameUri(given: string, requested: string): boolean {
  if (given === requested) return true
  const a = parseUri(given)
  const b = parseUri(requested)
  return a !== undefined && b !== undefined && sipUriEquals({ ...a, params: {} }, { ...b, params: {} })
}
