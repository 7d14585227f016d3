import { NO_BODY, allHeaders, header } from '@maskline/sip'
import type {
  ClientCall,
  ClientCallHandlers,
  DialogCall,
  IncomingRequest,
  ServerCall,
  ServerCallHandlers,
  SipRequest,
  SipResponse,
} from '@maskline/sip'
import { MediaError, type MediaEvent, type MediaSession, type SdpOrigin } from '@maskline/media'
import type { RouteDecision } from '../bindings/route.ts'
import { type E164, maskNumber } from '../shared/e164.ts'
import type { Timer } from '../shared/time.ts'
import {
  type CallEffect,
  type CallInput,
  type CallState,
  type CallTimer,
  arrive,
  step,
} from './call-machine.ts'
import type { CallRecord } from './call-record.ts'
import type { CallServices } from './call-services.ts'
import type { Outbound } from './ports.ts'
import { formatReason, q850Of, releaseOfFailure } from './release-map.ts'

const CALLER = 'a'
const CALLEE = 'b'
type LegName = typeof CALLER | typeof CALLEE

/**
 * One call while it lives: runs the effects that the machine decides and turns what legs, media and timers report
 * into its inputs. The callee's leg is built from nothing: no header, address or SDP line of the caller is copied.
 */
export class ActiveCall {
  readonly #services: CallServices
  readonly #caller: ServerCall
  #callee: ClientCall | undefined
  /** The callee's 2xx has come, so that only BYE ends its leg. */
  #calleeUp = false
  #state: CallState
  #decision: RouteDecision | undefined
  #media: MediaSession | undefined
  #mediaPending = false
  #outbound: Outbound | undefined
  #calleeOffer: Uint8Array = NO_BODY
  /** The SDP that answers the caller's offer, as last computed. */
  #callerAnswer: Uint8Array = NO_BODY
  #announcementId: number | undefined
  /** A side whose offer in a re-INVITE's 200 is not answered yet. */
  #waitsForAnswer: LegName | undefined
  #timers: Partial<Record<CallTimer, Timer>> = {}
  /** Inputs not yet taken; the first is being taken. */
  readonly #inputs: CallInput[] = []
  /** Media work of one call runs in order; while none is under way, SIP is handled at once. */
  #mediaWork = 0
  #mediaTail: Promise<void> = Promise.resolve()

  constructor(services: CallServices, caller: ServerCall, record: CallRecord) {
    this.#services = services
    this.#caller = caller
    this.#state = arrive(record)
    caller.owner = this
    caller.handlers = callerHandlers
  }

  get record(): CallRecord {
    return this.#state.record
  }

  /**
   * Takes one input. Never throws: an effect that fails ends the call, and no other call is touched. An input that an
   * effect causes waits until the effects before it have run.
   */
  input(input: CallInput): void {
    this.#inputs.push(input)
    if (this.#inputs.length > 1) return
    for (let next: CallInput | undefined = input; next !== undefined; next = this.#inputs[0]) {
      try {
        this.#take(next)
      } finally {
        this.#inputs.shift()
      }
    }
  }

  #take(input: CallInput): void {
    const { state, effects } = step(this.#state, input, this.#services.clock.now(), this.#services.policy)
    this.#state = state
    for (const effect of effects) {
      try {
        this.#run(effect)
      } catch (error) {
        this.#internalFault(error, effect.do)
        // A call that ends runs its last effects to the release; one that does not is ended by the fault instead.
        if (state.kind !== 'ended') return
      }
    }
  }

  #internalFault(error: unknown, during: string): void {
    this.#services.log.error(
      { sessionId: this.record.sessionId, during, err: error },
      'a call met an internal fault and is ended',
    )
    if (this.#state.kind !== 'ended') this.input(INTERNAL_FAULT)
  }

  routed(decision: RouteDecision): void {
    this.#decision = decision
    const tone = decision.kind === 'refuse' ? decision.tone : undefined
    const canAnnounce =
      tone !== undefined &&
      this.#callerOffer().length > 0 &&
      this.#services.announcements.find(decision.subject.app, tone) !== undefined
    this.input({ kind: 'routed', decision, canAnnounce })
  }

