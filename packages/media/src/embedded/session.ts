import {
  MediaError,
  type LegStats,
  type MediaEvent,
  type MediaSession,
  type PlayAudio,
  type RecordingOptions,
  type RecordingResult,
  type SdpOrigin,
  type SessionOptions,
  type SessionStats,
} from '../engine.ts'
import {
  parseDescription,
  type Description,
  type Direction,
  directionOf,
  receives,
  sends,
} from '../sdp/description.ts'
import {
  agreeLocally,
  agreeOnAnswer,
  agreeOnOffer,
  answerDirection,
  canTalk,
  forwardCodecs,
  ownOffer,
  rememberTypes,
  type Offered,
} from '../sdp/negotiation.ts'
import { canonicalAddress } from './address.ts'
import {
  createLeg,
  describeTo,
  isRepetition,
  ownCodecs,
  requireOffer,
  settle,
  shutOut,
  stateOf,
  takeOffer,
  type Latching,
  type Leg,
} from './leg.ts'
import type { SessionReport, SessionState } from './protocol.ts'

/** What a session needs of its engine. */
export type SessionHost = {
  readonly address: string
  readonly ipv6: boolean
  readonly latching: Latching
  /** Whether packets to there would come back to this engine. */
  isOurs(address: string, port: number): boolean
  /** One more port pair; now when it can be. */
  takePort(): number | Promise<number>
  /** Gives back a pair that no party was told of. */
  releasePort(port: number): void
  /** Why the engine can do nothing for its sessions any more. */
  readonly failure: MediaError | undefined
  /** The session's state changed: tell the worker at the end of this turn. */
  touch(session: EmbeddedSession): void
  play(
    session: EmbeddedSession,
    leg: number,
    playId: number,
    audios: readonly PlayAudio[],
    repeat: number,
  ): void
  stop(session: EmbeddedSession, leg: number): void
  record(session: EmbeddedSession, options: RecordingOptions): void
  /** `file` is what it records to, for when the worker cannot finish it any more. */
  stopRecording(session: EmbeddedSession, file: string): Promise<RecordingResult | undefined>
  stats(session: EmbeddedSession): Promise<readonly LegStats[]>
  /** `exposed`: its ports that parties were told of. */
  closed(session: EmbeddedSession, exposed: readonly number[]): void
}

/**
 * One call. Rules beyond RFC 3264:
 * - The codecs of a party's answered description stay while its SDP is repeated byte for byte, so an announcement's
 *   codec survives the later offer to the other side, and a 200 repeats the SDP of its 183.
 * - Legs are joined by `answer`. Two legs that only ever negotiated with the engine itself are joined once both did.
 * - An offer that is never answered changes nothing.
 */
export class EmbeddedSession implements MediaSession {
  readonly id: number
  readonly #options: SessionOptions
  readonly #host: SessionHost
  readonly #legs: Leg[] = []
  /** Ports taken at open for the legs to come. */
  readonly #spare: number[]
  #active = false
  #closed = false
  #nextPlayId = 1
  /** The file that is being recorded. */
  #recording: string | undefined

  constructor(id: number, options: SessionOptions, host: SessionHost, ports: readonly number[]) {
    this.id = id
    this.#options = options
    this.#host = host
    this.#spare = [...ports]
  }

  get isClosed(): boolean {
    return this.#closed
  }

  async offer(from: string, to: string, sdp: Uint8Array, origin?: SdpOrigin): Promise<Uint8Array> {
    const description = this.#read(sdp, origin)
    const offerer = this.#find(from) ?? (await this.#add(from))
    const target = this.#find(to) ?? (await this.#add(to))
    const known = isRepeated(offerer, description)
    if (!known) takeOffer(offerer, description)
    rememberTypes(offerer.numbers, description.codecs)
    const codecs = known ? ownCodecs(offerer.agreed) : description.codecs
    target.offered = forwardCodecs(codecs, target.numbers)
    return this.#describe(target, offeredCodecs(target.offered), description.direction, description)
  }

  async answer(from: string, to: string, sdp: Uint8Array, origin?: SdpOrigin): Promise<Uint8Array> {
    const answerer = this.#require(from)
    const offerer = this.#require(to)
    const offered = requireOffer(answerer)
    const offer = offerer.pendingOffer ?? offerer.remote
    if (offer === undefined)
      throw new MediaError('NO_SUCH_LEG', `leg ${to} made no offer that could be answered`)
    const description = this.#read(sdp, origin)
    const agreed = agreeOnAnswer(offered, description.codecs)
    const keeps = offerer.pendingOffer === undefined && canTalk(offerer.agreed, agreed)
    const offererAgreed = keeps ? offerer.agreed : agreeOnOffer(offer.codecs, offered, agreed)
    rememberTypes(answerer.numbers, description.codecs)
    const { notFrom = [] } = origin ?? {}
    if (notFrom.length > 0) shutOut(answerer, description, notFrom.flatMap(readIfPossible))
    settle(answerer, description, agreed)
    settle(offerer, offer, offererAgreed)
    this.#join(answerer, offerer)
    this.#commit()
    const direction = answerDirection(offer.direction, description.direction)
    return this.#describe(offerer, ownCodecs(offererAgreed), direction, description)
  }

