import type { CallSubject, Connect, Refuse, RouteDecision } from '../bindings/route.ts'
import type { E164 } from '../shared/e164.ts'
import type { EpochMs } from '../shared/time.ts'
import type { CallEventType, CallRecord } from './call-record.ts'
import { callerAnswerOf, releaseOfFailure } from './release-map.ts'

/** How a call failed or ended, in the three numberings a customer reads (spec/codes.md section 1). */
export type Ending = {
  readonly releaseCode: number
  /** Q.850 of the failed forwarding; 0 = answered, or never forwarded. */
  readonly q850: number
  /** SIP status of the failing leg; 0 = answered. */
  readonly sipStatus: number
}

/**
 * The life of one masked call. `arrived`: the lookup is under way. `announcing`: a refused caller hears why.
 * `preparing`: media ports are being taken. `dialling` and `ringing`: the callee's leg is being set up. `talking`: both legs are up. `ended` is final.
 */
export type CallState =
  | { readonly kind: 'arrived'; readonly record: CallRecord; readonly abandoned: boolean }
  | { readonly kind: 'announcing'; readonly record: CallRecord; readonly refusal: Refuse }
  | { readonly kind: 'preparing'; readonly record: CallRecord; readonly decision: Connect }
  | { readonly kind: 'dialling'; readonly record: CallRecord; readonly decision: Connect }
  | { readonly kind: 'ringing'; readonly record: CallRecord; readonly decision: Connect }
  | { readonly kind: 'talking'; readonly record: CallRecord; readonly decision: Connect }
  | { readonly kind: 'ended'; readonly record: CallRecord }

export type CallInput =
  | { readonly kind: 'routed'; readonly decision: RouteDecision; readonly canAnnounce: boolean }
  /** Ports are taken and the callee's offer is ready: the INVITE can leave. */
  | { readonly kind: 'media-ready' }
  /** The announcement was heard to its end, or could not be played. */
  | { readonly kind: 'announced' }
  | { readonly kind: 'callee-progress'; readonly status: number; readonly ringing: boolean }
  | { readonly kind: 'callee-answered' }
  | {
      readonly kind: 'callee-failed'
      readonly ending: Ending
      readonly statusToCaller: number
      /** Q.850 for the caller's Reason header; 0 = none. */
      readonly reasonToCaller: number
    }
  /** CANCEL, BYE or loss of the caller's leg: it needs no answer any more. */
  | { readonly kind: 'caller-gone' }
  | { readonly kind: 'callee-gone' }
  /** Media did not get ready, or an announcement did not end, in any sensible time. */
  | { readonly kind: 'setup-timeout' }
  | { readonly kind: 'connect-timeout' }
  | { readonly kind: 'limit-reached' }
  | { readonly kind: 'last-minute' }
  /** No RTP from anyone for the time-out. */
  | { readonly kind: 'media-silent' }
  /** The customer's order, or shutdown of the platform. */
  | { readonly kind: 'terminate'; readonly releaseCode: number }
  /** We cannot go on: no ports, unusable SDP, internal fault. */
  | { readonly kind: 'fault'; readonly releaseCode: number; readonly statusToCaller: number }

export type CallTimer = 'setup' | 'connect' | 'limit' | 'last-minute'

export type CallEffect =
  /** Journal and push: the record as it stands after this step. */
  | { readonly do: 'tell'; readonly event: CallEventType; readonly record: CallRecord }
  | { readonly do: 'announce'; readonly tone: string }
  /** Take media ports and make the callee's offer; comes back as `media-ready` or `fault`. */
  | { readonly do: 'prepare'; readonly callee: E164 }
  | { readonly do: 'dial'; readonly callee: E164; readonly display: E164 }
  | { readonly do: 'progress-caller'; readonly status: number }
  | { readonly do: 'answer-caller' }
  | { readonly do: 'reject-caller'; readonly status: number; readonly q850: number }
  | { readonly do: 'bye-caller'; readonly q850: number }
  | { readonly do: 'bye-callee'; readonly q850: number }
  | { readonly do: 'cancel-callee'; readonly q850: number }
  | { readonly do: 'play-to-both'; readonly tone: string }
  | { readonly do: 'arm'; readonly timer: CallTimer; readonly delayMs: number }
  | { readonly do: 'disarm'; readonly timer: CallTimer }
  /** The one exit: free media and timers, forget the call. Always the last effect. */
  | { readonly do: 'release' }

