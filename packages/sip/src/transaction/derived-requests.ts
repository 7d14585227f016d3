import { header } from '../message/headers.ts'
import { NO_BODY } from '../message/message.ts'
import type { SipRequest, SipResponse } from '../message/message.ts'

/** ACK of a 3xx–6xx (RFC 3261 §17.1.1.3): the INVITE's own branch and route, the response's To. */
export function ackOfFailure(invite: SipRequest, response: SipResponse): SipRequest {
  return derived(invite, 'ACK', header(response, 'To'))
}

/** CANCEL (RFC 3261 §9.1): the INVITE's own branch, route, To and CSeq number. */
export function cancelOf(invite: SipRequest, extraHeaders: readonly string[]): SipRequest {
  const cancel = derived(invite, 'CANCEL', undefined)
  return extraHeaders.length === 0 ? cancel : { ...cancel, headers: [...cancel.headers, ...extraHeaders] }
}

function derived(invite: SipRequest, method: string, to: string | undefined): SipRequest {
  const headers: string[] = []
  let viaTaken = false
  for (let i = 0; i < invite.headers.length; i += 2) {
    const name = invite.headers[i]!
    const value = invite.headers[i + 1]!
    switch (name) {
      case 'Via':
        if (!viaTaken) headers.push(name, value)
        viaTaken = true
        break
      case 'Route':
      case 'Max-Forwards':
      case 'From':
      case 'Call-ID':
        headers.push(name, value)
        break
      case 'To':
        headers.push(name, to ?? value)
        break
      case 'CSeq':
        headers.push(name, `${Number.parseInt(value, 10)} ${method}`)
        break
    }
  }
  return { kind: 'request', method, uri: invite.uri, headers, body: NO_BODY }
}