  async answerLocally(name: string, sdp: Uint8Array, origin?: SdpOrigin): Promise<Uint8Array> {
    const description = this.#read(sdp, origin)
    const leg = this.#find(name) ?? (await this.#add(name))
    const known = isRepeated(leg, description)
    const peer = leg.peer?.agreed ?? []
    const agreed = known
      ? leg.agreed
      : peer.length > 0
        ? agreeOnOffer(description.codecs, [], peer)
        : agreeLocally(description.codecs)
    if (!known) takeOffer(leg, description)
    rememberTypes(leg.numbers, description.codecs)
    settle(leg, description, agreed)
    this.#joinLocals()
    this.#commit()
    const direction = directionOf(receives(description.direction), sends(description.direction))
    return this.#describe(leg, ownCodecs(agreed), direction, description)
  }

  async stands(name: string, sdp: Uint8Array): Promise<boolean> {
    const { remote, agreed } = this.#require(name)
    return remote !== undefined && agreed.length > 0 && remote.text === Buffer.from(sdp).toString('latin1')
  }

  async offerLocally(name: string): Promise<Uint8Array> {
    this.#requireOpen()
    const leg = this.#find(name) ?? (await this.#add(name))
    leg.offered = leg.agreed.length > 0 ? forwardCodecs(ownCodecs(leg.agreed), leg.numbers) : ownOffer()
    rememberTypes(leg.numbers, offeredCodecs(leg.offered))
    return this.#describe(leg, offeredCodecs(leg.offered), 'sendrecv', undefined)
  }

  async acceptAnswer(name: string, sdp: Uint8Array, origin?: SdpOrigin): Promise<void> {
    const leg = this.#require(name)
    const offered = requireOffer(leg)
    const description = this.#read(sdp, origin)
    const agreed = agreeOnAnswer(offered, description.codecs)
    rememberTypes(leg.numbers, description.codecs)
    settle(leg, description, agreed)
    this.#joinLocals()
    this.#commit()
  }

  async play(name: string, audio: PlayAudio | readonly PlayAudio[], repeat = 1): Promise<number> {
    const leg = this.#require(name)
    if (!leg.agreed.some(({ codec }) => codec.g711)) {
      throw new MediaError('NO_COMMON_CODEC', `leg ${name} has no G.711 codec to play an announcement in`)
    }
    const playId = this.#nextPlayId++
    this.#host.play(this, leg.index, playId, 'samples' in audio ? [audio] : audio, repeat)
    return playId
  }

  async stop(name: string): Promise<void> {
    this.#host.stop(this, this.#require(name).index)
  }

