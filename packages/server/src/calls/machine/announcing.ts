import type { EpochMs } from '../../shared/time.ts'
import { callerAnswerOf } from '../release-map.ts'
import { dismiss, end, refusalEnding } from './endings.ts'
import { type AnnouncingState, type CallInput, ignore, type Step } from './states.ts'

/** A refused caller hears why. The announcement is a courtesy: its failure changes nothing. */
export function stepAnnouncing(state: AnnouncingState, input: CallInput, at: EpochMs): Step {
  const { record, refusal, caller } = state
  const { callerReason } = callerAnswerOf(refusal.releaseCode)
  switch (input.kind) {
    case 'announced':
    case 'setup-timeout':
    case 'fault':
    case 'media-silent':
      return end(record, refusalEnding(refusal), at, [dismiss(caller, refusal.sipStatus, callerReason)])
    // The refusal stays the reason, however early the caller tired of hearing it.
    case 'caller-gone':
      return end(record, refusalEnding(refusal), at, [])
    case 'terminate':
      return end(record, { releaseCode: input.releaseCode, q850: 0, sipStatus: refusal.sipStatus }, at, [
        dismiss(caller, refusal.sipStatus, callerReason),
      ])
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
