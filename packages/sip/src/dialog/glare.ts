import type { SipResponse } from '../message/message.ts'

/** What a re-INVITE or UPDATE of ours asks of its dialog at each try. */
export type OffererOwner = {
  /** An offer, or an INVITE of the peer, is open in this dialog: an offer of ours must wait (RFC 3261 §14.1, RFC 3311 §5.1). */
  readonly mustWait: boolean
  /** Flat headers of a session refresh (RFC 4028 §7.4). */
  refreshHeaders(): readonly string[] | undefined
  /** Takes the Min-SE of a 422; whether to ask again. */
  raiseInterval(response: SipResponse): boolean
}

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
