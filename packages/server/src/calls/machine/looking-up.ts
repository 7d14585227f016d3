import type { EpochMs } from '../../shared/time.ts'
import { wrongAttempt } from './collecting.ts'
import { follow } from './deciding.ts'
import { dismiss, end, GONE_BEFORE_FORWARDING, RELEASE, withSubject } from './endings.ts'
import { type CallInput, ignore, type LookingUpState, type Step } from './states.ts'

/** The router looks up what the digits lead to; more digits are late, or the `#` of those who end with one. */
export function stepLookingUp(state: LookingUpState, input: CallInput, at: EpochMs): Step {
  const { record, caller } = state
  switch (input.kind) {
    case 'routed': {
      const { decision } = input
      const deaf = decision.kind === 'connect' ? [{ do: 'listen', on: false } as const] : []
      return follow(withSubject(record, decision.subject), caller, decision, at, deaf)
    }
    case 'digits-wrong':
      return wrongAttempt(state, at, [])
    case 'caller-gone':
      return end(record, GONE_BEFORE_FORWARDING, at, [])
    case 'terminate':
      return end(record, { releaseCode: input.releaseCode, q850: 0, sipStatus: 480 }, at, [
        dismiss(caller, 480, 31),
      ])
    case 'fault':
      return end(record, { releaseCode: input.releaseCode, q850: 0, sipStatus: input.statusToCaller }, at, [
        dismiss(caller, input.statusToCaller, 41),
      ])
    case 'setup-timeout':
      return end(record, { releaseCode: RELEASE.internal, q850: 0, sipStatus: 500 }, at, [
        dismiss(caller, 500, 41),
      ])
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
