import { NO_BODY } from '../message/message.ts'
import type { SipRequest } from '../message/message.ts'
import type { Hop } from '../transport/address.ts'

export type TestRequestParts = {
  /** Who sends it: Via, Contact. */
  readonly from: Hop
  readonly method?: string
  readonly uri?: string
  readonly callId?: string
  readonly branch?: string
  readonly fromTag?: string
  readonly toTag?: string | undefined
  readonly seq?: number
  /** Flat; after the usual ones. */
  readonly headers?: readonly string[]
  readonly body?: Uint8Array
}

/** A request as a well-behaved peer writes it; what is not given is made up. */
export function testRequest(parts: TestRequestParts): SipRequest {
  const {
    from,
    method = 'INVITE',
    uri = 'sip:+8617000000001@192.0.2.2',
    seq = 1,
    toTag,
    body = NO_BODY,
  } = parts
  const at = `${from.address}:${from.port}`
  const branch = parts.branch ?? `z9hG4bK-${method}-${seq}`
  return {
    kind: 'request',
    method,
    uri,
    headers: [
      'Via',
      `SIP/2.0/${from.transport.toUpperCase()} ${at};branch=${branch}`,
      'Max-Forwards',
      '70',
      'From',
      `<sip:+8613800000021@${from.address}>;tag=${parts.fromTag ?? 'caller'}`,
      'To',
      `<${uri}>${toTag === undefined ? '' : `;tag=${toTag}`}`,
      'Call-ID',
      parts.callId ?? 'call-1',
      'CSeq',
      `${seq} ${method}`,
      'Contact',
      `<sip:caller@${at}${from.transport === 'tcp' ? ';transport=tcp' : ''}>`,
      ...(parts.headers ?? []),
      ...(body.length > 0 ? ['Content-Type', 'application/sdp'] : []),
    ],
    body,
  }
}
