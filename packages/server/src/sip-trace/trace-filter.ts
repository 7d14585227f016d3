import { allHeaders, header, type SipMessage, unescapeUser } from '@maskline/sip'
import { isSameNumber } from './same-number.ts'

/** Which messages are wanted; all that is given must fit, and nothing given wants all. */
export type TraceWish = {
  /** Of who calls or is called, in any form. */
  readonly number?: string
  readonly callId?: string
}

/** Of a busy hour; of more the oldest are forgotten. */
const MAX_CALLS = 10_000

/** Tells whether a message is wanted. What follows in a call that had the number is, with or without it. */
export function traceFilter({ number, callId }: TraceWish): (message: SipMessage) => boolean {
  const calls = new Set<string>()
  return (message) => {
    const own = header(message, 'Call-ID') ?? ''
    if (callId !== undefined && own !== callId) return false
    if (number === undefined || calls.has(own)) return true
    if (!names(message, number)) return false
    // A copy: what was read is a part of the datagram, which would be kept as long.
    calls.add(Buffer.from(own).toString())
    if (calls.size > MAX_CALLS) calls.delete(calls.values().next().value!)
    return true
  }
}

const PARTIES = ['From', 'To', 'P-Asserted-Identity', 'P-Preferred-Identity', 'Remote-Party-ID', 'Diversion']

function names(message: SipMessage, number: string): boolean {
  const uri = message.kind === 'request' ? message.uri : ''
  return [uri, ...PARTIES.flatMap((name) => allHeaders(message, name))].some((value) =>
    [...value.matchAll(/(?:sips?|tel):([^@;>\s?,]*)/gi)].some(([, user]) =>
      isSameNumber(unescapeUser(user!), number),
    ),
  )
}