  #callerOffer(): Uint8Array {
    return this.#caller.request.body
  }

  #run(effect: CallEffect): void {
    switch (effect.do) {
      case 'tell':
        return this.#services.journal.append({
          record: effect.record,
          event: effect.event,
          at: this.#services.clock.now(),
        })
      case 'announce':
        return this.#inOrder(() => this.#announce(effect.tone))
      case 'prepare':
        return this.#inOrder(() => this.#prepare(effect.callee))
      case 'dial':
        return this.#dial(effect.callee, effect.display)
      case 'progress-caller':
        return this.#progressCaller(effect.status)
      case 'answer-caller':
        return this.#caller.answer(this.#callerAnswer.length > 0 ? { body: this.#callerAnswer } : {})
      case 'reject-caller':
        return this.#caller.reject(effect.status, {
          headers: [...reasonHeaders(effect.q850), ...(effect.status === 503 ? RETRY_AFTER : [])],
        })
      case 'bye-caller':
        return this.#caller.bye({ headers: reasonHeaders(effect.q850) })
      case 'bye-callee':
        return this.#callee?.bye({ headers: reasonHeaders(effect.q850) })
      case 'cancel-callee':
        return this.#endCallee(effect.q850)
      case 'play-to-both':
        return this.#inOrder(() => this.#playToBoth(effect.tone))
      case 'arm':
        this.#timers[effect.timer] = this.#services.clock.setTimer(effect.delayMs, () =>
          this.input(TIMER_INPUT[effect.timer]),
        )
        return
      case 'disarm':
        this.#timers[effect.timer]?.cancel()
        delete this.#timers[effect.timer]
        return
      case 'release':
        return this.#release()
      default:
        effect satisfies never
    }
  }

  /** Takes ports and turns the caller's offer into the callee's; without an offer the callee will make one. */
  async #prepare(callee: E164): Promise<void> {
    this.#outbound = this.#services.trunks.wayTo(callee)
    if (this.#outbound === undefined) {
      this.#services.log.warn(
        { sessionId: this.record.sessionId },
        'no way to the callee: it is no registered phone, and no trunk has a peer',
      )
      return this.input({ kind: 'fault', releaseCode: 8103, statusToCaller: 480 })
    }
    const media = await this.#openMedia()
    const offer = this.#callerOffer()
    if (offer.length > 0) this.#calleeOffer = await media.offer(CALLER, CALLEE, offer, this.#originOf(CALLER))
    this.input({ kind: 'media-ready' })
  }

  async #openMedia(): Promise<MediaSession> {
    if (this.#media !== undefined) return this.#media
    this.#mediaPending = true
    try {
      this.#media = await this.#services.media.open({
        id: this.record.sessionId,
        onEvent: (event) => this.#onMediaEvent(event),
      })
    } finally {
      this.#mediaPending = false
    }
    if (this.#state.kind === 'ended') {
      void this.#closeMedia()
      throw new MediaError('CLOSED', 'the call ended while its media was opened')
    }
    return this.#media
  }

  /** Where a leg's SDP comes from: its media is taken from there, or from the address it names, and from nowhere else. */
  #originOf(leg: LegName): SdpOrigin {
    return leg === CALLER
      ? { sourceAddress: this.#caller.source.address }
      : { ...(this.#outbound && { sourceAddress: this.#outbound.hop.address }) }
  }

  async #announce(tone: string): Promise<void> {
    const audio = this.#services.announcements.find(this.#decision?.subject.app, tone)
    if (audio === undefined) return this.input({ kind: 'announced' })
    const media = await this.#openMedia()
    const answer = await media.answerLocally(CALLER, this.#callerOffer(), this.#originOf(CALLER))
    if (this.#state.kind !== 'announcing') return
    // 183, not 200: a refused caller is never charged (spec/codes.md section 5).
    this.#caller.progress(183, { body: answer })
    this.#announcementId = await media.play(CALLER, audio)
  }

  async #playToBoth(tone: string): Promise<void> {
    const audio = this.#services.announcements.find(this.#decision?.subject.app, tone)
    if (audio === undefined || this.#media === undefined) return
    await Promise.all([this.#media.play(CALLER, audio), this.#media.play(CALLEE, audio)])
  }

  #dial(callee: E164, display: E164): void {
    const way = this.#outbound!
    const { sip } = this.#services
    const shown = way.format(display)
    const identity = `<sip:${shown}@${sip.host}>`
    this.#callee = sip.stack().invite(
      {
        uri: way.uri,
        from: identity,
        to: `<${way.uri}>`,
        contactUser: shown,
        hop: way.hop,
        maxForwards: hopsLeft(this.#caller.request),
        headers: ['P-Asserted-Identity', identity],
        body: this.#calleeOffer,
        ...(way.credentials && { credentials: way.credentials }),
      },
      calleeHandlers,
    )
    this.#callee.owner = this
    this.#calleeOffer = NO_BODY
    this.#services.log.debug(
      { sessionId: this.record.sessionId, callee: maskNumber(callee) },
      'callee leg started',
    )
  }

  #progressCaller(status: number): void {
    if (this.#callerAnswer.length > 0) return this.#caller.progress(status, { body: this.#callerAnswer })
    this.#caller.progress(status)
  }

  #endCallee(q850: number): void {
    if (this.#callee === undefined) return
    if (this.#calleeUp) {
      this.#callee.ack()
      this.#callee.bye({ headers: reasonHeaders(q850) })
    } else this.#callee.cancel({ headers: reasonHeaders(q850) })
  }

  #release(): void {
    for (const timer of Object.values(this.#timers)) timer.cancel()
    this.#timers = {}
    if (!this.#mediaPending) void this.#closeMedia()
    this.#services.forget(this.record.sessionId)
    this.#logEnd()
  }

  /** The one line that a call leaves in the log. */
  #logEnd(): void {
    const { log } = this.#services
    const { sessionId, appKey, x, caller, forward, end } = this.record
    const talkMs =
      forward?.answerAt !== undefined && end !== undefined ? end.at - forward.answerAt : undefined
    log.info(
      {
        sessionId,
        app: appKey,
        x: maskNumber(x),
        caller: caller === undefined ? undefined : maskNumber(caller),
        callee: forward === undefined ? undefined : maskNumber(forward.callee),
        releaseCode: end?.releaseCode,
        sipStatus: end?.sipStatus,
        talkMs,
      },
      'call ended',
    )
  }

  async #closeMedia(): Promise<void> {
    try {
      await this.#media?.close()
    } catch (error) {
      this.#services.log.warn({ sessionId: this.record.sessionId, err: error }, 'media session did not close')
    }
  }

  #onMediaEvent(event: MediaEvent): void {
    if (event.kind === 'play-finished' && event.playId === this.#announcementId)
      this.input({ kind: 'announced' })
    else if (event.kind === 'media-timeout') this.input({ kind: 'media-silent' })
  }

  /** Runs media work after what is under way; a fault of it ends the call with its code. */
  #inOrder(work: () => Promise<void>): void {
    this.#mediaWork++
    this.#mediaTail = this.#mediaTail
      .then(work)
      .catch((error: unknown) => this.#mediaFault(error))
      .finally(() => {
        this.#mediaWork--
      })
  }

  #mediaFault(error: unknown): void {
    if (this.#state.kind === 'ended') return
    const fault = error instanceof MediaError ? FAULT_OF[error.code] : undefined
    if (fault === undefined) this.#internalFault(error, 'media')
    else this.input({ kind: 'fault', ...fault })
  }

  // --- the callee's leg -------------------------------------------------------------------------------------------

  calleeProgress(response: SipResponse): void {
    const ringing =
      response.status === 180 ||
      (response.status === 183 && response.body.length > 0 && this.#services.alertOn183)
    // 181 and 182 would tell the caller of the callee's services; he hears that it rings or he hears nothing new.
    const status = response.status === 183 ? 183 : 180
    if (response.status !== 180 && response.status !== 183) return
    if (response.body.length === 0 && this.#mediaWork === 0)
      return this.input({ kind: 'callee-progress', status, ringing })
    this.#inOrder(async () => {
      if (response.body.length > 0 && this.#media !== undefined && this.#callerOffer().length > 0)
        this.#callerAnswer = await this.#media.answer(CALLEE, CALLER, response.body, this.#originOf(CALLEE))
      this.input({ kind: 'callee-progress', status, ringing })
    })
  }

  calleeAnswered(response: SipResponse): void {
    this.#calleeUp = true
    this.#inOrder(async () => {
      if (this.#state.kind === 'ended') return
      const delayedOffer = this.#callerOffer().length === 0
      if (response.body.length > 0 && this.#media !== undefined) {
        this.#callerAnswer = delayedOffer
          ? await this.#media.offer(CALLEE, CALLER, response.body, this.#originOf(CALLEE))
          : await this.#media.answer(CALLEE, CALLER, response.body, this.#originOf(CALLEE))
      }
      // With a delayed offer the callee's ACK carries the caller's answer and waits for it.
      if (!delayedOffer) this.#callee!.ack()
      this.input({ kind: 'callee-answered' })
    })
  }

  calleeFailed(status: number, response: SipResponse | undefined): void {
    const ringing = this.#state.kind === 'ringing'
    const cause = response && q850Of(allHeaders(response, 'Reason'))
    const release = releaseOfFailure({
      status,
      ringing,
      ...(cause !== undefined && { q850FromReason: cause }),
    })
    this.#afterMediaWork({
      kind: 'callee-failed',
      ending: release,
      statusToCaller: release.sipStatusToCaller,
      reasonToCaller: release.callerReason,
    })
  }

  // --- either leg -------------------------------------------------------------------------------------------------

  legGone(leg: LegName): void {
    this.#afterMediaWork({ kind: leg === CALLER ? 'caller-gone' : 'callee-gone' })
  }

  /** A BYE right behind a 200 must not overtake the media work of that 200. */
  #afterMediaWork(input: CallInput): void {
    if (this.#mediaWork === 0) return this.input(input)
    this.#inOrder(async () => this.input(input))
  }

  callerAcknowledged(request: SipRequest): void {
    if (this.#callerOffer().length > 0 || this.#callee === undefined) return
    this.#inOrder(async () => {
      const answer = await this.#media!.answer(CALLER, CALLEE, request.body, this.#originOf(CALLER))
      this.#callee!.ack({ body: answer })
    })
  }

  /** Relays a re-INVITE (hold, resume, codec change) with the SDP rewritten; RFC 3261 §14. */
  reinvited(leg: LegName, request: IncomingRequest): void {
    const other = leg === CALLER ? CALLEE : CALLER
    const peer = leg === CALLER ? this.#callee : this.#caller
    if (this.#state.kind !== 'talking' || peer === undefined || this.#media === undefined)
      return request.respond(491)
    const media = this.#media
    const body = request.request.body
    this.#inOrder(async () => {
      try {
        const offer = body.length > 0 ? await media.offer(leg, other, body, this.#originOf(leg)) : NO_BODY
        peer.reinvite({ body: offer }, (response) => this.#reinviteAnswered(leg, request, response))
      } catch (error) {
        request.respond(488)
        if (!(error instanceof MediaError)) throw error
      }
    })
  }

  /** A re-INVITE that fails leaves the session as it was (RFC 3261 §14.1). */
  #reinviteAnswered(leg: LegName, request: IncomingRequest, response: SipResponse): void {
    const other = leg === CALLER ? CALLEE : CALLER
    if (response.status >= 300)
      return request.respond(RELAYED_REFUSALS.has(response.status) ? response.status : 488)
    this.#inOrder(async () => {
      const media = this.#media!
      const delayed = request.request.body.length === 0
      try {
        const body =
          response.body.length === 0
            ? NO_BODY
            : delayed
              ? await media.offer(other, leg, response.body, this.#originOf(other))
              : await media.answer(other, leg, response.body, this.#originOf(other))
        // The side that made this offer waits for its ACK until the requester's ACK brings the answer.
        if (delayed) this.#waitsForAnswer = other
        request.respond(200, { body })
      } catch (error) {
        request.respond(488)
        if (!(error instanceof MediaError)) throw error
      }
    })
  }

  /** ACK of a relayed re-INVITE without an offer: its answer goes on to the side that made the offer. */
  reinviteAcknowledged(leg: LegName, request: SipRequest): void {
    const other = leg === CALLER ? CALLEE : CALLER
    if (this.#waitsForAnswer !== other) return
    this.#waitsForAnswer = undefined
    const peer = leg === CALLER ? this.#callee : this.#caller
    this.#inOrder(async () => {
      // Without an answer the ACK still goes on, or the peer would repeat its 200 and give the call up.
      const answer =
        request.body.length > 0
          ? await this.#media!.answer(leg, other, request.body, this.#originOf(leg))
          : NO_BODY
      peer?.ackReinvite(answer.length > 0 ? { body: answer } : {})
    })
  }
}

