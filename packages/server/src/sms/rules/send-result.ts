/** `sendResult` of a Notify by meaning (spec/sms.md section 4). */
export const SEND_RESULTS = {
  success: 0,
  accountFrozen: 1,
  noBinding: 2,
  xSuspended: 3,
  appNotCommercial: 4,
  internalError: 5,
  customerDiscarded: 6,
  reviewTimedOut: 7,
  blacklisted: 8,
  partlySent: 9,
  allFailed: 10,
  noSmsCapability: 11,
  requiredWordMissing: 12,
  forbiddenWord: 13,
} as const
export type SendResult = (typeof SEND_RESULTS)[keyof typeof SEND_RESULTS]

/** Results of a text that went to the carrier: what became of its segments. */
export function resultOfSegments(sent: number, of: number): SendResult {
  if (sent === 0) return SEND_RESULTS.allFailed
  return sent < of ? SEND_RESULTS.partlySent : SEND_RESULTS.success
}
