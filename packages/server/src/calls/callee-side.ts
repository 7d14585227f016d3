import { MediaError } from '@maskline/media'
import { type ClientCall, NO_BODY, type ServerCall, type SipResponse } from '@maskline/sip'
import { type E164, maskNumber } from '../shared/e164.ts'
import { CALLEE, CALLER, type CallMedia } from './call-media.ts'
import type { CallServices } from './call-services.ts'
import { CalleeForks, type Heard } from './callee-forks.ts'
import { calleeInvite } from './callee-invite.ts'
import { CalleeWays } from './callee-ways.ts'
import { reasonHeaders } from './caller-side.ts'
import { calleeHandlers, type LegOwner } from './leg-handlers.ts'
import { allowsUpdate } from './offer-relay.ts'
import type { Outbound } from './ports.ts'
import { Redirects } from './redirects.ts'
import type { ReleaseOverrides } from './release-map.ts'

/** The call that the leg belongs to. */
export type CalleeOwner = LegOwner & { readonly sessionId: string; readonly isOver: boolean }

/** The callee's leg: the ways that lead there, the INVITE on the one being tried, and what ends it. */
export class CalleeSide {
  readonly #owner: CalleeOwner
  readonly #services: CallServices
  readonly #media: CallMedia
  readonly #caller: ServerCall
  /** On the way being tried. */
  leg: ClientCall | undefined
  /** Its 2xx has come, so that only BYE ends it. */
  #isUp = false
  #ways: CalleeWays | undefined
  /** The way being tried, or a contact that its peer redirects to. */
  #target: Outbound | undefined
  #redirects: Redirects | undefined
  /** More than 100 came on the leg. */
  #hasProgressed = false
  /** Its party takes UPDATE. */
  allowsUpdate = false
  /** Its party makes the offer: our INVITE had none. */
  makesOffer = false
  #forks = new CalleeForks()
  #offer: Uint8Array = NO_BODY

  constructor(owner: CalleeOwner, services: CallServices, media: CallMedia, caller: ServerCall) {
    this.#owner = owner
    this.#services = services
    this.#media = media
    this.#caller = caller
  }

  /** What the trunk being tried means by its answers. */
  get releaseCodes(): ReleaseOverrides | undefined {
    return this.#target?.releaseCodes
  }

  /** Looks for the first way: `full` when there are some, and none has a channel left. */
  find(callee: E164): 'found' | 'full' | 'none' {
    this.#ways = new CalleeWays(this.#services.trunks.waysTo(callee))
    this.#target = this.#ways.next()
    if (this.#target === undefined) return this.#ways.any ? 'full' : 'none'
    this.#takeMediaFromWay()
    return 'found'
  }

  /**
   * Turns the caller's SDP into the offer; without one the callee will make it. A way on which the two have no codec in common
   * is passed over: throws NO_COMMON_CODEC once none is left.
   */
  async prepareOffer(sdp: Uint8Array): Promise<void> {
    if (sdp.length === 0) return
    for (;;)
      try {
        this.#offer = await this.#media.offer(CALLER, sdp)
        return
      } catch (error) {
        if (this.#owner.isOver || !isCodecMismatch(error)) throw error
        const next = this.#ways!.next()
        if (next === undefined) throw error
        this.#target = next
        this.#takeMediaFromWay()
      }
  }

  dial(callee: E164, display: E164): void {
    const { sip, log } = this.#services
    const ways = this.#ways!
    const invite = calleeInvite(this.#target!, display, this.#caller, this.#offer, ways.hasMore)
    const leg = sip.stack().invite(invite, calleeHandlers)
    leg.owner = this.#owner
    this.leg = leg
    this.makesOffer = this.#offer.length === 0
    this.#offer = NO_BODY
    this.#forks = new CalleeForks(this.#forks.past)
    this.#hasProgressed = false
    log.debug(
      { sessionId: this.#owner.sessionId, trunk: ways.current!.trunk, callee: maskNumber(callee) },
      'callee leg started',
    )
  }

  /** A response came that does not fail the leg. */
  heardFrom(response: SipResponse): void {
    if (response.status > 100) this.#hasProgressed = true
    this.#ways!.answered(response)
  }

  /** SDP of a fork that has not answered. */
  early(fork: string, sdp: Uint8Array): Heard {
    return this.#forks.early(fork, sdp)
  }

  /** Whether it is this fork that the caller hears. */
  hears(fork: string): boolean {
    return this.#forks.hears(fork)
  }

  /** A fork is over, the others go on: whom the caller hears now, if that changes. */
  forkEnded(fork: string): Heard | undefined {
    return this.#forks.ended(fork)
  }

  /** The leg is up: what holds from now on. */
  answered(response: SipResponse, fork: string): Heard {
    this.#isUp = true
    this.allowsUpdate = allowsUpdate(response)
    this.heardFrom(response)
    return this.#forks.answered(fork, response.body)
  }

  /**
   * The leg failed. Whether another is tried: where the peer redirects to, or the next way, but that never once the callee's
   * side has been heard. `dial` is called when the INVITE can leave, `fail` when there is none that could: the caller has no
   * codec in common with any way left.
   */
  triesNext(
    status: number,
    response: SipResponse | undefined,
    callerSdp: Uint8Array,
    dial: () => void,
    fail: () => void,
  ): boolean {
    const ways = this.#ways!
    const mayFailOver = ways.failed(status, response)
    const redirected = this.#redirectedTo(status, response)
    if (redirected !== undefined) ways.again()
    const next = redirected ?? (mayFailOver ? ways.next() : undefined)
    if (next === undefined) return false
    this.#target = next
    this.#media.inOrder(async () => {
      if (this.#owner.isOver) return
      this.#takeMediaFromWay()
      try {
        await this.prepareOffer(callerSdp)
      } catch (error) {
        if (!isCodecMismatch(error)) throw error
        return fail()
      }
      dial()
    })
    return true
  }

  bye(q850: number): void {
    this.leg?.bye({ headers: reasonHeaders(q850) })
  }

  /** Ends the leg before the call was a talk. */
  end(q850: number): void {
    if (this.leg === undefined) return
    if (!this.#isUp) return this.leg.cancel({ headers: reasonHeaders(q850) })
    this.leg.ack()
    this.bye(q850)
  }

  /** Gives the channel of the way back. */
  letGo(): void {
    this.#ways?.giveBack()
  }

  /** A phone that rang and failed is not followed by another one, unless it says so itself. */
  #redirectedTo(status: number, response: SipResponse | undefined): Outbound | undefined {
    const way = this.#target!
    if (response !== undefined && status < 400 && way.redirects === 'follow')
      (this.#redirects ??= new Redirects()).take(response, way)
    else if (this.#hasProgressed || status >= 600) return undefined
    return this.#redirects?.next()
  }

  #takeMediaFromWay(): void {
    const way = this.#target
    this.#media.comesFrom(CALLEE, way?.hop?.address, way?.codecs)
  }
}

const isCodecMismatch = (error: unknown): boolean =>
  error instanceof MediaError && error.code === 'NO_COMMON_CODEC'