/** Refusals of a re-INVITE that mean the same to the other side; any other becomes 488. */
const RELAYED_REFUSALS: ReadonlySet<number> = new Set([415, 488, 491, 500, 603, 606])

const TIMER_INPUT: Readonly<Record<CallTimer, CallInput>> = {
  setup: { kind: 'setup-timeout' },
  connect: { kind: 'connect-timeout' },
  limit: { kind: 'limit-reached' },
  'last-minute': { kind: 'last-minute' },
}

const INTERNAL_FAULT: CallInput = { kind: 'fault', releaseCode: 8020, statusToCaller: 500 }

/** What a media error means for the call; any other is an internal fault. */
const FAULT_OF: Readonly<Record<string, { releaseCode: number; statusToCaller: number }>> = {
  NO_PORTS: { releaseCode: 522, statusToCaller: 503 },
  ENGINE_DOWN: { releaseCode: 522, statusToCaller: 503 },
  BAD_SDP: { releaseCode: 8020, statusToCaller: 488 },
  NO_COMMON_CODEC: { releaseCode: 8020, statusToCaller: 488 },
}

/** Seconds after which a refused caller may try again (spec/codes.md section 5). */
const RETRY_AFTER = ['Retry-After', '5'] as const

function reasonHeaders(q850: number): readonly string[] {
  return q850 === 0 ? NO_HEADERS : ['Reason', formatReason(q850)]
}
const NO_HEADERS: readonly string[] = []

