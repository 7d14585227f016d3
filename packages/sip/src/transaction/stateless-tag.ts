import { createHmac, randomBytes } from 'node:crypto'
import { header } from '../message/headers.ts'
import type { SipRequest } from '../message/message.ts'

const secret = randomBytes(32)

/** The tag of an answer that leaves no trace: the same for each copy of a request (RFC 3261 §8.2.7), and not to be guessed. */
export function statelessTag(request: SipRequest): string {
  const hmac = createHmac('sha256', secret)
  for (const name of ['Via', 'From', 'Call-ID', 'CSeq']) hmac.update(`${header(request, name) ?? ''}\n`)
  return hmac.digest('hex').slice(0, 16)
}
