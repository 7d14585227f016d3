/**
 * The MediaEngine port (architecture section 4). A session is one call; a leg is one side of it, named by its
 * owner. SDP bodies are bytes as received and as to be sent; nothing of one side (address, session name, origin,
 * CNAME) reaches another. All methods reject with a MediaError.
 */
export type MediaEngine = {
  /** Takes ports for a call with the named legs. Rejects with `NO_PORTS` when the range is used up. */
  open(options: SessionOptions): Promise<MediaSession>
  /** Sessions open now. */
  readonly sessionCount: number
  close(): Promise<void>
}

export type SessionOptions = {
  /** For logs and recordings; never on the wire. */
  readonly id: string
  readonly onEvent: (event: MediaEvent) => void
}

export type MediaEvent =
  | { readonly kind: 'digit'; readonly leg: string; readonly digit: string; readonly durationMs: number }
  | { readonly kind: 'play-finished'; readonly leg: string; readonly playId: number }
  /**
   * No RTP or RTCP for the time-out from `leg`, which is expected to send (neither side is on hold); without `leg`,
   * the media of the whole call is lost. Told once more after each further time-out while it lasts.
   */
  | { readonly kind: 'media-timeout'; readonly leg?: string }

/** Where an SDP came from. */
export type SdpOrigin = {
  /**
   * IP address its SIP message came from (of the last hop): besides the address in the SDP the only host the party's
   * media is taken from.
   */
  readonly sourceAddress?: string
}

export type MediaSession = {
  /** Takes `from`'s offer and returns the offer for `to` (new leg or re-offer). */
  offer(from: string, to: string, sdp: Uint8Array, origin?: SdpOrigin): Promise<Uint8Array>
  /** Takes `from`'s answer to the offer it got and returns the answer for `to`. */
  answer(from: string, to: string, sdp: Uint8Array, origin?: SdpOrigin): Promise<Uint8Array>
  /** Answers `leg`'s offer by the engine itself: early media, announcements. */
  answerLocally(leg: string, sdp: Uint8Array, origin?: SdpOrigin): Promise<Uint8Array>
  /** Makes an offer of the engine's own for `leg` (delayed offer). */
  offerLocally(leg: string): Promise<Uint8Array>
  /** Takes `leg`'s answer to the engine's own offer. */
  acceptAnswer(leg: string, sdp: Uint8Array, origin?: SdpOrigin): Promise<void>
  /**
   * Plays G.711 audio to `leg` (who hears it), or several one after another; ends a running play. `repeat` (default 1;
   * Infinity for ring-back) plays the whole so often. Emits `play-finished` once, at the end, unless stopped.
   */
  play(leg: string, audio: PlayAudio | readonly PlayAudio[], repeat?: number): Promise<number>
  stop(leg: string): Promise<void>
  stats(): Promise<SessionStats>
  /** Frees the ports (they rest before reuse). Idempotent. */
  close(): Promise<void>
}

/** 8 kHz mono A-law or µ-law samples; converted to the leg's codec by the engine. */
export type PlayAudio = { readonly encoding: 'alaw' | 'ulaw'; readonly samples: Uint8Array }

export type LegStats = { readonly packets: number; readonly octets: number; readonly lost: number }
/** What each leg sent. */
export type SessionStats = { readonly legs: Readonly<Record<string, LegStats>> }

/** ENGINE_DOWN: what carries the media has failed; its calls are lost, new ones may succeed a little later. */
export type MediaErrorCode =
  'NO_PORTS' | 'BAD_SDP' | 'NO_COMMON_CODEC' | 'NO_SUCH_LEG' | 'CLOSED' | 'ENGINE_DOWN'
export class MediaError extends Error {
  readonly code: MediaErrorCode
  constructor(code: MediaErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'MediaError'
    this.code = code
  }
}
