import { header } from '../message/headers.ts'
import type { SipMessage } from '../message/message.ts'
import { tagOf } from '../message/name-addr.ts'

/**
 * Which fork of an INVITE of ours a message of the callee belongs to: the tag of its early dialog (RFC 3261 §12.1.2), in To
 * of a response, in From of a request. Empty when it has none.
 */
export function forkOf(message: SipMessage): string {
  return tagOf(header(message, message.kind === 'response' ? 'To' : 'From') ?? '') ?? ''
}
