import type { SipResponse } from '../message/message.ts'
import type { Hop } from '../transport/address.ts'
import { faceFor } from '../core/core.ts'
import type { Core, Face } from '../core/core.ts'

/** `SilenceOptions.limitMs`: four copies over UDP, of which a peer that lives and a network that loses some let one through. */
export const SILENT_HOP_MS = 4_000

/** The hops of one request outside a dialog, tried one after another (RFC 3263 §4.3). */
export class HopWalk {
  /** Being tried; undefined before the first. */
  hop: Hop | undefined
  /** What the request leaves by. */
  face: Face | undefined
  /** A server beyond the hop took the request on: then no other is tried. */
  isTaken = false
  readonly #core: Core
  #others: readonly Hop[] = []

  constructor(core: Core) {
    this.#core = core
  }

  /** Whether there is another hop to try. */
  get hasMore(): boolean {
    return this.#others.length > 0 && !this.isTaken
  }

  /** Goes to the first hop; false when there is none, or nothing to send from. */
  start(hop: Hop | undefined, others: readonly Hop[]): boolean {
    this.#others = others
    return this.#goTo(hop)
  }

  /** The hop failed, with a response or without one, which other requests learn of. */
  failed(response?: SipResponse): void {
    this.#core.locator.failed(this.hop!, response)
  }

  /** Goes to the next hop; false when there is none. */
  next(): boolean {
    if (!this.hasMore) return false
    const [next, ...others] = this.#others
    this.#others = others
    return this.#goTo(next)
  }

  #goTo(hop: Hop | undefined): boolean {
    const face = hop === undefined ? undefined : faceFor(this.#core, hop)
    if (face === undefined) return false
    this.hop = hop
    this.face = face
    return true
  }
}
