import { MediaError } from '@maskline/media'
import { forkOf, header, type IncomingRequest, type SipRequest, type SipResponse } from '@maskline/sip'
import type { Clock } from '../shared/time.ts'
import { CALLEE, CALLER, type CallMedia, type LegName } from './call-media.ts'
import { CalleeOffers } from './callee-offers.ts'
import type { CalleeSide } from './callee-side.ts'
import type { CallerSide } from './caller-side.ts'
import { allowsUpdate, OfferRelay } from './offer-relay.ts'

/**
 * Offers and answers between the two legs of a call, from the INVITE on (RFC 3264, RFC 6337): which message of one leg carries
 * the SDP of the other.
 *
 *     INVITE with an offer      answer in 18x and 200        of the fork that is heard, then of the one that answers
 *     INVITE without            offer in the 200             answer in the ACK
 *                               offer in a reliable 18x      answer in the PRACK (RFC 3262 §5); other forks' by us
 *     before the talk           answered by us
 *     in the talk               passed on (OfferRelay)
 */
export class Negotiation {
  readonly #media: CallMedia
  readonly #caller: CallerSide
  readonly #callee: CalleeSide
  readonly #clock: Clock
  readonly #offers: CalleeOffers
  /** The callee's 2xx waits for the caller's answer. */
  #owesAck = false
  #relay: OfferRelay | undefined

  constructor(media: CallMedia, caller: CallerSide, callee: CalleeSide, clock: Clock) {
    this.#media = media
    this.#caller = caller
    this.#callee = callee
    this.#clock = clock
    this.#offers = new CalleeOffers(media)
  }

  /** SDP in a provisional response of a fork: the media work that follows, and whether the caller hears the callee's side then. */
  early(response: SipResponse, fork: string): () => Promise<boolean> {
    const { sdp, others } = this.#callee.early(fork, response.body)
    return async () => {
      const { makesOffer, leg } = this.#callee
      if (!makesOffer) this.#caller.answerSdp = await this.#media.answer(CALLEE, sdp, others)
      else if (isReliable(response))
        this.#caller.answerSdp =
          (await this.#offers.take(leg!, fork, response.body)) ?? this.#caller.answerSdp
      return !makesOffer
    }
  }

  /** A fork is over; the caller may hear another from now on. */
  async forkEnded(fork: string): Promise<void> {
    const next = this.#callee.forkEnded(fork)
    if (next === undefined || this.#caller.sdp.length === 0) return
    if (this.#callee.makesOffer) await this.#media.answerLocally(CALLEE, next.sdp)
    else this.#caller.answerSdp = await this.#media.answer(CALLEE, next.sdp, next.others)
  }

  /** A fork has answered: the media work that follows. Its 200 is acknowledged, unless the caller has to answer it first. */
  answered(response: SipResponse, fork: string): () => Promise<void> {
    const { sdp, others } = this.#callee.answered(response, fork)
    return async () => {
      const { makesOffer } = this.#callee
      const leg = this.#callee.leg!
      if (!makesOffer) {
        if (sdp.length > 0) this.#caller.answerSdp = await this.#media.answer(CALLEE, sdp, others)
        leg.ack()
      } else if (this.#offers.isAnswered) {
        const body = await this.#offers.heard(fork, response.body)
        leg.ack(body && { body })
      } else {
        this.#owesAck = true
        if (sdp.length > 0) this.#caller.answerSdp = await this.#media.offer(CALLEE, sdp)
      }
    }
  }

  /** The caller's ACK answers the offer of the callee's 200. */
  async acknowledged(request: SipRequest): Promise<void> {
    this.#callee.leg?.ack({ body: await this.#media.answer(CALLER, request.body) })
  }

  /** A PRACK of the caller with SDP: the answer to the callee's offer, or an offer of its own. */
  pracked(request: IncomingRequest): void {
    if (!this.#offers.isMade || this.#caller.sdp.length > 0) return this.#takeOffer(CALLER, request)
    this.#answering(request, async () => {
      const leg = this.#callee.leg!
      const answer = await this.#caller.takePrackAnswer(request.request.body)
      // A fork that did not wait for this PRACK is answered in the ACK.
      if (this.#owesAck) leg.ack({ body: answer })
      else await this.#offers.answered(leg, answer)
      request.respond(200)
    })
  }

  /** A re-INVITE or UPDATE. Before the talk the caller is answered by us, and so is the callee's fork that is heard. */
  offered(leg: LegName, request: IncomingRequest, isTalking: boolean): void {
    if (isTalking) return this.#relayed().relay(leg, request)
    const mayOffer = leg === CALLEE || this.#caller.answerSdp.length > 0
    if (request.request.body.length === 0 || !mayOffer) return request.respond(491)
    if (leg === CALLEE && !this.#callee.hears(forkOf(request.request))) return request.respond(488)
    this.#takeOffer(leg, request)
  }

  offerCancelled(leg: LegName): void {
    this.#relay?.cancelled(leg)
  }

  offerAcknowledged(leg: LegName, request: SipRequest): void {
    this.#relay?.acknowledged(leg, request)
  }

  close(): void {
    this.#relay?.close()
  }

  #takeOffer(leg: LegName, request: IncomingRequest): void {
    this.#answering(request, async () => {
      const { body } = request.request
      const answer =
        leg === CALLER ? await this.#caller.takeOffer(body) : await this.#media.answerLocally(CALLEE, body)
      if (leg === CALLEE) this.#callee.early(forkOf(request.request), body)
      request.respond(200, { body: answer })
    })
  }

  #relayed(): OfferRelay {
    return (this.#relay ??= new OfferRelay(this.#media, this.#clock, {
      [CALLER]: { leg: this.#caller.leg, allowsUpdate: allowsUpdate(this.#caller.leg.request) },
      [CALLEE]: { leg: this.#callee.leg!, allowsUpdate: this.#callee.allowsUpdate },
    }))
  }

  /** SDP that cannot be used costs the request, not the call. */
  #answering(request: IncomingRequest, work: () => Promise<void>): void {
    this.#media.inOrder(async () => {
      try {
        await work()
      } catch (error) {
        request.respond(488)
        if (!(error instanceof MediaError)) throw error
      }
    })
  }
}

/** RFC 3262 §7.1: only a reliable response has a number. */
export const isReliable = (response: SipResponse): boolean => header(response, 'RSeq') !== undefined
