import { MediaError } from '@maskline/media'
import type { ClientCall } from '@maskline/sip'
import { CALLEE, type CallMedia } from './call-media.ts'

/**
 * The offers of the callee's forks in reliable responses, when the caller made none (RFC 3262 §5). The caller gets the first,
 * and its PRACK has the answer. Each other fork wants a PRACK with an answer too, or it would give up: we answer it, once the
 * caller's answer has told the codecs. The first is the one that is heard, until another answers the call.
 */
export class CalleeOffers {
  readonly #media: CallMedia
  #first: { readonly fork: string; readonly sdp: Uint8Array } | undefined
  #isAnswered = false
  /** Those that we answer, by fork. */
  readonly #ours = new Map<string, Uint8Array>()

  constructor(media: CallMedia) {
    this.#media = media
  }

  /** The caller has the offer of a fork. */
  get isMade(): boolean {
    return this.#first !== undefined
  }

  /** Offer and answer are exchanged between the caller and that fork. */
  get isAnswered(): boolean {
    return this.#isAnswered
  }

  /** A fork makes its offer: what goes to the caller, if anything. */
  async take(leg: ClientCall, fork: string, sdp: Uint8Array): Promise<Uint8Array | undefined> {
    if (this.#first === undefined) {
      this.#first = { fork, sdp }
      return this.#media.offer(CALLEE, sdp)
    }
    if (fork === this.#first.fork || this.#ours.has(fork)) return undefined
    this.#ours.set(fork, sdp)
    if (this.#isAnswered) await this.#answer(leg, [[fork, sdp]])
    return undefined
  }

  /** The caller has answered the first. */
  async answered(leg: ClientCall, answer: Uint8Array): Promise<void> {
    this.#isAnswered = true
    leg.prack({ body: answer, fork: this.#first!.fork })
    await this.#answer(leg, this.#ours)
  }

  /** Another fork than the first is heard from now on. What it gets in the ACK: an answer, where its 2xx makes an offer. */
  async heard(fork: string, body: Uint8Array): Promise<Uint8Array | undefined> {
    const own = this.#ours.get(fork)
    const sdp = own ?? body
    if (fork === this.#first?.fork || sdp.length === 0) return undefined
    const answer = await this.#media.answerLocally(CALLEE, sdp)
    return own === undefined ? answer : undefined
  }

  async #answer(leg: ClientCall, offers: Iterable<readonly [string, Uint8Array]>): Promise<void> {
    let isMoved = false
    for (const [fork, sdp] of offers) {
      const body = await this.#answerTo(sdp)
      isMoved = true
      if (body !== undefined) leg.prack({ body, fork })
    }
    if (isMoved) await this.#media.answerLocally(CALLEE, this.#first!.sdp)
  }

  /** SDP that cannot be used costs the fork, not the call: without a PRACK it gives up. */
  async #answerTo(sdp: Uint8Array): Promise<Uint8Array | undefined> {
    try {
      return await this.#media.answerLocally(CALLEE, sdp)
    } catch (error) {
      if (!(error instanceof MediaError)) throw error
      return undefined
    }
  }
}
