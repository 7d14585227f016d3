import type { Ask, Collect, Connect, Memo, Refuse, RouteDecision } from '../../bindings/route.ts'
import type { E164 } from '../../shared/e164.ts'
import type { CallEventType, CallRecord, RecordingRef } from '../call-record.ts'

/** How a call failed or ended, in the three numberings a customer reads (spec/codes.md section 1). */
export type Ending = {
  readonly releaseCode: number
  /** Q.850 of the failed forwarding; 0 = answered, or never forwarded. */
  readonly q850: number
  /** SIP status of the failing leg; 0 = answered. */
  readonly sipStatus: number
}

/**
 * How far the caller's leg is. `waiting`: it has heard nothing of ours. `early`: it hears us, by a 183. `up`: it was
 * answered (to collect digits), and only BYE ends it.
 */
export type CallerLeg = 'waiting' | 'early' | 'up'

/**
 * What the caller hears while the callee is being reached. `callee`: what the callee's side sends, or nothing of ours;
 * the other three only on a leg that hears us.
 */
export type Hearing = 'callee' | 'waiting-tone' | 'silence' | 'ring-back'

/** A tone of the talk; tones wait for each other. */
export type TalkTone = { readonly to: 'callee' | 'both'; readonly tone: string }

/**
 * The life of one masked call. `arrived`: the lookup is under way. `asking`: the customer decides (X mode).
 * `collecting`: the caller is asked for digits, `looking-up`: what they lead to is looked up (AXE). `announcing`: a refused
 * caller hears why. `preparing`: media ports are being taken. `dialling` and `ringing`: the callee's leg is being set up.
 * `talking`: both legs are up. `storing`: the call is over, its recording not kept yet. `ended` is final.
 */
export type CallState =
  | { readonly kind: 'arrived'; readonly record: CallRecord; readonly abandoned: boolean }
  | { readonly kind: 'asking'; readonly record: CallRecord }
  | CollectingState
  | LookingUpState
  | AnnouncingState
  | PreparingState
  | ForwardingState
  | TalkingState
  | { readonly kind: 'storing'; readonly record: CallRecord }
  | { readonly kind: 'ended'; readonly record: CallRecord }

type Attempt = {
  readonly record: CallRecord
  readonly asked: Collect
  readonly caller: CallerLeg
  /** From 1 to `asked.attempts`. */
  readonly attempt: number
  /** Keyed so far in this attempt. */
  readonly digits: string
}
export type CollectingState = Attempt & {
  readonly kind: 'collecting'
  /** The caller's leg is being opened; the prompt plays; it is over or was cut by the first digit. */
  readonly phase: 'opening' | 'prompting' | 'listening'
}
export type LookingUpState = Attempt & { readonly kind: 'looking-up' }
export type AnnouncingState = {
  readonly kind: 'announcing'
  readonly record: CallRecord
  readonly refusal: Refuse
  readonly caller: CallerLeg
}
export type PreparingState = {
  readonly kind: 'preparing'
  readonly record: CallRecord
  readonly decision: Connect
  readonly caller: CallerLeg
}
export type ForwardingState = {
  readonly kind: 'dialling' | 'ringing'
  readonly record: CallRecord
  readonly decision: Connect
  readonly caller: CallerLeg
  readonly hears: Hearing
}
export type TalkingState = {
  readonly kind: 'talking'
  readonly record: CallRecord
  readonly decision: Connect
  /** The first is playing. */
  readonly tones: readonly TalkTone[]
}

