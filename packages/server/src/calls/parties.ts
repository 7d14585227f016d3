import { allHeaders, header, parseNameAddr, parseUri, type SipRequest, unescapeUser } from '@maskline/sip'
import { type E164, normaliseDialled } from '../shared/e164.ts'

/** The number dialled: user part of the Request-URI; `undefined` when it cannot be a number. */
export function dialledNumber(invite: SipRequest, countryCode: string): E164 | undefined {
  return numberOfUri(invite.uri, countryCode)
}

/**
 * The caller of an INVITE from a trusted trunk: P-Asserted-Identity (RFC 3325) before From. `undefined` where neither has
 * a number. Who withholds it is named here all the same: see `isWithheld`.
 */
export function callerNumber(invite: SipRequest, countryCode: string): E164 | undefined {
  return (
    numberOfHeader(header(invite, 'P-Asserted-Identity'), countryCode) ??
    numberOfHeader(header(invite, 'From'), countryCode)
  )
}

/** Words of Privacy that hide who calls (RFC 3323 §4.2, RFC 3325 §9.3); `session` and `critical` do not. */
const HIDES_CALLER = new Set(['id', 'user', 'header'])

/** Whether the caller asks that the callee shall not learn his number: by Privacy, or by an anonymous From (RFC 3323 §4.1). */
export function isWithheld(invite: SipRequest): boolean {
  const words = allHeaders(invite, 'Privacy').flatMap((line) => line.toLowerCase().split(/[;,\s]+/))
  return words.some((word) => HIDES_CALLER.has(word)) || isAnonymous(header(invite, 'From'))
}

function isAnonymous(from: string | undefined): boolean {
  const uri = parseUri(parseNameAddr(from ?? '')?.uri ?? '')
  return uri?.user?.toLowerCase() === 'anonymous' || uri?.host.toLowerCase() === 'anonymous.invalid'
}

function numberOfHeader(value: string | undefined, countryCode: string): E164 | undefined {
  if (value === undefined) return undefined
  const address = parseNameAddr(value)
  return address && numberOfUri(address.uri, countryCode)
}

function numberOfUri(text: string, countryCode: string): E164 | undefined {
  const user = parseUri(text)?.user
  if (user === undefined) return undefined
  // `+8613…;phone-context=…` and `13…%23`: what follows the digits is no part of the number.
  const digits = /^[+\d\-.() ]+/.exec(unescapeUser(user))?.[0]
  return digits === undefined ? undefined : normaliseDialled(digits, countryCode)
}