export type Step = { readonly state: CallState; readonly effects: readonly CallEffect[] }

export type CallPolicy = {
  /** Platform's own connection time-out, ms (8035). */
  readonly connectTimeoutMs: number
}

/** Release codes that this machine decides by itself (spec/codes.md section 2); failures have release-map.ts. */
export const RELEASE = {
  normal: 0,
  callerGoneBeforeForwarding: 7516,
  maxDuration: 8010,
  internal: 8020,
} as const

const MINUTE = 60_000
/** Guards against media that never answers: no state may last for ever. */
const SETUP_LIMIT_MS = 5_000
/** Longer than any announcement file (2 MB of A-law is four minutes). */
const ANNOUNCEMENT_LIMIT_MS = 5 * MINUTE

/** Starts a call: nothing is told before it is known whose it is. */
export function arrive(record: CallRecord): CallState {
  return { kind: 'arrived', record, abandoned: false }
}

/** One input in, next state and effects out. Inputs that mean nothing in a state are written cases. */
export function step(state: CallState, input: CallInput, at: EpochMs, policy: CallPolicy): Step {
  switch (state.kind) {
    case 'arrived':
      return stepArrived(state, input, at)
    case 'preparing':
      return stepPreparing(state, input, at, policy)
    case 'announcing':
      return stepAnnouncing(state, input, at)
    case 'dialling':
    case 'ringing':
      return stepForwarding(state, input, at)
    case 'talking':
      return stepTalking(state, input, at)
    case 'ended':
      return ignore(state)
    default:
      return state satisfies never
  }
}

const ignore = (state: CallState): Step => ({ state, effects: [] })

function stepArrived(state: Extract<CallState, { kind: 'arrived' }>, input: CallInput, at: EpochMs): Step {
  switch (input.kind) {
    case 'routed': {
      const record = withSubject(state.record, input.decision.subject)
      const callin: CallEffect = { do: 'tell', event: 'callin', record }
      if (state.abandoned)
        return end(record, { releaseCode: RELEASE.callerGoneBeforeForwarding, q850: 0, sipStatus: 487 }, at, [
          callin,
        ])
      const { decision } = input
      if (decision.kind === 'connect')
        return {
          state: { kind: 'preparing', record, decision },
          effects: [
            callin,
            { do: 'arm', timer: 'setup', delayMs: SETUP_LIMIT_MS },
            { do: 'prepare', callee: decision.callee },
          ],
        }
      if (decision.kind !== 'refuse')
        return end(record, { releaseCode: RELEASE.internal, q850: 0, sipStatus: 501 }, at, [
          callin,
          { do: 'reject-caller', status: 501, q850: 0 },
        ])
      if (decision.tone !== undefined && input.canAnnounce)
        return {
          state: { kind: 'announcing', record, refusal: decision },
          effects: [
            callin,
            { do: 'arm', timer: 'setup', delayMs: ANNOUNCEMENT_LIMIT_MS },
            { do: 'announce', tone: decision.tone },
          ],
        }
      return end(record, refusalEnding(decision), at, [
        callin,
        { do: 'reject-caller', status: decision.sipStatus, q850: 0 },
      ])
    }
    // The lookup still tells whose call this was; the end is written then.
    case 'caller-gone':
      return ignore({ ...state, abandoned: true })
    // No app is known yet, so there is nobody to tell: answer and forget.
    case 'fault':
    case 'terminate': {
      const status = input.kind === 'fault' ? input.statusToCaller : 503
      const ended: CallState = { kind: 'ended', record: state.record }
      const reject: CallEffect[] = state.abandoned ? [] : [{ do: 'reject-caller', status, q850: 0 }]
      return { state: ended, effects: [...reject, { do: 'release' }] }
    }
    case 'media-ready':
    case 'announced':
    case 'callee-progress':
    case 'callee-answered':
    case 'callee-failed':
    case 'callee-gone':
    case 'setup-timeout':
    case 'connect-timeout':
    case 'limit-reached':
    case 'last-minute':
    case 'media-silent':
      return ignore(state)
    default:
      return input satisfies never
  }
}

