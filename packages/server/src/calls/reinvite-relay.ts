import { MediaError } from '@maskline/media'
import {
  type DialogCall,
  type IncomingRequest,
  NO_BODY,
  type SipRequest,
  type SipResponse,
} from '@maskline/sip'
import { type CallMedia, type LegName, otherLeg } from './call-media.ts'

/** Passes re-INVITEs of a talk (hold, resume, codec change) to the other side with the SDP rewritten; RFC 3261 §14. */
export class ReinviteRelay {
  readonly #media: CallMedia
  readonly #legs: Readonly<Record<LegName, DialogCall>>
  /** A side whose offer in a re-INVITE's 200 is not answered yet. */
  #waitsForAnswer: LegName | undefined

  constructor(media: CallMedia, legs: Readonly<Record<LegName, DialogCall>>) {
    this.#media = media
    this.#legs = legs
  }

  relay(leg: LegName, request: IncomingRequest): void {
    const { body } = request.request
    this.#media.inOrder(async () => {
      try {
        const offer = body.length > 0 ? await this.#media.offer(leg, body) : NO_BODY
        this.#legs[otherLeg(leg)].reinvite({ body: offer }, (response) =>
          this.#answered(leg, request, response),
        )
      } catch (error) {
        request.respond(488)
        if (!(error instanceof MediaError)) throw error
      }
    })
  }

  /** A re-INVITE that fails leaves the session as it was (RFC 3261 §14.1). */
  #answered(leg: LegName, request: IncomingRequest, response: SipResponse): void {
    if (response.status >= 300)
      return request.respond(RELAYED_REFUSALS.has(response.status) ? response.status : 488)
    const other = otherLeg(leg)
    this.#media.inOrder(async () => {
      const delayed = request.request.body.length === 0
      try {
        const body =
          response.body.length === 0
            ? NO_BODY
            : delayed
              ? await this.#media.offer(other, response.body)
              : await this.#media.answer(other, response.body)
        // The side that made this offer waits for its ACK until the requester's ACK brings the answer.
        if (delayed) this.#waitsForAnswer = other
        request.respond(200, { body })
      } catch (error) {
        request.respond(488)
        if (!(error instanceof MediaError)) throw error
      }
    })
  }

  /** The side that asked took its re-INVITE back: so do we on the other (RFC 3261 §9.1). */
  cancelled(leg: LegName): void {
    this.#legs[otherLeg(leg)].cancelReinvite()
  }

  /** ACK of a relayed re-INVITE without an offer: its answer goes on to the side that made the offer. */
  acknowledged(leg: LegName, request: SipRequest): void {
    const other = otherLeg(leg)
    if (this.#waitsForAnswer !== other) return
    this.#waitsForAnswer = undefined
    this.#media.inOrder(async () => {
      // Without an answer the ACK still goes on, or the peer would repeat its 200 and give the call up.
      const answer = request.body.length > 0 ? await this.#media.answer(leg, request.body) : NO_BODY
      this.#legs[other].ackReinvite(answer.length > 0 ? { body: answer } : {})
    })
  }
}

/** Refusals of a re-INVITE that mean the same to the other side; any other becomes 488. */
const RELAYED_REFUSALS: ReadonlySet<number> = new Set([415, 488, 491, 500, 603, 606])
