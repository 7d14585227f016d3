import { header, headerValues } from '../message/headers.ts'
import type { SipResponse } from '../message/message.ts'
import { parseNameAddr } from '../message/name-addr.ts'
import type { NameAddr } from '../message/name-addr.ts'
import { REASON_PHRASES } from '../message/reason-phrases.ts'
import { retryAfterMs } from '../message/retry-after.ts'
import { parseUri, sipUriEquals } from '../message/uri.ts'

/** What a REGISTER asked for. */
export type Asked = {
  readonly expiresSec: number
  /** Our Contact as it was sent; undefined: the request did not go out. */
  readonly contact: string | undefined
  readonly isOutbound: boolean
}

/** What the answer to a REGISTER means (RFC 3261 §10.2.4, §10.2.7, §10.2.8). */
export type Outcome =
  | { readonly kind: 'granted'; readonly expiresSec: number }
  /** The same at once, but for longer (423), or without outbound (439). */
  | { readonly kind: 'again'; readonly expiresSec: number; readonly isOutbound: boolean }
  /** `isRefusal`: the registrar has spoken, and would say the same again soon. `why` is for people. */
  | {
      readonly kind: 'failed'
      readonly why: string
      readonly isRefusal: boolean
      readonly retryAfterMs: number | undefined
    }

/** Longer than any registrar asks for: a week. */
const LONGEST_SEC = 604_800
/** Refusals that pass: too busy, not now, glare. */
const PASSING: readonly number[] = [408, 480, 486, 491]

export function outcomeOf(response: SipResponse, asked: Asked): Outcome {
  const { status } = response
  if (status < 300) {
    const expiresSec = Math.min(grantedSec(response, asked), LONGEST_SEC)
    if (expiresSec > 0) return { kind: 'granted', expiresSec }
    return failed(response, 'the registrar kept no contact of ours', true)
  }
  if (status === 423) {
    const least = secondsOf(header(response, 'Min-Expires')) ?? 0
    if (least > asked.expiresSec && least <= LONGEST_SEC)
      return { kind: 'again', expiresSec: least, isOutbound: asked.isOutbound }
  }
  // RFC 5626 §11.6: the first hop does not know outbound.
  if (status === 439 && asked.isOutbound)
    return { kind: 'again', expiresSec: asked.expiresSec, isOutbound: false }
  if (isLocal(response)) {
    const why = status === 408 ? 'the registrar did not answer' : 'the registrar cannot be reached'
    return failed(response, why, false)
  }
  return failed(
    response,
    // The peer's own phrase might hold anything.
    `${status} ${REASON_PHRASES[status] ?? ''}`.trimEnd(),
    (status < 500 || status >= 600) && !PASSING.includes(status),
  )
}

/** What the stack says in place of a peer has no headers. */
export const isLocal = (response: SipResponse): boolean => response.headers.length === 0

function failed(response: SipResponse, why: string, isRefusal: boolean): Outcome {
  return { kind: 'failed', why, isRefusal, retryAfterMs: retryAfterMs(response) }
}

/**
 * Milliseconds until the refresh: by chance within the last fifth of the time, so that phones do not come all at once (as RFC 5626
 * §4.4.1 has it for keep-alives), but early enough for a time-out and another try.
 */
export function refreshDelayMs(expiresSec: number, chance: number): number {
  const grantedMs = expiresSec * 1000
  const latestMs = grantedMs - Math.min(MARGIN_MS, grantedMs / 4)
  return Math.max(1000, latestMs * (0.8 + 0.2 * chance))
}

/** A peer that wants to be pinged all the time is pinged so often. */
const LEAST_FLOW_TIMER_SEC = 5

/**
 * Milliseconds of silence after which a flow is pinged: by chance within the last fifth of what the registrar's Flow-Timer says
 * (RFC 5626 §4.4.1); undefined: it says nothing.
 */
export function pingAfterMs(response: SipResponse, chance: number): number | undefined {
  const seconds = secondsOf(header(response, 'Flow-Timer'))
  if (seconds === undefined || seconds === 0) return undefined
  return Math.max(seconds, LEAST_FLOW_TIMER_SEC) * 1000 * (0.8 + 0.2 * chance)
}

/** Timer F, and a moment. */
const MARGIN_MS = 35_000

/** RFC 5626 §4.5. */
const BASE_MS = 30_000
const LONGEST_WAIT_MS = 1_800_000

/** Milliseconds until the next try after so many failures in a row: 30 s doubled each time, half an hour at most, half of it by chance. */
export function backOffMs(failures: number, chance: number): number {
  return Math.min(LONGEST_WAIT_MS, BASE_MS * 2 ** (failures - 1)) * (0.5 + 0.5 * chance)
}

/** A server that starts again loses the flows of all its phones at once: each waits a moment of its own. */
const LONGEST_FLOW_WAIT_MS = 5_000

/** A flow that lasted so long was a good one. */
export const STABLE_FLOW_MS = 120_000

/**
 * Milliseconds from the loss of a flow to the next REGISTER: soon, for no call comes meanwhile, and later after so many in a row
 * that did not last (RFC 5626 §4.5).
 */
export function flowDelayMs(losses: number, chance: number): number {
  return losses <= 1 ? 100 + LONGEST_FLOW_WAIT_MS * chance : backOffMs(losses - 1, chance)
}

/** A refusal is not asked about again soon: passwords that are wrong get accounts locked. */
export function retryDelayMs(
  outcome: Outcome & { kind: 'failed' },
  failures: number,
  chance: number,
): number {
  const own = outcome.isRefusal ? LONGEST_WAIT_MS * (0.5 + 0.5 * chance) : backOffMs(failures, chance)
  const asked = outcome.retryAfterMs
  if (asked === undefined || asked === 0) return own
  // What the registrar asks for counts, with some chance on top: it asks others for the same.
  return Math.min(asked, LONGEST_SEC * 1000) + Math.min(own, BASE_MS) * chance
}

/** Seconds that our contact is good (RFC 3261 §10.2.4): its own `expires`, else Expires, else what was asked for. */
function grantedSec(response: SipResponse, { contact, expiresSec }: Asked): number {
  const bound = headerValues(response, 'Contact').flatMap((value) => parseNameAddr(value) ?? [])
  const ours = parseNameAddr(contact ?? '')
  const mine = ours === undefined ? undefined : oursAmong(bound, ours)
  // With other contacts and none that could be ours, it was not taken.
  if (mine === undefined && bound.length > 1) return 0
  return secondsOf(mine?.params['expires']) ?? secondsOf(header(response, 'Expires')) ?? expiresSec
}

/** A registrar before a NAT may write our address as it sees it: then the user tells, and a single one is ours in any case. */
function oursAmong(bound: readonly NameAddr[], ours: NameAddr): NameAddr | undefined {
  const uri = parseUri(ours.uri)
  if (uri === undefined) return undefined
  const uris = bound.map((one) => parseUri(one.uri))
  const exact = uris.findIndex((one) => one !== undefined && sipUriEquals(one, uri))
  const byUser = uris.findLastIndex((one) => one?.user !== undefined && one.user === uri.user)
  return bound[exact] ?? bound[byUser] ?? (bound.length === 1 ? bound[0] : undefined)
}

/** RFC 3261 §20.19: what cannot be read counts as not said. */
function secondsOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text.trim()) ? Number(text) : undefined
}
