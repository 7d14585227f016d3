import { type MediaEvent, type PlayAudio, ringBackTone } from '@maskline/media'
import {
  type DialogCall,
  type IncomingRequest,
  type ServerCall,
  type SipRequest,
  type SipResponse,
} from '@maskline/sip'
import type { Arrival, Ask, RouteDecision, Router } from '../bindings/route.ts'
import type { E164 } from '../shared/e164.ts'
import type { App } from '../tenants/app.ts'
import { faultOfMedia, INTERNAL_FAULT, noWayFault } from './call-faults.ts'
import { arrive, step } from './call-machine.ts'
import { CALLEE, CALLER, CallMedia, type LegName, type MediaOwner, otherLeg } from './call-media.ts'
import type { CallRecord } from './call-record.ts'
import { CallRecording } from './call-recording.ts'
import type { CallServices } from './call-services.ts'
import { CallTones, type ToneOwner } from './call-tones.ts'
import { CallTimers } from './call-timers.ts'
import { type CalleeOwner, CalleeSide } from './callee-side.ts'
import { CallerSide } from './caller-side.ts'
import { readInfo } from './dtmf-info.ts'
import { logEnd } from './end-log.ts'
import { InfoRelay } from './info-relay.ts'
import { callerHandlers } from './leg-handlers.ts'
import type { CallEffect, CallInput, CallState } from './machine/states.ts'
import { playable } from './playable.ts'
import { isReliable, Negotiation } from './negotiation.ts'
import type { Admission } from './ports.ts'
import { NO_REASONS, reasonsOf } from './reason.ts'
import { releaseOfFailure, type ReleaseOverrides } from './release-map.ts'

/**
 * One call while it lives: runs the effects that the machine decides and turns what legs, media, timers and the router
 * report into its inputs.
 */
export class ActiveCall implements MediaOwner, ToneOwner, CalleeOwner {
  readonly #services: CallServices
  /** What the router is asked about, at first and again. */
  readonly #arrival: Arrival
  readonly #caller: CallerSide
  /** Digits are collected in early media, where there can be any. */
  readonly #collectsEarly: boolean
  readonly #callee: CalleeSide
  #state: CallState
  #app: App | undefined
  /** The key under which this call keeps others out. */
  #busyKey: string | undefined
  readonly #media: CallMedia
  #tones: CallTones | undefined
  #recording: CallRecording | undefined
  readonly #negotiation: Negotiation
  #infos: InfoRelay | undefined
  /** The trunk that the call came in by, while it holds a channel of it. */
  #inbound: Extract<Admission, { kind: 'trunk' }> | undefined
  readonly #timers: CallTimers
  /** Inputs not yet taken; the first is being taken. */
  readonly #inputs: CallInput[] = []

  constructor(
    services: CallServices,
    caller: ServerCall,
    record: CallRecord,
    arrival: Arrival,
    admission: Exclude<Admission, { kind: 'refused' }>,
  ) {
    this.#services = services
    this.#arrival = arrival
    this.#state = arrive(record)
    this.#media = new CallMedia(this, services.media, services.log)
    this.#caller = new CallerSide(caller, this.#media)
    this.#callee = new CalleeSide(this, services, this.#media, caller)
    this.#negotiation = new Negotiation(this.#media, this.#caller, this.#callee, services.clock)
    this.#timers = new CallTimers(services.clock, (input) => this.input(input))
    this.#inbound = admission.kind === 'trunk' ? admission : undefined
    this.#collectsEarly = this.#inbound?.collectsEarly === true && this.#caller.sdp.length > 0
    this.#media.comesFrom(CALLER, caller.source.address, this.#inbound?.codecs)
    caller.owner = this
    caller.handlers = callerHandlers
  }

  get record(): CallRecord {
    return this.#state.record
  }

  get sessionId(): string {
    return this.#state.record.sessionId
  }