  async listen(name: string, { inBand }: { readonly inBand: boolean }): Promise<void> {
    const leg = this.#require(name)
    if (leg.inBand === inBand) return
    leg.inBand = inBand
    if (this.#active) this.#host.touch(this)
  }

  async startRecording(options: RecordingOptions): Promise<void> {
    this.#requireOpen()
    if (this.#recording !== undefined) {
      throw new MediaError('ALREADY_RECORDING', 'the call is being recorded already')
    }
    const settled = this.#legs.filter(({ agreed }) => agreed.length > 0)
    if (settled.length === 0)
      throw new MediaError('NO_SUCH_LEG', 'the call has no leg yet that could be recorded')
    const other = settled.find(({ agreed }) => !agreed.some(({ codec }) => codec.g711))
    if (other) {
      throw new MediaError('NO_COMMON_CODEC', `leg ${other.name} has no G.711 codec that could be recorded`)
    }
    this.#recording = options.file
    this.#host.record(this, options)
  }

  async stopRecording(): Promise<RecordingResult | undefined> {
    const file = this.#recording
    this.#recording = undefined
    if (this.#closed) throw new MediaError('CLOSED', 'the media session is closed')
    return file === undefined ? undefined : this.#host.stopRecording(this, file)
  }

  async stats(): Promise<SessionStats> {
    this.#requireOpen()
    const counts = await this.#host.stats(this)
    const none: LegStats = { packets: 0, octets: 0, lost: 0 }
    return { legs: Object.fromEntries(this.#legs.map((leg) => [leg.name, counts[leg.index] ?? none])) }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const port of this.#spare) this.#host.releasePort(port)
    const exposed = this.#legs.map(({ port }) => port)
    this.#host.closed(this, exposed)
  }

  /** The state for the worker, as it is now. */
  state(): SessionState {
    return {
      id: this.id,
      active: this.#active,
      legs: this.#legs.map((leg) => stateOf(leg, this.#host.latching)),
    }
  }

  /** What the worker saw; nothing comes after close. */
  onReport(report: SessionReport): void {
    if (this.#closed) return
    const event = this.#eventOf(report)
    if (event !== undefined) this.#options.onEvent(event)
  }

  #eventOf(report: SessionReport): MediaEvent | undefined {
    if (report.op === 'recording-failed') return { kind: 'recording-failed', error: report.error }
    const leg = report.leg === undefined ? undefined : this.#legs[report.leg]?.name
    if (report.op === 'media-timeout') return { kind: 'media-timeout', ...(leg !== undefined && { leg }) }
    if (leg === undefined) return undefined
    return report.op === 'digit'
      ? { kind: 'digit', leg, digit: report.digit, durationMs: report.durationMs }
      : { kind: 'play-finished', leg, playId: report.playId }
  }

  #read(sdp: Uint8Array, origin: SdpOrigin | undefined): Description {
    this.#requireOpen()
    const description = parseDescription(sdp, this.#cameFrom(origin))
    const { address, port, rtcpPort } = description
    if (address === undefined) return description
    if (address.includes(':') !== this.#host.ipv6) {
      throw new MediaError(
        'BAD_SDP',
        `the SDP's address is not IPv${this.#host.ipv6 ? 6 : 4} like this engine's`,
      )
    }
    if (this.#host.isOurs(address, port) || this.#host.isOurs(address, rtcpPort)) {
      throw new MediaError('BAD_SDP', 'the SDP names a media port of this engine as the party’s own')
    }
    return description
  }

  /** An address of the other family says nothing about where the media comes from. */
  #cameFrom(origin: SdpOrigin | undefined): string | undefined {
    const address = origin?.sourceAddress && canonicalAddress(origin.sourceAddress)
    return address && address.includes(':') === this.#host.ipv6 ? address : undefined
  }

  #describe(
    leg: Leg,
    codecs: Parameters<typeof describeTo>[2],
    direction: Direction,
    timing: Description | undefined,
  ): Buffer {
    return describeTo(leg, this.#host, codecs, direction, timing)
  }

  #find(name: string): Leg | undefined {
    for (const leg of this.#legs) if (leg.name === name) return leg
    return undefined
  }

  #require(name: string): Leg {
    this.#requireOpen()
    const leg = this.#find(name)
    if (leg === undefined) throw new MediaError('NO_SUCH_LEG', `the call has no leg ${name}`)
    return leg
  }

  #requireOpen(): void {
    if (this.#closed) throw new MediaError('CLOSED', 'the media session is closed')
    if (this.#host.failure) throw this.#host.failure
  }

  async #add(name: string): Promise<Leg> {
    const port = this.#spare.shift() ?? (await this.#host.takePort())
    if (this.#closed) {
      this.#host.releasePort(port)
      this.#requireOpen()
    }
    const known = this.#find(name)
    if (known !== undefined) {
      // Another call added it while this one waited for its port.
      this.#host.releasePort(port)
      return known
    }
    const leg = createLeg(name, this.#legs.length, port)
    this.#legs.push(leg)
    return leg
  }

  #join(one: Leg, other: Leg): void {
    for (const leg of [one, other]) if (leg.peer !== undefined) leg.peer.peer = undefined
    one.peer = other
    other.peer = one
  }

  #joinLocals(): void {
    const alone = this.#legs.filter((leg) => leg.remote !== undefined && leg.peer === undefined)
    const [one, other] = alone
    if (one && other && alone.length === 2 && canTalk(one.agreed, other.agreed)) this.#join(one, other)
  }

  #commit(): void {
    this.#active = true
    this.#host.touch(this)
  }
}

/** The party's answered SDP once more, as in a 200 after a 183 or an offer passed on after announcements. */
const isRepeated = (leg: Leg, description: Description): boolean =>
  leg.remote !== undefined && isRepetition(leg.remote, description) && leg.agreed.length > 0

/** An SDP that was never used may be worth nothing. */
function readIfPossible(sdp: Uint8Array): readonly Description[] {
  try {
    return [parseDescription(sdp)]
  } catch (error) {
    if (error instanceof MediaError) return []
    throw error
  }
}

const offeredCodecs = (offered: readonly Offered[]) => offered.map(({ codec }) => codec)
