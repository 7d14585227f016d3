import { header, type InviteOptions, type ServerCall, type SipRequest } from '@maskline/sip'
import type { E164 } from '../shared/e164.ts'
import type { Outbound } from './ports.ts'

/** The INVITE of the callee's leg, built from nothing: no header, address or SDP line of the caller is copied. */
export function calleeInvite(
  way: Outbound,
  display: E164,
  caller: Pick<ServerCall, 'request' | 'reliability'>,
  offer: Uint8Array,
  /** Whether another way is tried where this one says nothing at all. */
  hasOtherWays: boolean,
): InviteOptions {
  return {
    ...way.identity(display),
    uri: way.uri,
    to: `<${way.uri}>`,
    maxForwards: hopsLeft(caller.request),
    body: offer,
    // An offer in a reliable 1xx wants its answer in the PRACK: a caller without PRACK gets the callee's offer in the 200.
    ...(offer.length === 0 && caller.reliability === 'none' && { reliability: 'none' as const }),
    ...(way.hop && { hop: way.hop }),
    ...(way.answerWithinMs !== undefined && {
      silence: { limitMs: way.answerWithinMs, atLastHop: hasOtherWays },
    }),
    ...(way.credentials && { credentials: way.credentials }),
  }
}

/**
 * Max-Forwards of the callee's leg: one less than the caller's, so that a loop through trunks ends (RFC 3261 §16.6 step 3;
 * the stack has refused 0).
 */
function hopsLeft(invite: SipRequest): number {
  const received = Number(header(invite, 'Max-Forwards') ?? 70)
  return Math.max(0, Math.min(received, 70) - 1)
}
