import type { RouteDecision } from '../../bindings/route.ts'
import type { EpochMs } from '../../shared/time.ts'
import type { CallRecord } from '../call-record.ts'
import { askAttempt, openForDigits } from './collecting.ts'
import { dismiss, end, GONE_BEFORE_FORWARDING, refuse, RELEASE, withSubject } from './endings.ts'
import {
  type CallEffect,
  type CallerLeg,
  type CallInput,
  type CallState,
  ignore,
  SETUP_LIMIT_MS,
  type Step,
} from './states.ts'

/** Starts what was decided, with a caller whose leg is as far as `caller`; `record` knows whose call it is. */
export function follow(
  record: CallRecord,
  caller: CallerLeg,
  decision: RouteDecision,
  at: EpochMs,
  before: readonly CallEffect[],
): Step {
  switch (decision.kind) {
    case 'connect': {
      const early = caller === 'waiting' && decision.waitingTone !== undefined
      return {
        state: { kind: 'preparing', record, decision, caller },
        effects: [
          ...before,
          { do: 'arm', timer: 'setup', delayMs: SETUP_LIMIT_MS },
          { do: 'prepare', callee: decision.callee, early },
        ],
      }
    }
    case 'refuse':
      return refuse(record, caller, decision, at, before)
    case 'collect':
      return caller === 'waiting'
        ? openForDigits(record, decision, before)
        : askAttempt({ record, asked: decision, caller }, 1, decision.prompt, before)
    case 'ask':
      return {
        state: { kind: 'asking', record },
        effects: [
          ...before,
          // The exchange has a limit of its own; this one only stands behind it.
          { do: 'arm', timer: 'setup', delayMs: decision.timeoutMs + SETUP_LIMIT_MS },
          { do: 'ask', asked: decision },
        ],
      }
    default:
      return decision satisfies never
  }
}

export function stepArrived(
  state: Extract<CallState, { kind: 'arrived' }>,
  input: CallInput,
  at: EpochMs,
): Step {
  switch (input.kind) {
    case 'routed': {
      const record = withSubject(state.record, input.decision.subject)
      const callin: CallEffect = { do: 'tell', event: 'callin', record }
      return state.abandoned
        ? end(record, GONE_BEFORE_FORWARDING, at, [callin])
        : follow(record, 'waiting', input.decision, at, [callin])
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
    case 'callee-gone':
    case 'setup-timeout':
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

/** The customer decides, and the caller hears nothing: a ring-back would promise a callee. */
export function stepAsking(
  state: Extract<CallState, { kind: 'asking' }>,
  input: CallInput,
  at: EpochMs,
): Step {
  const { record } = state
  switch (input.kind) {
    case 'routed':
      return follow(withSubject(record, input.decision.subject), 'waiting', input.decision, at, [])
    case 'caller-gone':
      return end(record, GONE_BEFORE_FORWARDING, at, [])
    case 'terminate':
      return end(record, { releaseCode: input.releaseCode, q850: 0, sipStatus: 480 }, at, [
        dismiss('waiting', 480, 0),
      ])
    case 'fault':
      return end(record, { releaseCode: input.releaseCode, q850: 0, sipStatus: input.statusToCaller }, at, [
        dismiss('waiting', input.statusToCaller, 0),
      ])
    case 'setup-timeout':
      return end(record, { releaseCode: RELEASE.internal, q850: 0, sipStatus: 500 }, at, [
        dismiss('waiting', 500, 0),
      ])
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
