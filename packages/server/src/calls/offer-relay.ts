import { MediaError } from '@maskline/media'
import {
  type DialogCall,
  header,
  type IncomingRequest,
  NO_BODY,
  type SipRequest,
  type SipResponse,
} from '@maskline/sip'
import type { Clock, Timer } from '../shared/time.ts'
import { type CallMedia, type LegName, otherLeg } from './call-media.ts'

/** A leg as far as offers go there: whether its party takes UPDATE (RFC 3311). */
export type OfferLeg = { readonly leg: DialogCall; readonly allowsUpdate: boolean }

/** An UPDATE has no provisional response: it is answered in half the time its sender waits (RFC 3311 §5.2: 504). */
const UPDATE_LIMIT_MS = 16_000

/** One offer on its way to the other side. */
type Exchange = {
  readonly from: LegName
  readonly request: IncomingRequest
  /** It was taken back, or took too long: its sender has an answer. */
  isOver: boolean
  /** The other side has it. */
  isSent: boolean
  limit: Timer | undefined
}

/**
 * Offers of a talk (hold, resume, another codec or address), by re-INVITE or UPDATE: they go to the other side with the SDP
 * rewritten, one at a time (RFC 3261 §14, RFC 3311 §5). One that changes nothing refreshes its session (RFC 4028 §7.4) and is
 * answered here: each leg has a session timer of its own.
 */
export class OfferRelay {
  readonly #media: CallMedia
  readonly #clock: Clock
  readonly #legs: Readonly<Record<LegName, OfferLeg>>
  #open: Exchange | undefined
  /** A side whose offer in a re-INVITE's 200 is not answered yet. */
  #waitsForAnswer: LegName | undefined

  constructor(media: CallMedia, clock: Clock, legs: Readonly<Record<LegName, OfferLeg>>) {
    this.#media = media
    this.#clock = clock
    this.#legs = legs
  }

  relay(from: LegName, request: IncomingRequest): void {
    // Two offers that cross would wait for each other for ever.
    if (this.#open !== undefined || this.#waitsForAnswer !== undefined) return request.respond(491)
    const exchange: Exchange = { from, request, isOver: false, isSent: false, limit: undefined }
    this.#open = exchange
    this.#work(exchange, async () => {
      const { body } = request.request
      const standing = body.length > 0 && (await this.#media.stands(from, body))
      if (exchange.isOver) return this.#close(exchange)
      if (standing) return this.#accept(exchange, this.#media.sdpFor(from) ?? NO_BODY)
      this.#send(exchange, body.length > 0 ? await this.#media.offer(from, body) : NO_BODY)
    })
  }

  /** The side that asked took its re-INVITE back: so do we on the other (RFC 3261 §9.1). */
  cancelled(from: LegName): void {
    const exchange = this.#open
    if (exchange?.from === from) this.#takeBack(exchange)
  }

