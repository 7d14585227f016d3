import type { EpochMs } from '../shared/time.ts'
import type { CallRecord } from './call-record.ts'
import { stepAnnouncing } from './machine/announcing.ts'
import { stepCollecting } from './machine/collecting.ts'
import { stepArrived, stepAsking } from './machine/deciding.ts'
import { stepForwarding, stepPreparing } from './machine/forwarding.ts'
import { stepLookingUp } from './machine/looking-up.ts'
import { type CallInput, type CallPolicy, type CallState, ignore, type Step } from './machine/states.ts'
import { stepStoring, stepTalking } from './machine/talking.ts'

/** Starts a call: nothing is told before it is known whose it is. */
export function arrive(record: CallRecord): CallState {
  return { kind: 'arrived', record, abandoned: false }
}

/** One input in, next state and effects out. Inputs that mean nothing in a state are written cases. */
export function step(state: CallState, input: CallInput, at: EpochMs, policy: CallPolicy): Step {
  switch (state.kind) {
    case 'arrived':
      return stepArrived(state, input, at)
    case 'asking':
      return stepAsking(state, input, at)
    case 'collecting':
      return stepCollecting(state, input, at)
    case 'looking-up':
      return stepLookingUp(state, input, at)
    case 'announcing':
      return stepAnnouncing(state, input, at)
    case 'preparing':
      return stepPreparing(state, input, at, policy)
    case 'dialling':
    case 'ringing':
      return stepForwarding(state, input, at)
    case 'talking':
      return stepTalking(state, input, at)
    case 'storing':
      return stepStoring(state, input)
    case 'ended':
      return ignore(state)
    default:
      return state satisfies never
  }
}
