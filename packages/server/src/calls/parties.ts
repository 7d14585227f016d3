import { header, parseNameAddr, parseUri, type SipRequest, unescapeUser } from '@maskline/sip'
import { type E164, normaliseDialled } from '../shared/e164.ts'

/** The number dialled: user part of the Request-URI; `undefined` when it cannot be a number. */
export function dialledNumber(invite: SipRequest, countryCode: string): E164 | undefined {
  return numberOfUri(invite.uri, countryCode)
}

/**
 * The caller of an INVITE from a trusted trunk: P-Asserted-Identity (RFC 3325) before From. `undefined` for a caller
 * who withheld the number (RFC 3323: anonymous, or a user part that is no number).
 */
export function callerNumber(invite: SipRequest, countryCode: string): E164 | undefined {
  return (
    numberOfHeader(header(invite, 'P-Asserted-Identity'), countryCode) ??
    numberOfHeader(header(invite, 'From'), countryCode)
  )
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
