import type { EpochMs } from '../../shared/time.ts'
import type { CallRecord } from '../call-record.ts'
import { releaseOfFailure } from '../release-map.ts'
import { dismiss, end, GONE_BEFORE_FORWARDING, RELEASE, turnAway } from './endings.ts'
import {
  type CallEffect,
  type CallerLeg,
  type CallInput,
  type CallPolicy,
  type ForwardingState,
  type Hearing,
  ignore,
  type PreparingState,
  type Step,
} from './states.ts'
import { startTalk } from './talking.ts'

export function stepPreparing(
  state: PreparingState,
  input: CallInput,
  at: EpochMs,
  policy: CallPolicy,
): Step {
  const { record, caller } = state
  switch (input.kind) {
    case 'media-ready':
      return dial(state, input.hears, at, policy)
    case 'caller-gone':
      return end(record, GONE_BEFORE_FORWARDING, at, [])
    case 'fault':
      return end(record, { releaseCode: input.releaseCode, q850: 0, sipStatus: input.statusToCaller }, at, [
        turnAway(caller, input.statusToCaller, 41),
      ])
    case 'setup-timeout':
      return end(record, { releaseCode: RELEASE.internal, q850: 0, sipStatus: 500 }, at, [
        turnAway(caller, 500, 41),
      ])
    case 'terminate':
      return end(record, { releaseCode: input.releaseCode, q850: 0, sipStatus: 480 }, at, [
        turnAway(caller, 480, 31),
      ])
    case 'routed':
    case 'digits-wrong':
    case 'caller-open':
    case 'digit':
    case 'digits-timeout':
    case 'announced':
    case 'callee-progress':
    case 'callee-answered':
    case 'connected':
    case 'callee-failed':
    case 'callee-gone':
    case 'connect-timeout':
    case 'limit-reached':
    case 'last-minute':
    case 'media-silent':
    case 'stored':
    case 'store-timeout':
      return ignore(state)
    default:
      return input satisfies never
  }
}

/** The INVITE leaves; a caller with a waiting tone hears it from now on. */
function dial(state: PreparingState, hears: boolean, at: EpochMs, policy: CallPolicy): Step {
  const { decision } = state
  const { callee, display, waitingTone, memos } = decision
  const record: CallRecord = { ...state.record, forward: { display, callee, startAt: at } }
  const caller: CallerLeg = state.caller === 'waiting' && hears ? 'early' : state.caller
  const effects: CallEffect[] = [
    { do: 'disarm', timer: 'setup' },
    { do: 'dial', callee, display },
    { do: 'tell', event: 'callout', record },
    { do: 'arm', timer: 'connect', delayMs: policy.connectTimeoutMs },
  ]
  if (caller !== state.caller) effects.push({ do: 'progress-caller', status: 183 })
  if (caller !== 'waiting' && waitingTone !== undefined)
    effects.push({ do: 'play', to: 'caller', tone: waitingTone })
  if (memos?.forwarded !== undefined) effects.push({ do: 'note', memos: memos.forwarded })
  const heard: Hearing =
    caller === 'waiting' ? 'callee' : waitingTone === undefined ? 'silence' : 'waiting-tone'
  return { state: { kind: 'dialling', record, decision, caller, hears: heard }, effects }
}

export function stepForwarding(state: ForwardingState, input: CallInput, at: EpochMs): Step {
  const { record, caller } = state
  const ringing = state.kind === 'ringing'
  switch (input.kind) {
    case 'callee-progress':
      return progress(state, input, at)
    // The waiting tone plays once. What follows is ring-back, as soon as it rings.
    case 'announced':
      if (state.hears !== 'waiting-tone') return ignore(state)
      return { state: { ...state, hears: 'silence' }, effects: [] }
    case 'callee-answered':
      return answerCaller(state)
    case 'connected':
      return startTalk(state, input.recording, at)
    case 'callee-failed':
      return end(record, input.ending, at, [dismiss(caller, input.statusToCaller, input.reasonToCaller)])
    case 'caller-gone':
      return end(record, releaseOfFailure({ status: 487, ringing, weCancelled: 'caller' }), at, [
        { do: 'cancel-callee', q850: input.cause ?? 16 },
      ])
    case 'connect-timeout': {
      const release = releaseOfFailure({ status: 487, ringing, weCancelled: 'timeout' })
      return end(record, release, at, [
        { do: 'cancel-callee', q850: release.q850 },
        dismiss(caller, release.sipStatusToCaller, release.callerReason),
      ])
    }
    case 'terminate':
      return end(record, { releaseCode: input.releaseCode, q850: 31, sipStatus: 487 }, at, [
        { do: 'cancel-callee', q850: 31 },
        dismiss(caller, 480, 31),
      ])
    case 'fault':
      return end(record, { releaseCode: input.releaseCode, q850: 41, sipStatus: input.statusToCaller }, at, [
        { do: 'cancel-callee', q850: 41 },
        dismiss(caller, input.statusToCaller, 41),
      ])
    case 'callee-gone':
      return end(record, { releaseCode: 8103, q850: 41, sipStatus: 480 }, at, [dismiss(caller, 480, 41)])
    case 'routed':
    case 'digits-wrong':
    case 'caller-open':
    case 'digit':
    case 'digits-timeout':
    case 'media-ready':
    case 'setup-timeout':
    case 'limit-reached':
    case 'last-minute':
    case 'media-silent':
    case 'stored':
    case 'store-timeout':
      return ignore(state)
    default:
      return input satisfies never
  }
}

/** The callee has answered; until the caller's 200 is out there is no talk, and either side may still give up. */
function answerCaller(state: ForwardingState): Step {
  const hushes = state.hears === 'waiting-tone' || state.hears === 'ring-back'
  return {
    state: { ...state, hears: 'callee' },
    effects: [...(hushes ? [{ do: 'hush' } as const] : []), { do: 'answer-caller' }],
  }
}

/**
 * A caller that heard nothing of ours gets the callee's progress as it is. One that hears us gets the callee's early
 * media, or our ring-back when it rings without.
 */
function progress(
  state: ForwardingState,
  input: Extract<CallInput, { kind: 'callee-progress' }>,
  at: EpochMs,
): Step {
  const { record, decision, caller } = state
  const effects: CallEffect[] = []
  let { hears } = state
  if (caller === 'waiting') effects.push({ do: 'progress-caller', status: input.status })
  else if (input.early) {
    if (hears === 'waiting-tone' || hears === 'ring-back') effects.push({ do: 'hush' })
    hears = 'callee'
  } else if (input.status === 180 && (hears === 'waiting-tone' || hears === 'silence')) {
    effects.push({ do: 'ring-back' })
    hears = 'ring-back'
  }
  if (!input.ringing || state.kind === 'ringing') return { state: { ...state, hears }, effects }
  const ringing: CallRecord = { ...record, forward: { ...record.forward!, alertingAt: at } }
  effects.push({ do: 'tell', event: 'alerting', record: ringing })
  return { state: { kind: 'ringing', record: ringing, decision, caller, hears }, effects }
}
