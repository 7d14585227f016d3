import { allHeaders, header, parseNameAddr, parseUri, type SipRequest, unescapeUser } from '@maskline/sip'
import { type E164, normaliseDialled } from '../shared/e164.ts'
import type { Admission, NumberForm } from './ports.ts'

/** Who let the call in knows how its numbers are written. */
type LetIn = Exclude<Admission, { kind: 'refused' }>

/** The number dialled: user part of the Request-URI; `undefined` when it cannot be a number. */
export function dialledNumber(invite: SipRequest, countryCode: string, by?: LetIn): E164 | undefined {
  return numberOfUri(invite.uri, countryCode, by?.kind === 'trunk' ? by.callee : undefined)
}

/** P-Asserted-Identity is asserted by the carrier (RFC 3325); From is what the caller says. */
const CALLER_FROM: readonly string[] = ['P-Asserted-Identity', 'From']

/**
 * The caller of an INVITE: who a phone authenticated as; of a trunk the first of the headers it is trusted in that has a
 * number. Who withholds it is named here all the same: see `isWithheld`.
 */
export function callerNumber(invite: SipRequest, countryCode: string, by?: LetIn): E164 | undefined {
  if (by?.kind === 'phone') return by.number
  for (const name of by?.callerFrom ?? CALLER_FROM) {
    const number = numberOfHeader(header(invite, name), countryCode, by?.caller)
    if (number !== undefined) return number
  }
  return undefined
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

function numberOfHeader(
  value: string | undefined,
  countryCode: string,
  form: NumberForm | undefined,
): E164 | undefined {
  if (value === undefined) return undefined
  const address = parseNameAddr(value)
  return address && numberOfUri(address.uri, countryCode, form)
}

function numberOfUri(text: string, countryCode: string, form: NumberForm | undefined): E164 | undefined {
  const raw = parseUri(text)?.user
  if (raw === undefined) return undefined
  const user = unescapeUser(raw)
  // `+8613…;phone-context=…` and `13…#`: what follows the digits is no part of the number.
  const digits = /^[+\d\-.() ]+/.exec(form?.read?.(user) ?? user)?.[0]
  return digits === undefined ? undefined : normaliseDialled(digits, form?.countryCode ?? countryCode)
}