function stepPreparing(
  state: Extract<CallState, { kind: 'preparing' }>,
  input: CallInput,
  at: EpochMs,
  policy: CallPolicy,
): Step {
  const { record, decision } = state
  switch (input.kind) {
    case 'media-ready': {
      const { callee, display } = decision
      const forwarded: CallRecord = { ...record, forward: { display, callee, startAt: at } }
      return {
        state: { kind: 'dialling', record: forwarded, decision },
        effects: [
          { do: 'disarm', timer: 'setup' },
          { do: 'dial', callee, display },
          { do: 'tell', event: 'callout', record: forwarded },
          { do: 'arm', timer: 'connect', delayMs: policy.connectTimeoutMs },
        ],
      }
    }
    case 'caller-gone':
      return end(record, { releaseCode: RELEASE.callerGoneBeforeForwarding, q850: 0, sipStatus: 487 }, at, [])
    case 'fault':
      return end(record, { releaseCode: input.releaseCode, q850: 0, sipStatus: input.statusToCaller }, at, [
        { do: 'reject-caller', status: input.statusToCaller, q850: 0 },
      ])
    case 'setup-timeout':
      return end(record, { releaseCode: RELEASE.internal, q850: 0, sipStatus: 500 }, at, [
        { do: 'reject-caller', status: 500, q850: 0 },
      ])
    case 'terminate':
      return end(record, { releaseCode: input.releaseCode, q850: 0, sipStatus: 480 }, at, [
        { do: 'reject-caller', status: 480, q850: 0 },
      ])
    case 'routed':
    case 'announced':
    case 'callee-progress':
    case 'callee-answered':
    case 'callee-failed':
    case 'callee-gone':
    case 'connect-timeout':
    case 'limit-reached':
    case 'last-minute':
    case 'media-silent':
      return ignore(state)
    default:
      return input satisfies never
  }
}

function stepAnnouncing(
  state: Extract<CallState, { kind: 'announcing' }>,
  input: CallInput,
  at: EpochMs,
): Step {
  const { record, refusal } = state
  switch (input.kind) {
    // The announcement is a courtesy: its failure changes nothing.
    case 'announced':
    case 'setup-timeout':
    case 'fault':
    case 'terminate':
    case 'media-silent': {
      const { callerReason } = callerAnswerOf(refusal.releaseCode)
      return end(record, refusalEnding(refusal), at, [
        { do: 'reject-caller', status: refusal.sipStatus, q850: callerReason },
      ])
    }
    // The refusal stays the reason, however early the caller tired of hearing it.
    case 'caller-gone':
      return end(record, refusalEnding(refusal), at, [])
    case 'routed':
    case 'media-ready':
    case 'callee-progress':
    case 'callee-answered':
    case 'callee-failed':
    case 'callee-gone':
    case 'connect-timeout':
    case 'limit-reached':
    case 'last-minute':
      return ignore(state)
    default:
      return input satisfies never
  }
}

function stepForwarding(
  state: Extract<CallState, { kind: 'dialling' | 'ringing' }>,
  input: CallInput,
  at: EpochMs,
): Step {
  const { record, decision } = state
  const forward = record.forward!
  switch (input.kind) {
    case 'callee-progress': {
      const pass: CallEffect = { do: 'progress-caller', status: input.status }
      if (!input.ringing || state.kind === 'ringing') return { state, effects: [pass] }
      const ringing: CallRecord = { ...record, forward: { ...forward, alertingAt: at } }
      return {
        state: { kind: 'ringing', record: ringing, decision },
        effects: [pass, { do: 'tell', event: 'alerting', record: ringing }],
      }
    }
    case 'callee-answered': {
      const answered: CallRecord = { ...record, forward: { ...forward, answerAt: at } }
      const effects: CallEffect[] = [
        { do: 'answer-caller' },
        { do: 'tell', event: 'answer', record: answered },
        { do: 'disarm', timer: 'connect' },
      ]
      if (decision.maxDurationMin > 0) {
        const limitMs = decision.maxDurationMin * MINUTE
        effects.push({ do: 'arm', timer: 'limit', delayMs: limitMs })
        if (decision.lastMinVoice !== undefined)
          effects.push({ do: 'arm', timer: 'last-minute', delayMs: limitMs - MINUTE })
      }
      return { state: { kind: 'talking', record: answered, decision }, effects }
    }
    case 'callee-failed':
      return end(record, input.ending, at, [
        { do: 'reject-caller', status: input.statusToCaller, q850: input.reasonToCaller },
      ])
    case 'caller-gone': {
      const ringing = state.kind === 'ringing'
      return end(record, releaseOfFailure({ status: 487, ringing, weCancelled: 'caller' }), at, [
        { do: 'cancel-callee', q850: 16 },
      ])
    }
    case 'connect-timeout': {
      const ringing = state.kind === 'ringing'
      const release = releaseOfFailure({ status: 487, ringing, weCancelled: 'timeout' })
      return end(record, release, at, [
        { do: 'cancel-callee', q850: release.q850 },
        { do: 'reject-caller', status: release.sipStatusToCaller, q850: release.callerReason },
      ])
    }
    case 'terminate':
      return end(record, { releaseCode: input.releaseCode, q850: 31, sipStatus: 487 }, at, [
        { do: 'cancel-callee', q850: 31 },
        { do: 'reject-caller', status: 480, q850: 31 },
      ])
    case 'fault':
      return end(record, { releaseCode: input.releaseCode, q850: 41, sipStatus: input.statusToCaller }, at, [
        { do: 'cancel-callee', q850: 41 },
        { do: 'reject-caller', status: input.statusToCaller, q850: 41 },
      ])
    case 'callee-gone':
      return end(record, { releaseCode: 8103, q850: 41, sipStatus: 480 }, at, [
        { do: 'reject-caller', status: 480, q850: 41 },
      ])
    case 'routed':
    case 'media-ready':
    case 'announced':
    case 'setup-timeout':
    case 'limit-reached':
    case 'last-minute':
    case 'media-silent':
      return ignore(state)
    default:
      return input satisfies never
  }
}

