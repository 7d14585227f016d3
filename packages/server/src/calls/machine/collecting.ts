import type { Collect } from '../../bindings/route.ts'
import type { EpochMs } from '../../shared/time.ts'
import type { CallRecord } from '../call-record.ts'
import { dismiss, end, GONE_BEFORE_FORWARDING, refuse, RELEASE, turnAway, withSubject } from './endings.ts'
import {
  ANNOUNCEMENT_LIMIT_MS,
  type CallEffect,
  type CallerLeg,
  type CallInput,
  type CollectingState,
  ignore,
  type LookingUpState,
  SETUP_LIMIT_MS,
  type Step,
} from './states.ts'

type Asked = { readonly record: CallRecord; readonly asked: Collect; readonly caller: CallerLeg }

/** The caller must be able to key digits before it is asked for them. */
export function openForDigits(record: CallRecord, asked: Collect, before: readonly CallEffect[]): Step {
  return {
    state: {
      kind: 'collecting',
      record,
      asked,
      caller: 'waiting',
      phase: 'opening',
      attempt: 1,
      digits: '',
    },
    effects: [...before, { do: 'arm', timer: 'setup', delayMs: SETUP_LIMIT_MS }, { do: 'open-caller' }],
  }
}

/** Asks, with `tone`, for the digits of the given attempt. */
export function askAttempt(
  { record, asked, caller }: Asked,
  attempt: number,
  tone: string,
  before: readonly CallEffect[],
): Step {
  return {
    state: { kind: 'collecting', record, asked, caller, phase: 'prompting', attempt, digits: '' },
    effects: [
      ...before,
      { do: 'arm', timer: 'setup', delayMs: ANNOUNCEMENT_LIMIT_MS },
      { do: 'play', to: 'caller', tone },
    ],
  }
}

/** Digits that lead nowhere: once more, or the end of the call (spec/announcements.md section 3.4). */
export function wrongAttempt(
  state: CollectingState | LookingUpState,
  at: EpochMs,
  before: readonly CallEffect[],
): Step {
  const { record, asked, caller, attempt } = state
  if (attempt < asked.attempts) return askAttempt(state, attempt + 1, asked.wrongTone ?? asked.prompt, before)
  return refuse(withSubject(record, asked.wrongEnd.subject), caller, asked.wrongEnd, at, before)
}

/** The caller is asked for digits (spec/axe.md section 7.1). */
export function stepCollecting(state: CollectingState, input: CallInput, at: EpochMs): Step {
  const { record, asked, caller, phase } = state
  switch (input.kind) {
    case 'caller-open': {
      if (phase !== 'opening') return ignore(state)
      const open: Asked = { record, asked, caller: input.answered ? 'up' : 'early' }
      return askAttempt(open, 1, asked.prompt, [{ do: 'listen', on: true }])
    }
    case 'setup-timeout':
      if (phase === 'opening') return collectFailed(state, 500, at)
      return listen(state)
    case 'announced':
      return listen(state)
    case 'digit':
      return takeDigit(state, input.digit, at)
    case 'digits-timeout':
      return phase === 'listening' ? finishAttempt(state, at, []) : ignore(state)
    case 'caller-gone':
      return end(record, GONE_BEFORE_FORWARDING, at, [])
    // A caller in early media need not send anything; one that was answered has left without a word.
    case 'media-silent':
      if (caller !== 'up') return ignore(state)
      return end(record, GONE_BEFORE_FORWARDING, at, [{ do: 'bye-caller', q850: 41 }])
    case 'terminate':
      return end(record, { releaseCode: input.releaseCode, q850: 0, sipStatus: 480 }, at, [
        turnAway(caller, 480, 31),
      ])
    case 'fault':
      if (input.releaseCode === RELEASE.internal) return collectFailed(state, input.statusToCaller, at)
      return end(record, { releaseCode: input.releaseCode, q850: 0, sipStatus: input.statusToCaller }, at, [
        turnAway(caller, input.statusToCaller, 41),
      ])
    case 'routed':
    case 'digits-wrong':
    case 'media-ready':
    case 'callee-progress':
    case 'callee-answered':
    case 'connected':
    case 'callee-failed':
    case 'callee-gone':
    case 'connect-timeout':
    case 'limit-reached':
    case 'last-minute':
    case 'stored':
    case 'store-timeout':
      return ignore(state)
    default:
      return input satisfies never
  }
}

/** The prompt is over: from now on the first digit is waited for. */
function listen(state: CollectingState): Step {
  if (state.phase !== 'prompting') return ignore(state)
  return {
    state: { ...state, phase: 'listening' },
    effects: [
      { do: 'disarm', timer: 'setup' },
      { do: 'arm', timer: 'digits', delayMs: state.asked.firstDigitMs },
    ],
  }
}

/**
 * The first digit cuts the prompt. `#` ends the attempt; during a prompt it is the end of the attempt before, which was
 * complete without it. `*` and `A`–`D` stand in no extension and are passed over.
 */
function takeDigit(state: CollectingState, digit: string, at: EpochMs): Step {
  const { asked, phase } = state
  if (phase === 'opening') return ignore(state)
  const prompting = phase === 'prompting'
  if (digit === '#') return prompting ? ignore(state) : finishAttempt(state, at, [])
  if (!/^\d$/.test(digit)) return ignore(state)
  const cut: CallEffect[] = prompting ? [{ do: 'disarm', timer: 'setup' }, { do: 'hush' }] : []
  const next: CollectingState = { ...state, phase: 'listening', digits: state.digits + digit }
  if (next.digits.length >= asked.length) return finishAttempt(next, at, cut)
  return { state: next, effects: [...cut, { do: 'arm', timer: 'digits', delayMs: asked.interDigitMs }] }
}

/** One attempt is over: complete, ended by `#`, or by time. Too few digits are wrong digits. */
function finishAttempt(state: CollectingState, at: EpochMs, cut: readonly CallEffect[]): Step {
  const { record, asked, caller, attempt, digits } = state
  const before: CallEffect[] = [...cut, { do: 'disarm', timer: 'digits' }]
  if (digits === '') {
    if (attempt < asked.attempts) return askAttempt(state, attempt + 1, asked.prompt, before)
    return refuse(withSubject(record, asked.emptyEnd.subject), caller, asked.emptyEnd, at, before)
  }
  before.push({ do: 'tell', event: 'collectInfo', record, digits })
  if (digits.length < asked.length) return wrongAttempt(state, at, before)
  return {
    state: { kind: 'looking-up', record, asked, caller, attempt, digits },
    effects: [
      ...before,
      { do: 'arm', timer: 'setup', delayMs: SETUP_LIMIT_MS },
      { do: 'look-up', asked, digits },
    ],
  }
}

/** The platform could not ask (8008). */
function collectFailed({ record, caller }: CollectingState, status: number, at: EpochMs): Step {
  return end(record, { releaseCode: RELEASE.collectFailed, q850: 0, sipStatus: status }, at, [
    caller === 'waiting' ? turnAway(caller, status, 0) : dismiss(caller, status, 41),
  ])
}
