import type { CallSubject, Refuse } from '../../bindings/route.ts'
import type { EpochMs } from '../../shared/time.ts'
import type { CallRecord } from '../call-record.ts'
import { callerAnswerOf } from '../release-map.ts'
import {
  ANNOUNCEMENT_LIMIT_MS,
  type CallEffect,
  type CallerLeg,
  type Ending,
  type Step,
  STORE_LIMIT_MS,
} from './states.ts'

/** Release codes that the machine decides by itself (spec/codes.md section 2); failures have release-map.ts. */
export const RELEASE = {
  normal: 0,
  noPorts: 522,
  callerGoneBeforeForwarding: 7516,
  collectFailed: 8008,
  maxDuration: 8010,
  stopped: 8017,
  internal: 8020,
} as const

export const GONE_BEFORE_FORWARDING: Ending = {
  releaseCode: RELEASE.callerGoneBeforeForwarding,
  q850: 0,
  sipStatus: 487,
}

/**
 * The one place that closes a call: fixes the ending, tells it, releases. A call that was recorded waits for its file
 * before it is released; its CDR waits with it.
 */
export function end(record: CallRecord, ending: Ending, at: EpochMs, before: readonly CallEffect[]): Step {
  const { releaseCode, q850, sipStatus } = ending
  const ended: CallRecord = { ...record, end: { at, releaseCode, q850, sipStatus } }
  const told: CallEffect = { do: 'tell', event: 'disconnect', record: ended }
  const ref = ended.recordingPending
  if (ref === undefined)
    return { state: { kind: 'ended', record: ended }, effects: [...before, told, { do: 'release' }] }
  return {
    state: { kind: 'storing', record: ended },
    effects: [
      ...before,
      told,
      { do: 'store', record: ended, ref },
      { do: 'arm', timer: 'store', delayMs: STORE_LIMIT_MS },
    ],
  }
}

/** What ends the caller's leg: a final status while it has none, BYE with the cause afterwards (codes.md section 5). */
export function dismiss(caller: CallerLeg, status: number, q850: number): CallEffect {
  return caller === 'up' ? { do: 'bye-caller', q850 } : { do: 'reject-caller', status, q850 }
}

/** The same before the callee was tried: without media of ours the status says enough. */
export function turnAway(caller: CallerLeg, status: number, q850: number): CallEffect {
  return dismiss(caller, status, caller === 'waiting' ? 0 : q850)
}

/** A refusal with its tone first, where it has one. */
export function refuse(
  record: CallRecord,
  caller: CallerLeg,
  refusal: Refuse,
  at: EpochMs,
  before: readonly CallEffect[],
): Step {
  const { tone, sipStatus, releaseCode } = refusal
  if (tone === undefined) {
    const { callerReason } = callerAnswerOf(releaseCode)
    return end(record, refusalEnding(refusal), at, [...before, turnAway(caller, sipStatus, callerReason)])
  }
  return {
    state: { kind: 'announcing', record, refusal, caller },
    effects: [
      ...before,
      { do: 'arm', timer: 'setup', delayMs: ANNOUNCEMENT_LIMIT_MS },
      { do: 'announce', tone },
    ],
  }
}

export const refusalEnding = ({ releaseCode, sipStatus }: Refuse): Ending => ({
  releaseCode,
  q850: 0,
  sipStatus,
})

/** The record of a call whose recording was stored, or is not to be had. */
export function afterStoring(record: CallRecord, kept: boolean): CallRecord {
  const { recordingPending, ...rest } = record
  return kept && recordingPending !== undefined ? { ...rest, recording: recordingPending } : rest
}

/** The end of a call whose node died: the record as the journal had it (docs/teardown.md). */
export function endAfterCrash(record: CallRecord, at: EpochMs): CallRecord {
  const { forward } = record
  const answered = forward?.answerAt !== undefined
  return {
    ...record,
    end: {
      at,
      releaseCode: RELEASE.internal,
      q850: forward !== undefined && !answered ? 41 : 0,
      sipStatus: answered ? 0 : 500,
    },
  }
}

/** What the decision knows of whose call it is. */
export function withSubject(record: CallRecord, subject: CallSubject): CallRecord {
  return {
    ...record,
    appKey: subject.app?.key,
    spId: subject.app?.spId,
    direction: subject.direction,
    serviceType: subject.serviceType,
    ...(subject.subscriptionId !== undefined && { subscriptionId: subject.subscriptionId }),
    ...(subject.userData !== undefined && { userData: subject.userData }),
    ...(subject.extension !== undefined && { extension: subject.extension }),
  }
}
