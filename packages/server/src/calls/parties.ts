import {
  allHeaders,
  header,
  headerValues,
  type NameAddr,
  parseNameAddr,
  parseUri,
  type SipRequest,
  unescapeUser,
} from '@maskline/sip'
import { type E164, normaliseDialled } from '../shared/e164.ts'
import type { Admission, NumberForm } from './ports.ts'

/** Who let the call in knows how its numbers are written. */
type LetIn = Exclude<Admission, { kind: 'refused' }>

/**
 * The number dialled: user part of the Request-URI; `undefined` when it cannot be a number. A registrar puts our Contact there
 * (RFC 3261 §16.5): then P-Called-Party-ID tells which number of ours was called (RFC 7315 §4.2), or To, where it has none.
 */
export function dialledNumber(invite: SipRequest, countryCode: string, by?: LetIn): E164 | undefined {
  const { callee: form, contactUser } = by?.kind === 'trunk' ? by : {}
  const named = isUser(invite.uri, contactUser) ? CALLED_AT : []
  for (const name of named) {
    const number = numberOfUri(parseNameAddr(header(invite, name) ?? '')?.uri ?? '', countryCode, form)
    if (number !== undefined) return number
  }
  return numberOfUri(invite.uri, countryCode, form)
}

const CALLED_AT = ['P-Called-Party-ID', 'To'] as const

function isUser(uri: string, user: string | undefined): boolean {
  const given = user === undefined ? undefined : parseUri(uri)?.user
  return given !== undefined && unescapeUser(given) === user
}

/**
 * P-Asserted-Identity is asserted by the carrier (RFC 3325 §9.1); From is what the caller says. P-Preferred-Identity is what a
 * phone asks of its own proxy (§9.2), and Remote-Party-ID was never standardised: they count where a trunk names them.
 */
const CALLER_FROM: readonly string[] = ['P-Asserted-Identity', 'From']

/**
 * The caller of an INVITE: who a phone authenticated as; of a trunk the first of the headers it is trusted in that has a
 * number. Who withholds it is named here all the same: see `isWithheld`.
 */
export function callerNumber(invite: SipRequest, countryCode: string, by?: LetIn): E164 | undefined {
  if (by?.kind === 'phone') return by.number
  for (const name of by?.callerFrom ?? CALLER_FROM) {
    for (const { uri } of identities(invite, name)) {
      const number = numberOfUri(uri, countryCode, by?.caller)
      if (number !== undefined) return number
    }
  }
  return undefined
}

/** Words of Privacy that hide who calls (RFC 3323 §4.2, RFC 3325 §9.3); `session` and `critical` do not. */
const HIDES_CALLER = new Set(['id', 'user', 'header'])

/**
 * Whether the caller asks that the callee shall not learn his number: by Privacy, by an anonymous From (RFC 3323 §4.1), also when
 * Privacy says `none`, or by the Remote-Party-ID of a trunk that is trusted in it.
 */
export function isWithheld(invite: SipRequest, by?: LetIn): boolean {
  const words = allHeaders(invite, 'Privacy').flatMap((line) => line.toLowerCase().split(/[;,\s]+/))
  if (words.some((word) => HIDES_CALLER.has(word)) || isAnonymous(header(invite, 'From'))) return true
  if (by?.kind !== 'trunk' || by.callerFrom?.includes(REMOTE_PARTY_ID) !== true) return false
  return identities(invite, REMOTE_PARTY_ID).some(({ params }) => HIDES_PARTY.has(lower(params.privacy)))
}

const REMOTE_PARTY_ID = 'Remote-Party-ID'
/** `privacy` of a Remote-Party-ID (draft-ietf-sip-privacy-04 §5.2): the name alone is no number. */
const HIDES_PARTY: ReadonlySet<string> = new Set(['full', 'uri'])

/**
 * The identities in a header: P-Asserted-Identity has up to two, a sip and a tel URI, on one line or two (RFC 3325 §9.1);
 * Remote-Party-ID has one for each party, of which only the caller's count.
 */
function identities(invite: SipRequest, name: string): readonly NameAddr[] {
  const values = name === 'From' ? allHeaders(invite, name) : headerValues(invite, name)
  const read = values.map(parseNameAddr).filter((value) => value !== undefined)
  return name === REMOTE_PARTY_ID ? read.filter(({ params }) => lower(params.party) !== 'called') : read
}

const lower = (value: string | undefined): string => (value ?? '').toLowerCase()

function isAnonymous(from: string | undefined): boolean {
  const uri = parseUri(parseNameAddr(from ?? '')?.uri ?? '')
  return uri?.user?.toLowerCase() === 'anonymous' || uri?.host.toLowerCase() === 'anonymous.invalid'
}

function numberOfUri(text: string, countryCode: string, form: NumberForm | undefined): E164 | undefined {
  const uri = parseUri(text)
  if (uri?.user === undefined) return undefined
  const user = inContext(unescapeUser(uri.user), uri.params['phone-context'])
  // `+8613…;phone-context=…` and `13…#`: what follows the digits is no part of the number.
  const digits = /^[+\d\-.() ]+/.exec(form?.read?.(user) ?? user)?.[0]
  return digits === undefined ? undefined : normaliseDialled(digits, form?.countryCode ?? countryCode)
}

/** A local number in a context that is the beginning of global ones: `13…;phone-context=+86` (RFC 3966 §5.1.5). */
const inContext = (user: string, context: string | undefined): string =>
  !user.startsWith('+') && /^\+\d+$/.test(context ?? '') ? context + user : user
