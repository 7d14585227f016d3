import { MediaError } from '@maskline/media'
import { RELEASE } from './machine/endings.ts'
import type { CallInput } from './machine/states.ts'
import { callerAnswerOf } from './release-map.ts'

export const INTERNAL_FAULT: CallInput = {
  kind: 'fault',
  releaseCode: RELEASE.internal,
  statusToCaller: 500,
}

const OF_MEDIA: Readonly<Record<string, { releaseCode: number; statusToCaller: number }>> = {
  NO_PORTS: { releaseCode: 522, statusToCaller: 503 },
  ENGINE_DOWN: { releaseCode: 522, statusToCaller: 503 },
  BAD_SDP: { releaseCode: 8020, statusToCaller: 488 },
  NO_COMMON_CODEC: { releaseCode: 8020, statusToCaller: 488 },
}

/** What a failure of media work means for the call; undefined: it is an internal fault. */
export function faultOfMedia(error: unknown): CallInput | undefined {
  const fault = error instanceof MediaError ? OF_MEDIA[error.code] : undefined
  return fault && { kind: 'fault', ...fault }
}

/** Nobody leads to the callee, or (`full`) whoever does has no channel left: the same call may succeed later. */
export function noWayFault(full: boolean): CallInput {
  const releaseCode = full ? RELEASE.noPorts : 8103
  return { kind: 'fault', releaseCode, statusToCaller: callerAnswerOf(releaseCode).sipStatusToCaller }
}
