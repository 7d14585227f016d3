import type { SipRequest, SipResponse } from './message.ts'
import { NO_BODY } from './message.ts'
import { tagOf, withTag } from './name-addr.ts'
import { REASON_PHRASES } from './reason-phrases.ts'

export { REASON_PHRASES }

export type BuildResponseOptions = {
  /** Default: the registered phrase of the status. */
  readonly reason?: string
  /** Added to To when it has none. Needed on everything but 100 (RFC 3261 §8.2.6.2). */
  readonly toTag?: string
  /** Flat [name, value, …], after the copied ones. */
  readonly headers?: readonly string[]
  readonly body?: Uint8Array
  /** Default `application/sdp` when a body is given. */
  readonly contentType?: string
}

/**
 * A response to a request (RFC 3261 §8.2.6): every Via, From, To, Call-ID and CSeq copied in order; Record-Route too where
 * the response may form a dialog (101–299 to INVITE, SUBSCRIBE, REFER, §12.1.1); Timestamp in a 100 (§8.2.6.1).
 */
export function response(
  request: SipRequest,
  status: number,
  { reason, toTag, headers: extra, body = NO_BODY, contentType }: BuildResponseOptions = {},
): SipResponse {
  const { headers: given } = request
  const formsDialog = status > 100 && status < 300 && isDialogForming(request.method)
  const headers: string[] = []
  for (let i = 0; i < given.length; i += 2) {
    const name = given[i]!
    const value = given[i + 1]!
    switch (name) {
      case 'Via':
      case 'From':
      case 'Call-ID':
      case 'CSeq':
        headers.push(name, value)
        break
      case 'To':
        headers.push(name, toTag === undefined || tagOf(value) !== undefined ? value : withTag(value, toTag))
        break
      case 'Record-Route':
        if (formsDialog) headers.push(name, value)
        break
      case 'Timestamp':
        if (status === 100) headers.push(name, value)
        break
    }
  }
  if (extra !== undefined) for (const part of extra) headers.push(part)
  if (body.length > 0) headers.push('Content-Type', contentType ?? 'application/sdp')
  return { kind: 'response', status, reason: reason ?? REASON_PHRASES[status] ?? '', headers, body }
}

function isDialogForming(method: string): boolean {
  return method === 'INVITE' || method === 'SUBSCRIBE' || method === 'REFER'
}
