import type { Connect } from '../../bindings/route.ts'
import type { EpochMs } from '../../shared/time.ts'
import type { CallRecord, RecordingRef } from '../call-record.ts'
import { afterStoring, end, RELEASE } from './endings.ts'
import {
  type CallEffect,
  type CallInput,
  type CallState,
  type Ending,
  type ForwardingState,
  ignore,
  MINUTE,
  type Step,
  type TalkingState,
  type TalkTone,
} from './states.ts'

const NO_TONES: readonly TalkTone[] = []

/** Both legs are up: limits and tones of the talk begin. */
export function startTalk(state: ForwardingState, recording: RecordingRef | undefined, at: EpochMs): Step {
  const { decision } = state
  const record: CallRecord = {
    ...state.record,
    forward: { ...state.record.forward!, answerAt: at },
    ...(recording !== undefined && { recordingPending: recording }),
  }
  const effects: CallEffect[] = [
    { do: 'tell', event: 'answer', record },
    { do: 'disarm', timer: 'connect' },
  ]
  if (recording !== undefined) effects.push({ do: 'record' })
  if (decision.maxDurationMin > 0) {
    const limitMs = decision.maxDurationMin * MINUTE
    effects.push({ do: 'arm', timer: 'limit', delayMs: limitMs })
    if (decision.lastMinVoice !== undefined && limitMs > MINUTE)
      effects.push({ do: 'arm', timer: 'last-minute', delayMs: limitMs - MINUTE })
  }
  const tones = openingTones(decision, recording)
  if (tones[0] !== undefined) effects.push({ do: 'play', ...tones[0] })
  if (decision.memos?.answered !== undefined) effects.push({ do: 'note', memos: decision.memos.answered })
  return { state: { kind: 'talking', record, decision, tones }, effects }
}

/** First the callee's own, then that the call is recorded; a call of one minute begins with its last. */
function openingTones(decision: Connect, recording: RecordingRef | undefined): readonly TalkTone[] {
  const { calleeTone, lastMinVoice, maxDurationMin } = decision
  const hint = recording === undefined ? undefined : decision.recording?.hintTone
  if (calleeTone === undefined && hint === undefined && maxDurationMin !== 1) return NO_TONES
  const tones: TalkTone[] = []
  if (calleeTone !== undefined) tones.push({ to: 'callee', tone: calleeTone })
  if (hint !== undefined) tones.push({ to: 'both', tone: hint })
  if (maxDurationMin === 1 && lastMinVoice !== undefined) tones.push({ to: 'both', tone: lastMinVoice })
  return tones
}

export function stepTalking(state: TalkingState, input: CallInput, at: EpochMs): Step {
  const { record, decision, tones } = state
  const normal: Ending = { releaseCode: RELEASE.normal, q850: 0, sipStatus: 0 }
  const byeBoth = (q850: number): CallEffect[] => [
    { do: 'bye-caller', q850 },
    { do: 'bye-callee', q850 },
  ]
  switch (input.kind) {
    case 'caller-gone':
      return end(record, normal, at, [{ do: 'bye-callee', q850: input.cause ?? 16 }])
    case 'callee-gone':
      return end(record, normal, at, [{ do: 'bye-caller', q850: input.cause ?? 16 }])
    // A leg whose packets stopped is a party that left without a word: for the customer the talk ended.
    case 'media-silent':
      return end(record, normal, at, byeBoth(41))
    case 'limit-reached':
      return end(record, { ...normal, releaseCode: RELEASE.maxDuration }, at, byeBoth(31))
    case 'last-minute': {
      if (decision.lastMinVoice === undefined) return ignore(state)
      const last: TalkTone = { to: 'both', tone: decision.lastMinVoice }
      return {
        state: { ...state, tones: [...tones, last] },
        effects: tones.length === 0 ? [{ do: 'play', ...last }] : [],
      }
    }
    case 'announced': {
      if (tones.length === 0) return ignore(state)
      const [, ...waiting] = tones
      return {
        state: { ...state, tones: waiting },
        effects: waiting[0] === undefined ? [] : [{ do: 'play', ...waiting[0] }],
      }
    }
    case 'terminate':
      return end(record, { ...normal, releaseCode: input.releaseCode }, at, byeBoth(31))
    case 'fault':
      return end(record, { ...normal, releaseCode: input.releaseCode }, at, byeBoth(41))
    case 'routed':
    case 'digits-wrong':
    case 'caller-open':
    case 'digit':
    case 'digits-timeout':
    case 'media-ready':
    case 'callee-progress':
    case 'callee-answered':
    case 'connected':
    case 'callee-failed':
    case 'setup-timeout':
    case 'connect-timeout':
    case 'stored':
    case 'store-timeout':
      return ignore(state)
    default:
      return input satisfies never
  }
}

/** The legs are gone and the customer knows; what is owed is the CDR, with the recording if it can be kept in time. */
export function stepStoring(state: Extract<CallState, { kind: 'storing' }>, input: CallInput): Step {
  switch (input.kind) {
    case 'stored':
    case 'store-timeout': {
      const record = afterStoring(state.record, input.kind === 'stored' && input.kept)
      return {
        state: { kind: 'ended', record },
        effects: [{ do: 'tell', event: 'recorded', record }, { do: 'release' }],
      }
    }
    case 'routed':
    case 'digits-wrong':
    case 'caller-open':
    case 'digit':
    case 'digits-timeout':
    case 'media-ready':
    case 'announced':
    case 'callee-progress':
    case 'callee-answered':
    case 'connected':
    case 'callee-failed':
    case 'caller-gone':
    case 'callee-gone':
    case 'setup-timeout':
    case 'connect-timeout':
    case 'limit-reached':
    case 'last-minute':
    case 'media-silent':
    case 'terminate':
    case 'fault':
      return ignore(state)
    default:
      return input satisfies never
  }
}