  /** ACK of a relayed re-INVITE without an offer: its answer goes on to the side that made the offer. */
  acknowledged(from: LegName, request: SipRequest): void {
    const other = otherLeg(from)
    if (this.#waitsForAnswer !== other) return
    this.#media.inOrder(async () => {
      let answer: Uint8Array | undefined
      try {
        if (request.body.length > 0) answer = await this.#media.answer(from, request.body)
      } catch (error) {
        answer = this.#media.sdpFor(other)
        if (!(error instanceof MediaError)) throw error
      } finally {
        // Whatever the answer is worth the ACK goes on, or the peer would repeat its 200 and give the call up.
        this.#waitsForAnswer = undefined
        this.#legs[other].leg.ackReinvite(answer && { body: answer })
      }
    })
  }

  /** The talk is over. */
  close(): void {
    this.#open?.limit?.cancel()
  }

  #send(exchange: Exchange, offer: Uint8Array): void {
    if (exchange.isOver) return this.#close(exchange)
    exchange.isSent = true
    const { leg, allowsUpdate } = this.#legs[otherLeg(exchange.from)]
    const onFinal = (response: SipResponse): void => this.#answered(exchange, response)
    if (exchange.request.request.method !== 'UPDATE') return leg.reinvite({ body: offer }, onFinal)
    if (allowsUpdate) return leg.update({ body: offer }, onFinal)
    exchange.limit = this.#clock.setTimer(UPDATE_LIMIT_MS, () => {
      exchange.request.respond(504)
      this.#takeBack(exchange)
    })
    leg.reinvite({ body: offer }, onFinal)
  }

  #takeBack(exchange: Exchange): void {
    exchange.isOver = true
    if (exchange.isSent) this.#legs[otherLeg(exchange.from)].leg.cancelReinvite()
  }

  #answered(exchange: Exchange, response: SipResponse): void {
    exchange.limit?.cancel()
    if (exchange.isOver) return this.#answeredTooLate(exchange, response)
    // An offer that fails leaves the session as it was (RFC 3261 §14.1).
    if (response.status >= 300) return this.#refuse(exchange, response)
    const other = otherLeg(exchange.from)
    const isDelayed = exchange.request.request.body.length === 0
    this.#work(exchange, async () => {
      if (response.body.length === 0) return this.#accept(exchange, NO_BODY)
      if (!isDelayed) return this.#accept(exchange, await this.#media.answer(other, response.body))
      const offer = await this.#media.offer(other, response.body)
      // The side that made this offer waits for its ACK until the requester's ACK brings the answer.
      this.#waitsForAnswer = other
      this.#accept(exchange, offer)
    })
  }

  /** A 2xx that crossed our CANCEL: the other side goes back to what stands, or its offer is answered with that. */
  #answeredTooLate(exchange: Exchange, response: SipResponse): void {
    const other = otherLeg(exchange.from)
    const { leg } = this.#legs[other]
    this.#close(exchange)
    if (response.status >= 300) return
    if (exchange.request.request.body.length > 0)
      return leg.reinvite({ body: this.#media.sdpFor(other) ?? NO_BODY }, () => {})
    this.#media.inOrder(async () => {
      const answer =
        response.body.length > 0 ? await this.#media.answerLocally(other, response.body) : NO_BODY
      leg.ackReinvite(answer.length > 0 ? { body: answer } : {})
    })
  }

  #accept(exchange: Exchange, body: Uint8Array): void {
    this.#close(exchange)
    exchange.request.respond(200, { body })
  }

  #refuse(exchange: Exchange, { status, headers }: SipResponse): void {
    this.#close(exchange)
    // 500 asks to try again soon (RFC 3261 §14.2); one of our own stack has no headers, and the other leg is lost with it.
    const isBusy = status === 500 && headers.length > 0
    const retry = isBusy ? { headers: ['Retry-After', retryAfterOf(headers)] } : {}
    exchange.request.respond(PASSED.has(status) ? status : 488, retry)
  }

  #close(exchange: Exchange): void {
    if (this.#open === exchange) this.#open = undefined
  }

  /** Media work whose failure costs the offer, not the call. */
  #work(exchange: Exchange, work: () => Promise<void>): void {
    this.#media.inOrder(async () => {
      try {
        await work()
      } catch (error) {
        this.#close(exchange)
        exchange.request.respond(488)
        if (!(error instanceof MediaError)) throw error
      }
    })
  }
}

/** Refusals of an offer that mean the same to the other side; any other becomes 488. */
const PASSED: ReadonlySet<number> = new Set([415, 488, 491, 500, 603, 606])

function retryAfterOf(headers: readonly string[]): string {
  const seconds = Number(headers[headers.indexOf('Retry-After') + 1] ?? 5)
  return String(seconds >= 0 && seconds <= 10 ? Math.floor(seconds) : 5)
}

/** Whether a party says that it takes UPDATE. */
export const allowsUpdate = (message: SipRequest | SipResponse): boolean =>
  /\bUPDATE\b/.test(header(message, 'Allow') ?? '')