function stepTalking(state: Extract<CallState, { kind: 'talking' }>, input: CallInput, at: EpochMs): Step {
  const { record, decision } = state
  const normal: Ending = { releaseCode: RELEASE.normal, q850: 0, sipStatus: 0 }
  const byeBoth = (q850: number): CallEffect[] => [
    { do: 'bye-caller', q850 },
    { do: 'bye-callee', q850 },
  ]
  switch (input.kind) {
    case 'caller-gone':
      return end(record, normal, at, [{ do: 'bye-callee', q850: 16 }])
    case 'callee-gone':
      return end(record, normal, at, [{ do: 'bye-caller', q850: 16 }])
    // A leg whose packets stopped is a party that left without a word: for the customer the talk ended.
    case 'media-silent':
      return end(record, normal, at, byeBoth(41))
    case 'limit-reached':
      return end(record, { ...normal, releaseCode: RELEASE.maxDuration }, at, byeBoth(31))
    case 'last-minute':
      return decision.lastMinVoice === undefined
        ? ignore(state)
        : { state, effects: [{ do: 'play-to-both', tone: decision.lastMinVoice }] }
    case 'terminate':
      return end(record, { ...normal, releaseCode: input.releaseCode }, at, byeBoth(31))
    case 'fault':
      return end(record, { ...normal, releaseCode: input.releaseCode }, at, byeBoth(41))
    case 'routed':
    case 'media-ready':
    case 'announced':
    case 'callee-progress':
    case 'callee-answered':
    case 'callee-failed':
    case 'setup-timeout':
    case 'connect-timeout':
      return ignore(state)
    default:
      return input satisfies never
  }
}

/** The end of a call whose node died: the record as the journal had it (docs/teardown.md). */
export function endAfterCrash(record: CallRecord, at: EpochMs): CallRecord {
  const forwarded = record.forward !== undefined
  return {
    ...record,
    end: {
      at,
      releaseCode: RELEASE.internal,
      q850: forwarded && record.forward.answerAt === undefined ? 41 : 0,
      sipStatus: record.forward?.answerAt === undefined ? 500 : 0,
    },
  }
}

/** The one place that closes a call: fixes the ending, tells it, releases. */
function end(record: CallRecord, ending: Ending, at: EpochMs, before: readonly CallEffect[]): Step {
  const { releaseCode, q850, sipStatus } = ending
  const ended: CallRecord = { ...record, end: { at, releaseCode, q850, sipStatus } }
  return {
    state: { kind: 'ended', record: ended },
    effects: [...before, { do: 'tell', event: 'disconnect', record: ended }, { do: 'release' }],
  }
}

const refusalEnding = (refusal: Refuse): Ending => ({
  releaseCode: refusal.releaseCode,
  q850: 0,
  sipStatus: refusal.sipStatus,
})

function withSubject(record: CallRecord, subject: CallSubject): CallRecord {
  return {
    ...record,
    appKey: subject.app?.key,
    spId: subject.app?.spId,
    direction: subject.direction,
    serviceType: subject.serviceType,
    ...(subject.subscriptionId !== undefined && { subscriptionId: subject.subscriptionId }),
    ...(subject.userData !== undefined && { userData: subject.userData }),
  }
}
