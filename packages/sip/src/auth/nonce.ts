import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

export type NonceOptions = {
  /** Signs the nonces, at least 16 bytes. Share it between nodes, and a nonce of one is good at all. */
  readonly secret: Uint8Array
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** How long a nonce is good, milliseconds; default 5 minutes. */
  readonly ttlMs?: number
  /** How many nonces are watched for replays at once; default 100,000 (some 20 MB at most). */
  readonly maxWatched?: number
  /** Makes nonces of the same millisecond differ; for tests. Default: 8 random bytes. */
  readonly salt?: () => Uint8Array
}

export type NonceVerdict =
  | 'good'
  /** Ours, but too old, or no longer watched: challenge again with `stale=true`. */
  | 'stale'
  /** This nonce was used with this nonce-count before (RFC 7616 §3.4.5): challenge again, not stale. */
  | 'replayed'
  /** Not made with our secret, or for somebody else. */
  | 'forged'

type Watched = {
  readonly issuedAt: number
  /** Highest nonce-count seen. */
  highest: number
  /** Bit n: `highest - n` was seen. Requests overtake each other, so a little disorder is fine. */
  recent: number
}

const DEFAULT_TTL_MS = 300_000
const DEFAULT_MAX_WATCHED = 100_000
const WINDOW = 32
const TIME_BYTES = 6
const SALT_BYTES = 8
const MAC_BYTES = 16

/**
 * Nonces that carry their own proof: `time(6) salt(8) HMAC-SHA-256(16)` in base64url. Issuing keeps no state, so a flood of
 * unanswered challenges costs no memory; only nonces that come back with good credentials are watched, a bounded number.
 * Whoever the nonce is for (`audience`: where the request came from) goes into the proof: it is good from nowhere else, and
 * whoever brings it back has heard us there.
 */
export class NonceFactory {
  readonly #options: NonceOptions
  readonly #ttlMs: number
  readonly #maxWatched: number
  /** In the order of first use. */
  readonly #watched = new Map<string, Watched>()
  /** Nonces issued until then were watched once and may be forgotten: those not watched now are stale. */
  #forgottenUntil = Number.NEGATIVE_INFINITY

  constructor(options: NonceOptions) {
    if (options.secret.length < 16) throw new RangeError('the nonce secret needs at least 16 bytes')
    this.#options = options
    this.#ttlMs = options.ttlMs ?? DEFAULT_TTL_MS
    this.#maxWatched = options.maxWatched ?? DEFAULT_MAX_WATCHED
  }

  /** A fresh nonce. */
  issue(audience = ''): string {
    const bytes = Buffer.allocUnsafe(TIME_BYTES + SALT_BYTES + MAC_BYTES)
    bytes.writeUIntBE(Math.trunc(this.#options.now()), 0, TIME_BYTES)
    bytes.set(this.#options.salt?.() ?? randomBytes(SALT_BYTES), TIME_BYTES)
    bytes.set(this.#mac(bytes.subarray(0, TIME_BYTES + SALT_BYTES), audience), TIME_BYTES + SALT_BYTES)
    return bytes.toString('base64url')
  }

  /** Whether a nonce is ours and of age. Changes nothing, so it is safe before the credentials are verified. */
  check(nonce: string, audience = ''): Exclude<NonceVerdict, 'replayed'> {
    const issuedAt = this.#issuedAt(nonce, audience)
    if (issuedAt === undefined) return 'forged'
    return this.#isStale(nonce, issuedAt) ? 'stale' : 'good'
  }

  /**
   * Uses a nonce with the nonce-count of verified credentials (`nc`, hexadecimal). Without `nc` (legacy form) a replay
   * cannot be told from a new request, so only age counts.
   */
  use(nonce: string, nc?: string, audience = ''): NonceVerdict {
    const issuedAt = this.#issuedAt(nonce, audience)
    if (issuedAt === undefined) return 'forged'
    if (this.#isStale(nonce, issuedAt)) return 'stale'
    if (nc === undefined) return 'good'
    const count = Number.parseInt(nc, 16)
    if (!(count >= 1)) return 'replayed'

    const watched = this.#watched.get(nonce)
    if (watched === undefined) {
      this.#makeRoom()
      this.#watched.set(nonce, { issuedAt, highest: count, recent: 1 })
      return 'good'
    }
    return useCount(watched, count) ? 'good' : 'replayed'
  }

  /** Nonces watched for replays now. */
  get watched(): number {
    return this.#watched.size
  }

  #isStale(nonce: string, issuedAt: number): boolean {
    const age = this.#options.now() - issuedAt
    if (age > this.#ttlMs || age < -this.#ttlMs) return true
    return issuedAt <= this.#forgottenUntil && !this.#watched.has(nonce)
  }

  /** Forgets nonces that are too old anyway; when that is not enough, the one used first, which makes its like stale. */
  #makeRoom(): void {
    const now = this.#options.now()
    for (const [nonce, { issuedAt }] of this.#watched) {
      const expired = now - issuedAt > this.#ttlMs
      if (!expired && this.#watched.size < this.#maxWatched) return
      if (!expired) this.#forgottenUntil = Math.max(this.#forgottenUntil, issuedAt)
      this.#watched.delete(nonce)
    }
  }

  #issuedAt(nonce: string, audience: string): number | undefined {
    const bytes = Buffer.from(nonce, 'base64url')
    // The text must be the one we made: base64 has several spellings of the same bytes.
    if (bytes.length !== TIME_BYTES + SALT_BYTES + MAC_BYTES || bytes.toString('base64url') !== nonce)
      return undefined
    const mac = this.#mac(bytes.subarray(0, TIME_BYTES + SALT_BYTES), audience)
    if (!timingSafeEqual(mac, bytes.subarray(TIME_BYTES + SALT_BYTES))) return undefined
    return bytes.readUIntBE(0, TIME_BYTES)
  }

  #mac(signed: Uint8Array, audience: string): Buffer {
    const hmac = createHmac('sha256', this.#options.secret).update(signed).update(audience)
    return hmac.digest().subarray(0, MAC_BYTES)
  }
}

/** Marks a count as used; false when it was used before or lies too far back to tell. */
function useCount(watched: Watched, count: number): boolean {
  const ahead = count - watched.highest
  if (ahead > 0) {
    watched.recent = ahead >= WINDOW ? 1 : (watched.recent << ahead) | 1
    watched.highest = count
    return true
  }
  if (ahead <= -WINDOW) return false
  const bit = 1 << -ahead
  if ((watched.recent & bit) !== 0) return false
  watched.recent |= bit
  return true
}
