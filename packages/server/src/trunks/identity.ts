import { escapeUser, quoteDisplay } from '@maskline/sip'
import type { CallIdentity } from '../calls/ports.ts'
import type { IdentityPolicy } from '../config/config.ts'
import type { E164 } from '../shared/e164.ts'
import { bracketed } from './host.ts'

const ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>'

/**
 * What a callee's side is told of who calls, by the policy of the trunk: X in From and in the headers that carry an
 * identity (RFC 3325 §9.1 and §9.2, Remote-Party-ID of older peers), and what of it is to be hidden (RFC 3323 §4.2).
 */
export function identityWriter(
  policy: IdentityPolicy | undefined,
  write: (number: E164) => string,
  sipHost: string,
): (display: E164) => CallIdentity {
  const {
    from = 'number',
    headers = ['P-Asserted-Identity'],
    privacy,
    uri = 'sip',
    displayName,
  } = policy ?? {}
  const host = bracketed(policy?.domain ?? sipHost)
  const phone = policy?.userPhone === true ? ';user=phone' : ''
  const party = `;party=calling;screen=yes;privacy=${privacy === undefined || privacy === 'none' ? 'off' : 'full'}`
  return (display) => {
    const number = write(display)
    const user = escapeUser(number)
    const name =
      displayName === undefined ? '' : `${quoteDisplay(displayName === 'number' ? number : displayName)} `
    const shown = `${name}<sip:${user}@${host}${phone}>`
    const carried = uri === 'sip' ? shown : `${name}<${telUri(number, user, host)}>`
    const lines: string[] = []
    for (const header of headers) lines.push(header, header === 'Remote-Party-ID' ? carried + party : carried)
    if (privacy !== undefined) lines.push('Privacy', privacy)
    return from === 'anonymous'
      ? { from: ANONYMOUS, headers: lines }
      : { from: shown, contactUser: user, headers: lines }
  }
}

/** A number that is not in global form needs the context it is valid in (RFC 3966 §5.1.5). */
const telUri = (number: string, user: string, host: string): string =>
  number.startsWith('+') ? `tel:${user}` : `tel:${user};phone-context=${host}`
