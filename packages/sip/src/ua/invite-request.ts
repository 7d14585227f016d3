import { allowOf } from '../core/allow.ts'
import { buildRequest, contactOf, isSips } from '../core/core.ts'
import type { Core, Face } from '../core/core.ts'
import { LEAST_INTERVAL_SEC } from '../core/session-interval.ts'
import type { SessionLimits } from '../core/session-interval.ts'
import type { ClientCallHandlers, InviteOptions } from '../core/types.ts'
import type { SipRequest } from '../message/message.ts'

/** By `InviteOptions.reliability`. 199 too: it costs nothing to be told that a fork has ended (RFC 6228 §4). */
const SUPPORTED = {
  none: 'timer, 199',
  supported: '100rel, timer, 199',
  required: '100rel, timer, 199',
} as const

/** What differs between the INVITEs of one call. */
export type InviteParts = {
  readonly callId: string
  /** With our tag. */
  readonly from: string
  readonly seq: number
  /** Flat; where a challenge was answered, or is foreseen. */
  readonly authorization: readonly string[] | undefined
  /** What is asked of the session timer. */
  readonly limits: SessionLimits
}

/** The INVITE of a call of ours, with all that the stack writes. */
export function inviteRequest(
  core: Core,
  face: Face,
  branch: string,
  options: InviteOptions,
  handlers: ClientCallHandlers,
  { callId, from, seq, authorization, limits }: InviteParts,
): SipRequest {
  const { uri, to, contactUser, maxForwards, reliability = 'supported' } = options
  const extra = authorization === undefined ? [] : [...authorization]
  if (limits.expiresSec > 0) extra.push('Session-Expires', String(limits.expiresSec))
  if (limits.minSec > LEAST_INTERVAL_SEC) extra.push('Min-SE', String(limits.minSec))
  if (reliability === 'required') extra.push('Require', '100rel')
  return buildRequest(core, face, branch, {
    method: 'INVITE',
    uri,
    from,
    to,
    callId,
    seq,
    contact: contactOf(face, contactUser, isSips(uri)),
    allow: allowOf(handlers),
    supported: SUPPORTED[reliability],
    maxForwards,
    extra,
    options,
  })
}
