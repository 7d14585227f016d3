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
  /** The file cannot be written (disk full, no such folder). The call goes on without a recording. */
  | { readonly kind: 'recording-failed'; readonly error: string }

/** Where an SDP came from. */
export type SdpOrigin = {
  /**
   * IP address its SIP message came from (of the last hop): besides the address in the SDP the only host the party's
   * media is taken from.
   */
  readonly sourceAddress?: string
  /**
   * SDPs of the other forks of the INVITE that this party is one of: what they send is not taken, unless this SDP names the same
   * place. Where this party replaces another, neither is what was heard of the leg before.
   */
  readonly notFrom?: readonly Uint8Array[]
}

export type MediaSession = {
  /** Takes `from`'s offer and returns the offer for `to` (new leg or re-offer). */
  offer(from: string, to: string, sdp: Uint8Array, origin?: SdpOrigin): Promise<Uint8Array>
  /** Takes `from`'s answer to the offer it got and returns the answer for `to`. */
  answer(from: string, to: string, sdp: Uint8Array, origin?: SdpOrigin): Promise<Uint8Array>
  /**
   * Answers `leg`'s offer by the engine itself: early media, announcements; a leg that talks with another gets what the two
   * have in common, and the other notices nothing.
   */
  answerLocally(leg: string, sdp: Uint8Array, origin?: SdpOrigin): Promise<Uint8Array>
  /** Whether `sdp` is, byte for byte, what stands as `leg`'s description. */
  stands(leg: string, sdp: Uint8Array): Promise<boolean>
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
  /**
   * Whether digits that `leg` sends as tones in its G.711 audio are told too (default: no; it costs CPU). Once it sent one
   * as an RTP event, its tones are ignored, so that a phone that sends both gives each digit once.
   */
  listen(leg: string, how: { readonly inBand: boolean }): Promise<void>
  /**
   * Records what the first leg and the one it talks with send from now on, in time with each other; announcements are
   * not part of it. Rejects with ALREADY_RECORDING, and with NO_COMMON_CODEC when a leg speaks no G.711; a file that
   * cannot be written is told by `recording-failed`.
   */
  startRecording(options: RecordingOptions): Promise<void>
  /** Finishes the file; undefined when there is none. Call it before `close`, which finishes the file as well. */
  stopRecording(): Promise<RecordingResult | undefined>
  stats(): Promise<SessionStats>
  /** Frees the ports (they rest before reuse). Idempotent. */
  close(): Promise<void>
}

/** 8 kHz mono A-law or µ-law samples; converted to the leg's codec by the engine. */
export type PlayAudio = { readonly encoding: 'alaw' | 'ulaw'; readonly samples: Uint8Array }

export type RecordingOptions = {
  /** File to write, absolute; its directory exists. Made anew; WAV, A-law, 8000 Hz. */
  readonly file: string
  /** `mixed`: both parties in one channel (the service's format); `stereo`: first leg left, second right. */
  readonly layout: 'mixed' | 'stereo'
}
/** `bytes` is the size of the file. After a failure: what was saved. */
export type RecordingResult = { readonly file: string; readonly durationMs: number; readonly bytes: number }

export type LegStats = { readonly packets: number; readonly octets: number; readonly lost: number }
/** What each leg sent. */
export type SessionStats = { readonly legs: Readonly<Record<string, LegStats>> }

/** ENGINE_DOWN: what carries the media has failed; its calls are lost, new ones may succeed a little later. */
export type MediaErrorCode =
  'NO_PORTS' | 'BAD_SDP' | 'NO_COMMON_CODEC' | 'NO_SUCH_LEG' | 'ALREADY_RECORDING' | 'CLOSED' | 'ENGINE_DOWN'
export class MediaError extends Error {
  readonly code: MediaErrorCode
  constructor(code: MediaErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'MediaError'
    this.code = code
  }
}
