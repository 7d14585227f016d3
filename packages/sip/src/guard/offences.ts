import type { Offence } from './ban-list.ts'

/** Points that ban, when they come together in `POINTS_WINDOW_MS`. */
export const POINTS_LIMIT = 100
export const POINTS_WINDOW_MS = 60_000

/** Points of each offence. */
export const POINTS: Readonly<Record<Offence, number>> = {
  /** It says so itself. */
  scanner: POINTS_LIMIT,
  /** A wrong password, or a user that there is not. */
  digest: 10,
  /** An INVITE refused with 403 or 404. */
  dialling: 10,
  /** A request that breaks the grammar. */
  malformed: 10,
  /** Bytes that are no SIP; a STUN keep-alive is one of them, every half minute. */
  noise: 1,
  /** A request for a dialog that there is not: 481. */
  stray: 2,
  /** Asked for credentials; every phone is, once. */
  challenged: 2,
}

/** What a refusal says about who was refused. */
export function offenceOf(status: number): Offence | undefined {
  switch (status) {
    case 401:
    case 407:
      return 'challenged'
    case 403:
    case 404:
      return 'dialling'
    case 481:
      return 'stray'
    default:
      return undefined
  }
}

/**
 * User-Agents of tools that look for open servers and weak passwords, as their authors wrote them. A tool that hides gets the
 * points of what it does.
 */
const SCANNERS =
  /friendly-(?:scanner|request)|sip-?vicious|sipcli|sip-?scan|sundayddr|vax(?:sip|ip)useragent|pplsip|sivus|siparmyknife|warvox|\b(?:iwar|smap|gulp)\b/i

export const isScanner = (userAgent: string): boolean => SCANNERS.test(userAgent)
