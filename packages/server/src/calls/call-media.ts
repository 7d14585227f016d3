import {
  type MediaEngine,
  MediaError,
  type MediaEvent,
  type MediaSession,
  preferCodecs,
  type SdpOrigin,
} from '@maskline/media'
import type { Log } from '../shared/log.ts'

export const CALLER = 'a'
export const CALLEE = 'b'
export type LegName = typeof CALLER | typeof CALLEE

export const otherLeg = (leg: LegName): LegName => (leg === CALLER ? CALLEE : CALLER)

/** The call that the media belongs to. */
export type MediaOwner = {
  readonly sessionId: string
  /** The call has ended: media that opens now comes too late. */
  readonly isOver: boolean
  onMediaEvent(event: MediaEvent): void
  /** Media work failed, or something that it called. */
  onMediaFault(error: unknown): void
}

/** The media of one call: its session with the engine, and the work on it in order. */
export class CallMedia {
  readonly #owner: MediaOwner
  readonly #engine: MediaEngine
  readonly #log: Log
  #session: MediaSession | undefined
  #opening = false
  /** Work of one call runs in order; while none is under way, SIP is handled at once. */
  #work = 0
  #tail: Promise<void> = Promise.resolve()
  #callerOrigin: SdpOrigin = {}
  #calleeOrigin: SdpOrigin = {}
  /** Speech codecs that a leg may use; absent: any. */
  #codecs: Partial<Record<LegName, readonly string[] | undefined>> = {}
  /** Our SDP for a leg that stands, and the offer that it has not answered. */
  #sent: Partial<Record<LegName, Uint8Array>> = {}
  #offered: Partial<Record<LegName, Uint8Array>> = {}

  constructor(owner: MediaOwner, engine: MediaEngine, log: Log) {
    this.#owner = owner
    this.#engine = engine
    this.#log = log
  }

  get isBusy(): boolean {
    return this.#work > 0
  }

  /**
   * Where a leg's SDP comes from: its media is taken from there, or from the address it names, and from nowhere else. `codecs`
   * are the only speech codecs that it is offered or answered with.
   */
  comesFrom(leg: LegName, sourceAddress: string | undefined, codecs?: readonly string[]): void {
    const origin = sourceAddress === undefined ? {} : { sourceAddress }
    if (leg === CALLER) this.#callerOrigin = origin
    else this.#calleeOrigin = origin
    this.#codecs[leg] = codecs
  }

  /** Runs work after what is under way; its failure is the owner's to judge. */
  inOrder(work: () => Promise<void>): void {
    this.#work++
    this.#tail = this.#tail
      .then(work)
      .catch((error: unknown) => this.#owner.onMediaFault(error))
      .finally(() => {
        this.#work--
      })
  }

  /** Takes ports; a session that is there already is kept. */
  async open(): Promise<MediaSession> {
    if (this.#session !== undefined) return this.#session
    this.#opening = true
    try {
      this.#session = await this.#engine.open({
        id: this.#owner.sessionId,
        onEvent: (event) => this.#owner.onMediaEvent(event),
      })
    } finally {
      this.#opening = false
    }
    if (this.#owner.isOver) {
      void this.#closeSession()
      throw new MediaError('CLOSED', 'the call ended while its media was opened')
    }
    return this.#session
  }

  /** `from`'s offer, as it goes to the other leg. */
  async offer(from: LegName, sdp: Uint8Array): Promise<Uint8Array> {
    const to = otherLeg(from)
    const offered = await this.#require().offer(from, to, this.#allowed(from, sdp), this.#originOf(from))
    return (this.#offered[to] = this.#allowed(to, offered))
  }

  /** `from`'s answer, as it goes to the other leg. `notFrom`: forks that are not heard. */
  async answer(from: LegName, sdp: Uint8Array, notFrom?: readonly Uint8Array[]): Promise<Uint8Array> {
    const to = otherLeg(from)
    const origin = this.#originOf(from)
    const answer = await this.#require().answer(from, to, sdp, notFrom ? { ...origin, notFrom } : origin)
    this.#answeredBy(from)
    return (this.#sent[to] = answer)
  }

  /** The engine's own answer to `leg`'s offer. */
  async answerLocally(leg: LegName, sdp: Uint8Array): Promise<Uint8Array> {
    const answer = await this.#require().answerLocally(leg, this.#allowed(leg, sdp), this.#originOf(leg))
    return (this.#sent[leg] = answer)
  }

  /** The engine's own offer to `leg`. */
  async offerLocally(leg: LegName): Promise<Uint8Array> {
    return (this.#offered[leg] = this.#allowed(leg, await this.#require().offerLocally(leg)))
  }

  /** Takes `leg`'s answer to the engine's own offer. */
  async acceptAnswer(leg: LegName, sdp: Uint8Array): Promise<void> {
    await this.#require().acceptAnswer(leg, sdp, this.#originOf(leg))
    this.#answeredBy(leg)
  }

  /** Whether an SDP of `leg` is the one that stands, so that an offer of it changes nothing. */
  async stands(leg: LegName, sdp: Uint8Array): Promise<boolean> {
    const session = this.#require()
    return (await session.stands(leg, sdp)) || session.stands(leg, this.#allowed(leg, sdp))
  }

  /** Our SDP for a leg as it stands; undefined before there is any. */
  sdpFor(leg: LegName): Uint8Array | undefined {
    return this.#sent[leg]
  }

  get session(): MediaSession | undefined {
    return this.#session
  }

  /** Lets the ports go; a session that is still being opened is closed as soon as it is there. */
  release(): void {
    if (!this.#opening) void this.#closeSession()
  }

  #require(): MediaSession {
    if (this.#session === undefined) throw new MediaError('CLOSED', 'the call has no media session')
    return this.#session
  }

  /** An offer that is never answered changes nothing. */
  #answeredBy(leg: LegName): void {
    this.#sent[leg] = this.#offered[leg] ?? this.#sent[leg]
    delete this.#offered[leg]
  }

  #allowed(leg: LegName, offer: Uint8Array): Uint8Array {
    const codecs = this.#codecs[leg]
    return codecs === undefined ? offer : preferCodecs(offer, codecs)
  }

  #originOf(leg: LegName): SdpOrigin {
    return leg === CALLER ? this.#callerOrigin : this.#calleeOrigin
  }

  async #closeSession(): Promise<void> {
    try {
      await this.#session?.close()
    } catch (error) {
      this.#log.warn({ sessionId: this.#owner.sessionId, err: error }, 'media session did not close')
    }
  }
}