/**
 * Max-Forwards of the callee's leg: one less than the caller's, so that a loop through trunks ends (RFC 3261 §16.6 step 3;
 * the stack has refused 0).
 */
function hopsLeft(invite: SipRequest): number {
  const received = Number(header(invite, 'Max-Forwards') ?? 70)
  return Math.max(0, Math.min(received, 70) - 1)
}

const callOf = (leg: DialogCall): ActiveCall => leg.owner as ActiveCall

/** One handler object serves all caller legs: the call is the leg's owner. */
const callerHandlers: ServerCallHandlers = {
  onCancel: (leg) => callOf(leg).legGone(CALLER),
  onAck: (leg, request) => callOf(leg).callerAcknowledged(request),
  onBye: (leg) => callOf(leg).legGone(CALLER),
  onReinvite: (leg, request) => callOf(leg).reinvited(CALLER, request),
  onReinviteAck: (leg, request) => callOf(leg).reinviteAcknowledged(CALLER, request),
  onLost: (leg) => callOf(leg).legGone(CALLER),
}

const calleeHandlers: ClientCallHandlers = {
  onProvisional: (leg, response) => callOf(leg).calleeProgress(response),
  onAnswer: (leg, response) => callOf(leg).calleeAnswered(response),
  onFailure: (leg, status, response) => callOf(leg).calleeFailed(status, response),
  onBye: (leg) => callOf(leg).legGone(CALLEE),
  onReinvite: (leg, request) => callOf(leg).reinvited(CALLEE, request),
  onReinviteAck: (leg, request) => callOf(leg).reinviteAcknowledged(CALLEE, request),
  onLost: (leg) => callOf(leg).legGone(CALLEE),
}
