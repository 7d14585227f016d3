import { header, headerValues } from '../message/headers.ts'
import type { SipRequest } from '../message/message.ts'

const SDP = 'application/sdp'
const OFFERS_SDP: ReadonlySet<string> = new Set([SDP, 'application/*', '*/*'])

/**
 * Why the body of an INVITE cannot be read (RFC 3261 §8.2.3: 415), or its answer not be shown (§20.1: 406). Bodies of several parts
 * are the application's to judge, and what may be ignored (`handling=optional`, RFC 3204) is. Undefined when all is well.
 */
export function refusalOfContent(
  request: SipRequest,
): { readonly status: number; readonly headers: readonly string[] } | undefined {
  if (request.body.length > 0 && !isOptional(request)) {
    const encoding = header(request, 'Content-Encoding')?.toLowerCase() ?? 'identity'
    if (encoding !== 'identity') return { status: 415, headers: ['Accept-Encoding', 'identity'] }
    const type = mediaType(header(request, 'Content-Type') ?? SDP)
    if (type !== SDP && !type.startsWith('multipart/')) return { status: 415, headers: ['Accept', SDP] }
  }
  if (header(request, 'Accept') === undefined) return undefined
  const isAccepted = headerValues(request, 'Accept').some((value) => OFFERS_SDP.has(mediaType(value)))
  return isAccepted ? undefined : { status: 406, headers: ['Accept', SDP] }
}

function isOptional(request: SipRequest): boolean {
  return /;\s*handling\s*=\s*optional/i.test(header(request, 'Content-Disposition') ?? '')
}

/** The type without its parameters, in lower case. */
function mediaType(value: string): string {
  const semicolon = value.indexOf(';')
  return (semicolon < 0 ? value : value.slice(0, semicolon)).replaceAll(/[ \t]/g, '').toLowerCase()
}