  /** Nothing goes on the wire any more, though a recording may still be stored. */
  get isOver(): boolean {
    const { kind } = this.#state
    return kind === 'ended' || kind === 'storing'
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
        if (!this.isOver) return
      }
    }
  }

  #internalFault(error: unknown, during: string): void {
    this.#services.log.error(
      { sessionId: this.record.sessionId, during, err: error },
      'a call met an internal fault and is ended',
    )
    if (!this.isOver) this.input(INTERNAL_FAULT)
  }

  // --- decisions ------------------------------------------------------------------------------------------------

  /** What to do with the call, at first and after what a decision asked for. */
  routed(decision: RouteDecision): void {
    if (this.isOver) return
    this.#app = decision.subject.app
    const canHear = this.#caller.sdp.length > 0
    const { announcements } = this.#services
    this.input({ kind: 'routed', decision: playable(this.#inTurn(decision), canHear, announcements) })
  }

  /** A call that excludes others takes its key, or is refused where another has it. */
  #inTurn(decision: RouteDecision): RouteDecision {
    if (decision.kind !== 'connect' || decision.exclusive === undefined) return decision
    const { busyKeys } = this.#services
    const { key, busy } = decision.exclusive
    if (busyKeys.has(key)) return busy
    busyKeys.add(key)
    this.#busyKey = key
    return decision
  }

  /** Follows what the router finds out; a router that fails ends the call. */
  async #follow(found: ReturnType<Router['digits']>): Promise<void> {
    try {
      const outcome = await found
      if (outcome.kind === 'wrong') this.input({ kind: 'digits-wrong' })
      else this.routed(outcome)
    } catch (error) {
      this.#internalFault(error, 'routing')
    }
  }

  async #ask(asked: Ask): Promise<RouteDecision> {
    const { customers, router, clock } = this.#services
    const answer = await customers.ask(this.record, this.#app!, asked.url, clock.now(), asked.timeoutMs)
    return router.answered(this.#arrival, asked, answer)
  }

  // --- effects ----------------------------------------------------------------------------------------------------

  #run(effect: CallEffect): void {
    switch (effect.do) {
      case 'tell':
        return this.#services.journal.append({
          record: effect.record,
          event: effect.event,
          at: this.#services.clock.now(),
          ...(effect.digits !== undefined && { digits: effect.digits }),
        })
      case 'ask':
        return void this.#follow(this.#ask(effect.asked))
      case 'look-up':
        return void this.#follow(this.#services.router.digits(this.#arrival, effect.asked, effect.digits))
      case 'open-caller':
        return this.#media.inOrder(() => this.#openCaller())
      case 'listen':
        return this.#media.inOrder(() => this.#listen(effect.on))
      case 'announce':
        return this.#media.inOrder(() => this.#announce(effect.tone))
      case 'play':
        return this.#play(LEGS_OF[effect.to], this.#find(effect.tone))
      case 'ring-back':
        return this.#play(LEGS_OF.caller, (ringBack ??= ringBackTone()), Infinity)
      case 'hush':
        return this.#tones?.hush(CALLER)
      case 'prepare':
        return this.#media.inOrder(() => this.#prepare(effect.callee, effect.early))
      case 'dial':
        return this.#callee.dial(effect.callee, effect.display)
      case 'progress-caller':
        return this.#caller.progress(effect.status)
      case 'answer-caller':
        if (this.#caller.isAnswered) return this.callerAnswered()
        return this.#caller.answer()
      case 'reject-caller':
        return this.#caller.reject(effect.status, effect.q850)
      case 'bye-caller':
        return this.#caller.bye(effect.q850)
      case 'bye-callee':
        return this.#callee.bye(effect.q850)
      case 'cancel-callee':
        return this.#callee.end(effect.q850)
      case 'record':
        return this.#media.inOrder(() => this.#recording!.start())
      case 'store':
        this.#letGo()
        return this.#media.inOrder(() => this.#store(effect.record))
      case 'note':
        return void this.#services.router.note(effect.memos, this.#services.clock.now())
      case 'arm':
        return this.#timers.arm(effect.timer, effect.delayMs)
      case 'disarm':
        return this.#timers.disarm(effect.timer)
      case 'release':
        return this.#release()
      default:
        effect satisfies never
    }
  }

  #find(tone: string): PlayAudio | undefined {
    return this.#services.announcements.find(this.#app, tone)
  }

  /**
   * Takes ports and turns the caller's SDP into the callee's offer; without one the callee will make it. Early media for
   * the caller comes first, so that the callee is offered what the caller already uses.
   */
  async #prepare(callee: E164, early: boolean): Promise<void> {
    if (this.isOver) return
    const found = this.#callee.find(callee)
    if (found !== 'found') return this.#noWay(found === 'full')
    await this.#media.open()
    if (early) await this.#caller.answerEarly().catch((error: unknown) => this.onToneFault(error))
    await this.#callee.prepareOffer(this.#caller.sdp)
    this.input({ kind: 'media-ready', hears: this.#caller.hears })
  }

  #noWay(full: boolean): void {
    this.#services.log.warn(
      { sessionId: this.sessionId },
      full
        ? 'no way to the callee: every trunk that leads there is full'
        : 'no way to the callee: it is no registered phone, and no trunk has a peer that serves it',
    )
    this.input(noWayFault(full))
  }

  /** Makes the caller hear us, and us hear its keys: by 200, or by 183 where its trunk takes digits so. */
  async #openCaller(): Promise<void> {
    await this.#media.open()
    if (this.#caller.sdp.length === 0) {
      const body = await this.#media.offerLocally(CALLER)
      if (!this.isOver) this.#caller.answer(body)
      return
    }
    await this.#caller.answerEarly()
    if (this.isOver) return
    if (this.#collectsEarly) this.#caller.progress(183)
    else this.#caller.answer()
    this.input({ kind: 'caller-open', answered: !this.#collectsEarly })
  }

  async #listen(on: boolean): Promise<void> {
    try {
      await this.#media.session?.listen(CALLER, { inBand: on })
    } catch (error) {
      this.onToneFault(error)
    }
  }

  /** 183, not 200: a refused caller is never charged (spec/codes.md section 5). */
  async #announce(tone: string): Promise<void> {
    await this.#media.open()
    if (!this.#caller.hears) {
      await this.#caller.answerEarly()
      if (this.isOver) return
      this.#caller.progress(183)
    }
    this.#play(LEGS_OF.caller, this.#find(tone))
  }

  #play(legs: readonly LegName[], audio: PlayAudio | undefined, repeat = 1): void {
    this.#tones ??= new CallTones(this.#media, this)
    this.#tones.play(legs, audio, repeat)
  }

  async #store(record: CallRecord): Promise<void> {
    this.input({ kind: 'stored', kept: await this.#recording!.finish(record) })
  }

  /** Timers, channels, and the turn of calls that this one kept out. */
  #letGo(): void {
    this.#callee.letGo()
    this.#infos?.close()
    this.#negotiation.close()
    this.#inbound?.ended()
    this.#inbound = undefined
    this.#timers.clear()
    if (this.#busyKey !== undefined) this.#services.busyKeys.delete(this.#busyKey)
    this.#busyKey = undefined
  }

  #release(): void {
    this.#letGo()
    this.#media.release()
    this.#services.forget(this.record.sessionId)
    logEnd(this.#services.log, this.record)
  }

  // --- media ------------------------------------------------------------------------------------------------------

  onMediaEvent(event: MediaEvent): void {
    switch (event.kind) {
      case 'play-finished':
        return this.#tones?.finished(event.playId)
      case 'media-timeout':
        return this.input({ kind: 'media-silent' })
      case 'digit':
        if (
          event.leg === CALLER &&
          this.#takesDigits() &&
          this.#caller.digits.fromMedia(event.digit, this.#services.clock.now())
        )
          this.input({ kind: 'digit', digit: event.digit })
        return
      case 'recording-failed':
        return this.#recording?.failed(event.error)
      default:
        event satisfies never
    }
  }

  /** A fault of media work ends the call with its code. */
  onMediaFault(error: unknown): void {
    if (this.isOver) return
    const fault = faultOfMedia(error)
    if (fault === undefined) this.#internalFault(error, 'media')
    else this.input(fault)
  }

  onToneOver(): void {
    this.input({ kind: 'announced' })
  }

  onToneFault(error: unknown): void {
    this.#services.log.warn({ sessionId: this.sessionId, err: error }, 'a tone could not be played or heard')
  }

  // --- keys -----------------------------------------------------------------------------------------------------

  #takesDigits(): boolean {
    return this.#state.kind === 'collecting' || this.#state.kind === 'looking-up'
  }

  /** INFO: in a talk its key goes to the other side. Keys that nobody waits for are taken and forgotten. */
  informed(leg: LegName, request: IncomingRequest): void {
    const info = readInfo(request.request)
    if (info.kind === 'refused') return request.respond(info.status, { headers: info.headers })
    if (info.kind === 'digit' && this.#state.kind === 'talking')
      return (this.#infos ??= new InfoRelay()).relay(request, info, this.#legOf(otherLeg(leg)))
    request.respond(200)
    if (info.kind === 'nothing' || leg === CALLEE || !this.#takesDigits()) return
    const { digit } = info
    if (this.#caller.digits.fromInfo(digit, this.#services.clock.now())) this.input({ kind: 'digit', digit })
  }

  #legOf(leg: LegName): DialogCall {
    return leg === CALLER ? this.#caller.leg : this.#callee.leg!
  }

  // --- the callee's leg -------------------------------------------------------------------------------------------

  calleeTrying(response: SipResponse): void {
    this.#callee.heardFrom(response)
  }

  calleeProgress(response: SipResponse, fork: string): void {
    this.#callee.heardFrom(response)
    const ringing =
      response.status === 180 ||
      (response.status === 183 && response.body.length > 0 && this.#services.alertOn183)
    // 181 and 182 would tell the caller of the callee's services; he hears that it rings or he hears nothing new.
    const status = response.status === 183 ? 183 : 180
    if (response.status !== 180 && response.status !== 183) return
    this.#caller.reliably = isReliable(response)
    if (response.body.length === 0 && !this.#media.isBusy)
      return this.input({ kind: 'callee-progress', status, ringing, early: false })
    const hear = response.body.length > 0 ? this.#negotiation.early(response, fork) : undefined
    this.#media.inOrder(async () => {
      const early = (await hear?.()) ?? false
      this.input({ kind: 'callee-progress', status, ringing, early })
    })
  }

  calleeForkEnded(fork: string): void {
    this.#media.inOrder(() => this.#negotiation.forkEnded(fork))
  }

  calleeAnswered(response: SipResponse, fork: string): void {
    const connect = this.#negotiation.answered(response, fork)
    this.#media.inOrder(async () => {
      if (this.isOver) return
      await connect()
      this.input({ kind: 'callee-answered' })
    })
  }

  calleeFailed(status: number, response: SipResponse | undefined): void {
    if (this.isOver) return
    const ringing = this.#state.kind === 'ringing'
    const overrides = this.#callee.releaseCodes
    const { sdp } = this.#caller
    const fail = (): void => this.#failed(status, response, ringing, overrides)
    if (!this.#callee.triesNext(status, response, sdp, () => this.#dialAgain(), fail))
      this.#afterMediaWork(fail)
  }

  #failed(
    status: number,
    response: SipResponse | undefined,
    ringing: boolean,
    overrides: ReleaseOverrides | undefined,
  ): void {
    const { q850: cause, status: behind } = response === undefined ? NO_REASONS : reasonsOf(response)
    const release = releaseOfFailure(
      {
        status,
        ringing,
        ...(cause !== undefined && { q850FromReason: cause }),
        ...(behind !== undefined && behind >= 400 && { statusFromReason: behind }),
      },
      overrides,
    )
    this.input({
      kind: 'callee-failed',
      ending: release,
      statusToCaller: release.sipStatusToCaller,
      reasonToCaller: release.callerReason,
    })
  }

  #dialAgain(): void {
    if (this.#state.kind !== 'dialling' && this.#state.kind !== 'ringing') return
    const { callee, display } = this.#state.decision
    this.#callee.dial(callee, display)
  }

  // --- either leg -------------------------------------------------------------------------------------------------

  legGone(leg: LegName, cause: number | undefined): void {
    const kind = leg === CALLER ? 'caller-gone' : 'callee-gone'
    this.#afterMediaWork(() => this.input({ kind, ...(cause !== undefined && { cause }) }))
  }

  /** A BYE right behind a 200 must not overtake the media work of that 200. */
  #afterMediaWork(tell: () => void): void {
    if (!this.#media.isBusy) return tell()
    this.#media.inOrder(async () => tell())
  }

  /** The caller's 200 is out. It is the talk that begins, unless it is digits that are asked for. */
  callerAnswered(): void {
    this.#caller.isAnswered = true
    if (this.#state.kind !== 'dialling' && this.#state.kind !== 'ringing') return
    const { decision } = this.#state
    this.#recording = CallRecording.begin(this.#services, this.#media, decision)
    this.input({ kind: 'connected', ...(this.#recording && { recording: this.#recording.ref }) })
  }

  /** ACK of our 200 to an INVITE without an offer: it answers the callee's offer, or ours. */
  callerAcknowledged(request: SipRequest): void {
    if (this.#caller.sdp.length > 0) return
    this.#media.inOrder(async () => {
      if (this.#state.kind === 'collecting') {
        await this.#caller.takeAnswer(request.body)
        return this.input({ kind: 'caller-open', answered: true })
      }
      if (!this.isOver) await this.#negotiation.acknowledged(request)
    })
  }

  callerPracked(request: IncomingRequest): void {
    this.#negotiation.pracked(request)
  }

  offered(leg: LegName, request: IncomingRequest): void {
    this.#negotiation.offered(leg, request, this.#state.kind === 'talking')
  }

  offerCancelled(leg: LegName): void {
    this.#negotiation.offerCancelled(leg)
  }

  offerAcknowledged(leg: LegName, request: SipRequest): void {
    this.#negotiation.offerAcknowledged(leg, request)
  }

  sdpFor(leg: LegName): Uint8Array | undefined {
    return this.#media.sdpFor(leg)
  }
}

const LEGS_OF = { caller: [CALLER], callee: [CALLEE], both: [CALLER, CALLEE] } as const

/** Made when it is first needed, for all calls. */
let ringBack: PlayAudio | undefined
