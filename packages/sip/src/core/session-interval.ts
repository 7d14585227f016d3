import { header } from '../message/headers.ts'
import type { SipMessage, SipRequest } from '../message/message.ts'
import { REQUIRES_TIMER, SUPPORTS_TIMER, featuresOf } from './features.ts'
import type { Features } from './features.ts'

/** RFC 4028 §4: no interval is shorter, seconds. */
export const LEAST_INTERVAL_SEC = 90
/** No interval that fits a timer is longer than this, seconds: some 24 days. */
const GREATEST_INTERVAL_SEC = 2_000_000

/** Times that one request asks again for the longer interval that a 422 wants. */
export const MAX_RAISES = 5

/** What we ask for and agree to, seconds; `expiresSec` 0: we ask for no session timer. */
export type SessionLimits = { readonly expiresSec: number; readonly minSec: number }

/** Who of the two sides of a request sends the next refresh. */
export type Refresher = 'uac' | 'uas'

export type SessionExpires = { readonly expiresSec: number; readonly refresher: Refresher | undefined }

/** What a UAS puts into its 2xx; `requires`: with `Require: timer` (RFC 4028 §9). */
export type Agreement = {
  readonly expiresSec: number
  readonly refresher: Refresher
  readonly requires: boolean
}

/** The limits of a configuration, made to fit each other and the RFC. */
export function sessionLimits(expiresSec = 1800, minSec = LEAST_INTERVAL_SEC): SessionLimits {
  const min = Math.min(Math.max(minSec, LEAST_INTERVAL_SEC), GREATEST_INTERVAL_SEC)
  const expires = expiresSec === 0 ? 0 : Math.min(Math.max(expiresSec, min), GREATEST_INTERVAL_SEC)
  return { expiresSec: expires, minSec: min }
}

/** Session-Expires of a message (RFC 4028 §4): `1800;refresher=uac`; undefined when it has none that can be read. */
export function sessionExpiresOf(message: SipMessage): SessionExpires | undefined {
  const text = header(message, 'Session-Expires')
  const expiresSec = text === undefined ? undefined : secondsOf(text)
  if (text === undefined || expiresSec === undefined) return undefined
  const refresher = /;\s*refresher\s*=\s*(uac|uas)\b/i.exec(text)?.[1]?.toLowerCase()
  return { expiresSec, refresher: refresher === 'uac' || refresher === 'uas' ? refresher : undefined }
}

/** Min-SE of a message, seconds; 90 when it has none (RFC 4028 §5). */
export function minSecOf(message: SipMessage): number {
  const text = header(message, 'Min-SE')
  return Math.max((text === undefined ? undefined : secondsOf(text)) ?? 0, LEAST_INTERVAL_SEC)
}

/** Whether a request gets 422: its interval is below ours, and its sender would understand (RFC 4028 §9). */
export function isTooSmall(request: SipRequest, limits: SessionLimits): boolean {
  const asked = sessionExpiresOf(request)
  if (asked === undefined || asked.expiresSec >= limits.minSec) return false
  return (featuresOf(request) & (SUPPORTS_TIMER | REQUIRES_TIMER)) !== 0
}

/**
 * What a UAS agrees to (RFC 4028 §9, table 2): the shorter of both intervals, not below Min-SE and never above what was asked, not
 * even by a proxy of a caller that knows no timers and would not understand 422; the caller refreshes where it
 * can and did not say otherwise. Undefined: nobody asked for a timer, or it would be us who must refresh and cannot (`canRefresh`).
 */
export function agree(
  request: SipRequest,
  features: Features,
  limits: SessionLimits,
  canRefresh: boolean,
): Agreement | undefined {
  const asked = sessionExpiresOf(request)
  if (asked === undefined && limits.expiresSec === 0) return undefined
  const requires = (features & (SUPPORTS_TIMER | REQUIRES_TIMER)) !== 0
  const refresher = !requires ? 'uas' : (asked?.refresher ?? 'uac')
  // A caller that knows no timers sent none: a proxy did, and may end the call when nobody refreshes.
  if (!requires && asked === undefined && !canRefresh) return undefined
  const theirs = asked?.expiresSec ?? GREATEST_INTERVAL_SEC
  const ours = limits.expiresSec === 0 ? GREATEST_INTERVAL_SEC : limits.expiresSec
  const least = Math.max(minSecOf(request), limits.minSec)
  const wanted = Math.min(Math.max(Math.min(theirs, ours), least), theirs)
  const expiresSec = Math.max(wanted, LEAST_INTERVAL_SEC)
  return { expiresSec, refresher, requires }
}

/** The flat headers that say so in a 2xx. */
export function agreementHeaders({ expiresSec, refresher, requires }: Agreement): string[] {
  const headers = ['Session-Expires', `${expiresSec};refresher=${refresher}`]
  if (requires) headers.push('Require', 'timer')
  return headers
}

/** What is to be asked for after a 422 (RFC 4028 §7.3); undefined when it gives no reason to ask again. */
export function raised(limits: SessionLimits, refusal: SipMessage): SessionLimits | undefined {
  const minSec = minSecOf(refusal)
  if (minSec > GREATEST_INTERVAL_SEC || minSec <= limits.minSec) return undefined
  return { expiresSec: Math.max(limits.expiresSec, minSec), minSec }
}

/** Delta-seconds at the start of a value; what is too large for a timer becomes the largest that fits. */
function secondsOf(text: string): number | undefined {
  const digits = /^\s*(\d+)\s*(?:;|$)/.exec(text)?.[1]
  return digits === undefined ? undefined : Math.min(Number(digits), GREATEST_INTERVAL_SEC)
}
