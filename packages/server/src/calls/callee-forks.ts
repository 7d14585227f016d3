/** Forks whose SDP is kept; one of more is known to nobody until it answers with its own. */
const MAX_KEPT = 8
const NONE: readonly Uint8Array[] = []

/** The SDP of whom the caller hears from now on, and those of the forks that are not heard. */
export type Heard = { readonly sdp: Uint8Array; readonly others: readonly Uint8Array[] }

/**
 * The SDP of the phones that one INVITE rings, by To-tag (RFC 3261 §13.2.1). The caller hears the first of them that sends
 * media, until one answers: from then on that one, also when it had sent its SDP in a 183 and its 200 has none.
 */
export class CalleeForks {
  #heard: string | undefined
  #kept: Map<string, Uint8Array> | undefined
  /** Of phones that were rung before on the same leg, and are not any more. */
  readonly #before: readonly Uint8Array[]

  constructor(before: readonly Uint8Array[] = NONE) {
    this.#before = before
  }

  /** All that is not to be heard once the leg is begun anew. */
  get past(): readonly Uint8Array[] {
    return this.#kept === undefined ? this.#before : [...this.#before, ...this.#kept.values()]
  }

  hears(fork: string): boolean {
    return this.#heard === fork
  }

  /** A fork that has not answered sends SDP. */
  early(fork: string, sdp: Uint8Array): Heard {
    const kept = (this.#kept ??= new Map())
    this.#heard ??= fork
    if (kept.size < MAX_KEPT || kept.has(fork)) kept.set(fork, sdp)
    return this.#heardOf(kept.get(this.#heard) ?? sdp)
  }

  /** A fork is over (RFC 6228). When it was the one heard: whom the caller hears from now on, if there is anyone. */
  ended(fork: string): Heard | undefined {
    const own = this.#kept?.get(fork)
    this.#kept?.delete(fork)
    if (this.#heard !== fork) return undefined
    const [next] = this.#kept ?? []
    this.#heard = next?.[0]
    if (next === undefined) return undefined
    const { sdp, others } = this.#heardOf(next[1])
    return { sdp, others: own === undefined ? others : [...others, own] }
  }

  /**
   * One has answered with `body`: what holds from now on; its SDP is empty when the caller hears that fork already, or when
   * it has sent none.
   */
  answered(fork: string, body: Uint8Array): Heard {
    const kept = this.#kept
    if (kept === undefined) return { sdp: body, others: this.#before }
    const own = kept.get(fork)
    kept.delete(fork)
    this.#kept = undefined
    if (this.#heard === fork) return { sdp: body, others: NONE }
    return { sdp: body.length > 0 ? body : (own ?? body), others: [...this.#before, ...kept.values()] }
  }

  #heardOf(sdp: Uint8Array): Heard {
    if (this.#kept === undefined || this.#kept.size < 2) return { sdp, others: this.#before }
    const others = [...this.#kept].filter(([fork]) => fork !== this.#heard).map(([, other]) => other)
    return { sdp, others: [...this.#before, ...others] }
  }
}
