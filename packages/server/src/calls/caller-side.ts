import { NO_BODY, type ServerCall } from '@maskline/sip'
import { CALLER, type CallMedia } from './call-media.ts'
import { DigitSources } from './digit-sources.ts'
import { formatReason } from './reason.ts'

/** Seconds after which a refused caller may try again (spec/codes.md section 5). */
const RETRY_AFTER = ['Retry-After', '5'] as const
const NO_HEADERS: readonly string[] = []
/** Q.850 "temporary failure": the cause of a BYE where a status was to say it all. */
const TEMPORARY_FAILURE = 41

export function reasonHeaders(q850: number): readonly string[] {
  return q850 === 0 ? NO_HEADERS : ['Reason', formatReason(q850)]
}

/** The caller's leg: what it was told in SIP, the SDP between it and us, and its keys. */
export class CallerSide {
  readonly leg: ServerCall
  /** Its SDP: its offer, or its answer to ours. */
  sdp: Uint8Array
  /** The SDP that answers its offer, as last computed. */
  answerSdp: Uint8Array = NO_BODY
  /** It hears us: the answer was ours, and it gets it with the next response. */
  hears = false
  /** The next progress without SDP is repeated until it is acknowledged (RFC 3262), where the caller takes that. */
  reliably = false
  /** Our 200 is out, with our own offer perhaps: from then on only BYE ends its leg. */
  isAnswered = false
  readonly #media: CallMedia
  /** Its INVITE's SDP of ours is given in a reliable response, or was exchanged since: no other has any (RFC 6337 §2.2). */
  #agreed = false
  #digits: DigitSources | undefined

  constructor(leg: ServerCall, media: CallMedia) {
    this.leg = leg
    this.sdp = leg.request.body
    this.#media = media
  }

  /** The engine answers the offer itself, before there is a callee. */
  async answerEarly(): Promise<void> {
    this.answerSdp = await this.#media.answerLocally(CALLER, this.sdp)
    this.hears = true
  }

  /** Takes the ACK's answer to an offer of ours. */
  async takeAnswer(sdp: Uint8Array): Promise<void> {
    await this.#media.acceptAnswer(CALLER, sdp)
    this.sdp = sdp
    this.hears = true
  }

  /** Takes a PRACK's answer to the callee's offer: what goes to the callee. */
  async takePrackAnswer(sdp: Uint8Array): Promise<Uint8Array> {
    const answer = await this.#media.answer(CALLER, sdp)
    this.sdp = sdp
    this.#agreed = true
    return answer
  }

  /** A new offer of a caller who is not in a talk: we answer it. Only who has our SDP for sure may make one. */
  async takeOffer(sdp: Uint8Array): Promise<Uint8Array> {
    this.answerSdp = await this.#media.answerLocally(CALLER, sdp)
    this.sdp = sdp
    this.#agreed = true
    return this.answerSdp
  }

  progress(status: number): void {
    if (this.answerSdp.length === 0 || this.#agreed)
      return this.leg.progress(status, this.reliably ? { reliable: true } : undefined)
    // Reliable wherever the caller takes that: what follows comes behind it, and the 200 waits for its PRACK.
    this.#agreed = this.leg.reliability !== 'none'
    this.leg.progress(status, { body: this.answerSdp })
  }

  /** With the SDP that answers its offer, or with an offer of ours. `callerAnswered` tells when it is out. */
  answer(body = this.answerSdp): void {
    this.leg.answer(body.length > 0 && !this.#agreed ? { body } : {})
  }

  /** Ends the leg with the status, or with BYE where a 200 went before: the caller must not stay up in silence. */
  reject(status: number, q850: number): void {
    if (this.isAnswered) return this.bye(q850 === 0 ? TEMPORARY_FAILURE : q850)
    this.leg.reject(status, {
      headers: [...reasonHeaders(q850), ...(status === 503 ? RETRY_AFTER : [])],
    })
  }

  bye(q850: number): void {
    this.leg.bye({ headers: reasonHeaders(q850) })
  }

  /** Its keys: those of its media, and those of its INFOs. One key gives one digit. */
  get digits(): DigitSources {
    return (this.#digits ??= new DigitSources())
  }
}
