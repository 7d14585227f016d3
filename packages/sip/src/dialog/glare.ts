/** Retries after glare that a peer gets before its 491 is final. */
export const MAX_GLARES = 5

/** RFC 3261 §14.1, RFC 3311 §5.3: 2.1–4 s for the owner of the Call-ID, 0–2 s for the other, in steps of 10 ms. */
export function glareWaitMs(ownsCallId: boolean): number {
  const steps = ownsCallId ? 210 + Math.floor(Math.random() * 191) : Math.floor(Math.random() * 201)
  return steps * 10
}

/** Retry-After of a 500 to an offer that crosses another, seconds: 0–10 by chance (RFC 3261 §14.2, RFC 3311 §5.2). */
export function retryAfter(): readonly string[] {
  return ['Retry-After', String(Math.floor(Math.random() * 11))]
}
