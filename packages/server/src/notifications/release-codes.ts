/**
 * Release codes (通话挂机原因值) with their English texts: `stateCode` and `stateDesc` of a disconnect event
 * (spec/codes.md sections 2 and 2.9). Codes without an own text there share `Call failed.`
 */
const STATE_TEXTS: ReadonlyMap<number, string> = new Map([
  [0, 'The user releases the call.'],
  [7501, 'The caller releases the call before ringing.'],
  [7502, 'The caller releases the call after ringing.'],
  [7503, 'The callee rejects the call.'],
  [7504, 'The call is rejected.'],
  [7516, 'The caller releases the call before forwarding.'],
  [8010, 'The maximum call duration is reached.'],
  [8013, 'Invalid AX call.'],
  [8014, 'Invalid AXB call.'],
  [8016, 'The call direction is not allowed.'],
  [8017, 'The call is released by the application.'],
  [8018, 'No service permission.'],
  [8019, 'The callback record does not exist.'],
  [8022, 'The binding does not exist or has expired.'],
  [8025, 'The called virtual number does not exist.'],
  [8030, 'The AXYB binding does not exist.'],
  [8031, 'Failed to allocate a Y number.'],
  [8032, 'The user calls its own virtual number.'],
  [8033, 'The extension number is empty.'],
  [8035, 'The call connection times out.'],
  [8100, 'The callee number does not exist.'],
  [8101, 'The callee does not answer.'],
  [8102, 'The callee is busy.'],
  [8103, 'The callee cannot be reached.'],
  [8104, 'The callee is powered off.'],
  [8105, 'The callee is out of service.'],
])

/** English sentence for a release code, as `stateDesc` carries it. */
export function stateDesc(releaseCode: number): string {
  return STATE_TEXTS.get(releaseCode) ?? 'Call failed.'
}

/** Codes that tell why a call was never answered; one of them on an answered call contradicts itself. */
const UNANSWERED_ONLY: ReadonlySet<number> = new Set([
  7501, 7502, 7503, 7504, 7516, 8035, 8100, 8101, 8102, 8103, 8104, 8105,
])

export function isUnansweredOnly(releaseCode: number): boolean {
  return UNANSWERED_ONLY.has(releaseCode)
}
