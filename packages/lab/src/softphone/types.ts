import type { ToneRun } from '@maskline/media'
import type { SipClock } from '@maskline/sip'
import type { LadderMessage } from '../ladder/ladder.ts'

export type SoftphoneOptions = {
  /** Its number, `+8613800000021`: user part of From and Contact, and of its account. */
  readonly user: string
  /** Name before the number in From. */
  readonly displayName?: string
  readonly password?: string
  /** Registrar and proxy for its calls; without one it calls and is called directly. */
  readonly registrar?: { readonly address: string; readonly port: number; readonly domain?: string }
  readonly transport?: 'udp' | 'tcp'
  /** Default 127.0.0.1. */
  readonly host?: string
  /** SIP port; default 0, any free one. */
  readonly port?: number
  /** The tone it speaks in calls; whole Hz. Absent: it is silent. */
  readonly toneHz?: number
  /** Answers by itself so long after the INVITE; absent: `answer` does. */
  readonly autoAnswerMs?: number
  /** Says nothing for an incoming call until `ring`, as a network that is still looking for its phone; default false. */
  readonly ringsWhenTold?: boolean
  /** For the stack's timers and the auto answer. */
  readonly clock?: SipClock
  readonly onIncoming?: (call: PhoneCall) => void
}

export type CallEnd = {
  /** Who ended it: this phone, the other side, or neither (time-out, transport). */
  readonly by: 'self' | 'peer' | 'network'
  /** Final status of a call that was not answered; 200 after a talk. */
  readonly status: number
  /** Reason phrase, or why the dialog was lost. */
  readonly reason: string
  /** `Reason` header of the BYE, CANCEL or response (RFC 3326). */
  readonly reasonHeader?: string
}

export type PhoneCallState =
  | { readonly kind: 'calling' }
  /** 180 or 183 came (outgoing), or it rings here (incoming). */
  | { readonly kind: 'ringing'; readonly status: number }
  | { readonly kind: 'talking' }
  | { readonly kind: 'ended'; readonly end: CallEnd }

/** What a phone's display shows: the network's asserted identity, else From (RFC 3325 §9.2). */
export type Display = { readonly number: string; readonly name?: string }

/** RFC 4733 events, tones in the audio, or INFO requests with `application/dtmf-relay`. */
export type DigitSending = 'event' | 'in-band' | 'info'

/** Samples heard before. */
export type AudioMark = number

export type PhoneCall = {
  readonly direction: 'incoming' | 'outgoing'
  readonly callId: string
  readonly state: PhoneCallState
  readonly whatDisplayShows: Display
  /** Tells every change of state from now on; the returned function ends it. */
  onState(listener: (state: PhoneCallState) => void): () => void
  /** Resolves when it rings (or talks); rejects when it ends before. */
  ringing(): Promise<void>
  /** Resolves when both talk; rejects when it ends before, with status and reason. */
  answered(): Promise<void>
  ended(): Promise<CallEnd>
  /** Tells the caller that it rings here (180), or lets it hear this phone's tone before the answer (183 with media). */
  ring(how?: 'early-media'): Promise<void>
  /** Takes an incoming call. */
  answer(): Promise<void>
  /** Refuses an incoming call; default 486. */
  reject(status?: number, reason?: string): void
  /** BYE; before the answer it cancels or declines. */
  hangup(): void
  /** Gives up an outgoing call that nobody answered. */
  cancel(): void
  /** Keys digits, one after the other; default as RFC 4733 events. */
  sendDigits(digits: string, how?: DigitSending): Promise<void>
  digitsHeard(): string
  /** Amplitude (0…1 of full scale) of each frequency in what was heard so far, early media included. */
  heard(frequenciesHz: readonly number[]): number[]
  /** 8 kHz samples heard so far, or since a mark. */
  audio(since?: AudioMark): Int16Array
  /** This moment in what is heard. `forgetAudio` makes older marks useless. */
  mark(): AudioMark
  /** Which of the frequencies were heard one after the other, so far or since a mark; `hz` 0 is none of them. */
  tonesHeard(frequenciesHz: readonly number[], since?: AudioMark): ToneRun[]
  /** Resolves when so much audio has been heard since the start or the last `forgetAudio`; rejects when the call ends. */
  hears(seconds: number): Promise<Int16Array>
  forgetAudio(): void
}

export type Softphone = {
  readonly user: string
  readonly address: string
  readonly port: number
  /** Where it can be called directly. */
  readonly uri: string
  /** Calls since the start, newest last. */
  readonly calls: readonly PhoneCall[]
  /** Resolves with the seconds granted; rejects with the registrar's status. Refreshed until `unregister` or `close`. */
  register(expiresSec?: number): Promise<number>
  unregister(): Promise<void>
  /** Dials a number (through the registrar), or a SIP URI. Further header lines are flat [name, value, …]. */
  call(number: string, options?: { readonly headers?: readonly string[] }): Promise<PhoneCall>
  /** The next incoming call that no earlier `incoming()` has given out, past ones included. */
  incoming(): Promise<PhoneCall>
  /** SIP messages in and out, for the ladder; `atMs` of `performance.now()`. The newest 2,000. */
  messages(): readonly LadderMessage[]
  /** All bytes received: SIP messages, RTP and RTCP packets, back to back, at most 16 MB. For privacy searches. */
  received(): Buffer
  /** Forgets calls, registration and sockets; sends nothing. */
  close(): Promise<void>
}
