/** Forks whose SDP is kept; one of more is known to nobody until it answers with its own. */
const MAX_KEPT = 8
const NONE: readonly Uint8Array[] = []

/** The SDP of whom the caller hears from now on, and those of the forks that are not heard any more. */
export type Heard = { readonly sdp: Uint8Array; readonly lost: readonly Uint8Array[] }

/**
 * The SDP of the phones that one INVITE rings, by To-tag (RFC 3261 §13.2.1). The caller hears the first of them that sends
 * media, until one answers: from then on that one, also when it had sent its SDP in a 183 and its 200 has none.
 */
export class CalleeForks {
  #heard: string | undefined
  #kept: Map<string, Uint8Array> | undefined

  /** SDP of a fork that has not answered; true when the caller is to hear it. */
  early(fork: string, sdp: Uint8Array): boolean {
    this.#kept ??= new Map()
    this.#heard ??= fork
    if (this.#kept.size < MAX_KEPT || this.#kept.has(fork)) this.#kept.set(fork, sdp)
    return this.#heard === fork
  }

  /** A fork is over (RFC 6228). When it was the one heard: whom the caller hears from now on, if there is anyone. */
  ended(fork: string): Heard | undefined {
    const own = this.#kept?.get(fork)
    this.#kept?.delete(fork)
    if (this.#heard !== fork) return undefined
    const [next] = this.#kept ?? []
    this.#heard = next?.[0]
    return next === undefined ? undefined : { sdp: next[1], lost: own === undefined ? NONE : [own] }
  }

  /**
   * One has answered with `body`: what holds from now on; its SDP is empty when the caller hears that fork already, or when
   * it has sent none.
   */
  answered(fork: string, body: Uint8Array): Heard {
    const kept = this.#kept
    if (kept === undefined) return { sdp: body, lost: NONE }
    const own = kept.get(fork)
    kept.delete(fork)
    this.#kept = undefined
    if (this.#heard === fork) return { sdp: body, lost: NONE }
    return { sdp: body.length > 0 ? body : (own ?? body), lost: [...kept.values()] }
  }
}