export type CallInput =
  /** The decision on the call, at first and after what a decision asked for; its tones are there to be played. */
  | { readonly kind: 'routed'; readonly decision: RouteDecision }
  /** The digits lead nowhere; the caller may try again while attempts are left. */
  | { readonly kind: 'digits-wrong' }
  /** The caller can key digits: answered, or in early media. */
  | { readonly kind: 'caller-open'; readonly answered: boolean }
  /** `0`–`9`, `*`, `#`, `A`–`D`. */
  | { readonly kind: 'digit'; readonly digit: string }
  /** No digit for as long as the first, or the next, may take. */
  | { readonly kind: 'digits-timeout' }
  /** Ports are taken and the callee's offer is ready: the INVITE can leave. `hears`: we can play to the caller. */
  | { readonly kind: 'media-ready'; readonly hears: boolean }
  /** The announcement was heard to its end, or could not be played. */
  | { readonly kind: 'announced' }
  /** `early`: the callee's side sends media from now on. */
  | {
      readonly kind: 'callee-progress'
      readonly status: number
      readonly ringing: boolean
      readonly early: boolean
    }
  | { readonly kind: 'callee-answered' }
  /** Both legs are up. `recording` is what the talk will be recorded to. */
  | { readonly kind: 'connected'; readonly recording?: RecordingRef }
  | {
      readonly kind: 'callee-failed'
      readonly ending: Ending
      readonly statusToCaller: number
      /** Q.850 for the caller's Reason header; 0 = none. */
      readonly reasonToCaller: number
    }
  /** CANCEL, BYE or loss of the caller's leg: it needs no answer any more. `cause`: Q.850, where a reason is known. */
  | { readonly kind: 'caller-gone'; readonly cause?: number }
  | { readonly kind: 'callee-gone'; readonly cause?: number }
  /** Media did not get ready, or an announcement did not end, in any sensible time. */
  | { readonly kind: 'setup-timeout' }
  | { readonly kind: 'connect-timeout' }
  | { readonly kind: 'limit-reached' }
  | { readonly kind: 'last-minute' }
  /** No RTP from anyone for the time-out. */
  | { readonly kind: 'media-silent' }
  /** The recording is stored, or there is nothing to store. */
  | { readonly kind: 'stored'; readonly kept: boolean }
  | { readonly kind: 'store-timeout' }
  /** The customer's order, or shutdown of the platform. */
  | { readonly kind: 'terminate'; readonly releaseCode: number }
  /** We cannot go on: no ports, unusable SDP, internal fault. */
  | { readonly kind: 'fault'; readonly releaseCode: number; readonly statusToCaller: number }

export type CallTimer = 'setup' | 'digits' | 'connect' | 'limit' | 'last-minute' | 'store'

export type CallEffect =
  /** Journal and push: the record as it stands after this step. */
  | {
      readonly do: 'tell'
      readonly event: CallEventType
      readonly record: CallRecord
      readonly digits?: string
    }
  /** Ask the customer; comes back as `routed` or `fault`. */
  | { readonly do: 'ask'; readonly asked: Ask }
  /** Answer the caller, or give it early media; comes back as `caller-open`. */
  | { readonly do: 'open-caller' }
  /** Whether digits that are sent as tones are heard too. */
  | { readonly do: 'listen'; readonly on: boolean }
  /** What do the digits lead to? Comes back as `routed`, `digits-wrong` or `fault`. */
  | { readonly do: 'look-up'; readonly asked: Collect; readonly digits: string }
  /** Play to the caller, after early media (183) where it hears nothing of ours yet. Comes back as `announced`. */
  | { readonly do: 'announce'; readonly tone: string }
  /** Play once in place of what plays; comes back as `announced`. */
  | { readonly do: 'play'; readonly to: 'caller' | 'callee' | 'both'; readonly tone: string }
  /** Ring-back to the caller until `hush`. */
  | { readonly do: 'ring-back' }
  /** Stop what plays to the caller. */
  | { readonly do: 'hush' }
  /** Take media ports and make the callee's offer; comes back as `media-ready` or `fault`. */
  | { readonly do: 'prepare'; readonly callee: E164; readonly early: boolean }
  | { readonly do: 'dial'; readonly callee: E164; readonly display: E164 }
  | { readonly do: 'progress-caller'; readonly status: number }
  /** Answer the caller, unless it was; comes back as `connected` when the 200 is out, which may have to wait for a PRACK. */
  | { readonly do: 'answer-caller' }
  | { readonly do: 'reject-caller'; readonly status: number; readonly q850: number }
  | { readonly do: 'bye-caller'; readonly q850: number }
  | { readonly do: 'bye-callee'; readonly q850: number }
  | { readonly do: 'cancel-callee'; readonly q850: number }
  /** Start the recording that `connected` named. */
  | { readonly do: 'record' }
  /** Finish the recording and store it; the legs are gone. Comes back as `stored`. */
  | { readonly do: 'store'; readonly record: CallRecord; readonly ref: RecordingRef }
  | { readonly do: 'note'; readonly memos: readonly Memo[] }
  | { readonly do: 'arm'; readonly timer: CallTimer; readonly delayMs: number }
  | { readonly do: 'disarm'; readonly timer: CallTimer }
  /** The one exit: free media and timers, forget the call. Always the last effect. */
  | { readonly do: 'release' }

export type Step = { readonly state: CallState; readonly effects: readonly CallEffect[] }

export type CallPolicy = {
  /** Platform's own connection time-out, ms (8035). */
  readonly connectTimeoutMs: number
}

export const MINUTE = 60_000
/** Guards against media and lookups that never answer: no state may last for ever. */
export const SETUP_LIMIT_MS = 5_000
/** Longer than any announcement file (2 MB of A-law is four minutes). */
export const ANNOUNCEMENT_LIMIT_MS = 5 * MINUTE
/** How long the CDR waits for its recording (spec/notifications.md section 5.4). */
export const STORE_LIMIT_MS = 10_000

export const ignore = (state: CallState): Step => ({ state, effects: [] })
