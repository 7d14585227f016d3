import type { LegStats, PlayAudio, RecordingOptions, RecordingResult } from '../engine.ts'
import type { Route } from '../sdp/negotiation.ts'
import type { G711 } from '../audio/g711.ts'

/**
 * What the main thread posts: commands as JSON, which costs half of what structured cloning does, announcements as
 * they are (before the first command that needs them), and the end.
 */
export type Post = string | AudioPost | 'close'
export type AudioPost = { readonly audio: number; readonly content: PlayAudio }

/**
 * What the two halves of the embedded engine say to each other. The main thread sends the wished state of a session
 * whole, so that any number of changes within one turn of the event loop is one message; plays are commands.
 */
export type Command =
  | { readonly op: 'grow'; readonly pairs: number }
  | { readonly op: 'session'; readonly session: SessionState }
  /** `ports` were told to parties: they rest. */
  | { readonly op: 'close'; readonly id: number; readonly ports: readonly number[] }
  | {
      readonly op: 'play'
      readonly id: number
      readonly leg: number
      readonly playId: number
      /** One after another. */
      readonly audios: readonly number[]
      /** Undefined: without end. */
      readonly repeat: number | undefined
    }
  | { readonly op: 'stop'; readonly id: number; readonly leg: number }
  | { readonly op: 'forget-audio'; readonly audio: number }
  | { readonly op: 'record'; readonly id: number; readonly options: RecordingOptions }
  | { readonly op: 'stop-recording'; readonly id: number; readonly request: number }
  | { readonly op: 'stats'; readonly id: number; readonly request: number }

export type SessionState = {
  readonly id: number
  /** Watched by the media time-out: an answer has been given. */
  readonly active: boolean
  readonly legs: readonly LegState[]
}

export type LegState = {
  /** RTP port of its socket pair. */
  readonly port: number
  /** Counts descriptions of the party: a new one opens the latch again. */
  readonly epoch: number
  /** Where its description says it listens; undefined before one came, or on hold. */
  readonly remote: RemoteAddress | undefined
  /** Hosts its packets may come from; undefined: any. */
  readonly sources: readonly string[] | undefined
  /** Other forks of the call; absent: there are none. */
  readonly others?: Forks
  /** It wants to hear. */
  readonly hears: boolean
  /** It is expected to send all the time: `sendrecv`. One that only sends holds the other, and may be silent. */
  readonly speaks: boolean
  /** Index of the leg it talks with, or -1. */
  readonly peer: number
  readonly types: readonly ReceivedType[]
  /** Digits are looked for in its audio. */
  readonly inBand: boolean
  /** How announcements are sent to it; undefined when it takes no G.711. */
  readonly playAs: { readonly payloadType: number; readonly law: G711 } | undefined
}

/** Forks of a call that are not heard. `replaced`: how often another fork has taken the party's place. */
export type Forks = { readonly replaced: number; readonly places: readonly RemoteAddress[] }

export type RemoteAddress = {
  /** Undefined for a host name and for an address of the party's own net: it is found by its packets. */
  readonly address: string | undefined
  readonly port: number
  readonly rtcpPort: number
}

/** A payload type the party may send. */
export type ReceivedType = {
  readonly payloadType: number
  readonly clockRateHz: number
  readonly isEvent: boolean
  /** Undefined for what is no G.711. */
  readonly law: G711 | undefined
  /** Its way to the peer; undefined when the peer has no use for it. */
  readonly route: Route | undefined
}

/** What a session is told of its legs. */
export type SessionReport = Extract<Report, { readonly id: number }>

/** From the worker. `exhausted` says why no more pairs can be had. */
export type Report =
  | { readonly op: 'ready'; readonly ports: readonly number[]; readonly exhausted: string | undefined }
  /** Ports that have rested: no packet has come for a while. */
  | { readonly op: 'rested'; readonly ports: readonly number[] }
  | {
      readonly op: 'digit'
      readonly id: number
      readonly leg: number
      readonly digit: string
      readonly durationMs: number
    }
  | { readonly op: 'play-finished'; readonly id: number; readonly leg: number; readonly playId: number }
  | { readonly op: 'media-timeout'; readonly id: number; readonly leg: number | undefined }
  | { readonly op: 'recording-failed'; readonly id: number; readonly error: string }
  | { readonly op: 'recorded'; readonly request: number; readonly result: RecordingResult | undefined }
  | { readonly op: 'stats'; readonly request: number; readonly legs: readonly LegStats[] }
