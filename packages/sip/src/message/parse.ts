import { CR, LF } from './chars.ts'
import { fault } from './fault.ts'
import type { ParseFault } from './fault.ts'
import { ABSENT, DEFAULT_LIMITS, isAnswerable, parseHead } from './head.ts'
import type { Head, ParseLimits } from './head.ts'
import { NO_BODY } from './message.ts'
import type { SipMessage, SipRequest } from './message.ts'

export type { FaultCode, ParseFault } from './fault.ts'
export { DEFAULT_LIMITS } from './head.ts'
export type { ParseLimits } from './head.ts'

/** `answerable`: the request as far as it was read, when it has all that a response must copy (RFC 3261 §8.2.6.2). */
export type ParseResult =
  | { readonly ok: true; readonly message: SipMessage }
  | { readonly ok: false; readonly fault: ParseFault; readonly answerable?: SipRequest }

/**
 * Reads one datagram (RFC 3261 §7, §18.3). The body is a view on `data`, not a copy: Content-Length bytes of it, or all the
 * rest when that header is absent. Line ends before the start line are skipped (§7.5). Never throws.
 *
 * Checked: start line, header lines, presence of Via, From, To, Call-ID and CSeq, and that CSeq fits the method. What other
 * headers say stays raw until asked for; see `faultInFields` for a closer look.
 */
export function parseMessage(data: Uint8Array, limits: ParseLimits = DEFAULT_LIMITS): ParseResult {
  const start = skipLineEnds(data)
  if (start === data.length) return { ok: false, fault: fault('EMPTY', 400, 'nothing but line ends') }
  const head = parseHead(data, start, limits)
  const available = data.length - head.bodyAt
  if (head.contentLength === ABSENT) return withBody(head, data, available, limits)
  if (head.contentLength > available && head.fault === undefined) {
    head.fault =
      head.contentLength > limits.maxBodyBytes
        ? bodyTooLarge(limits)
        : fault(
            'BAD_LENGTH',
            400,
            `Content-Length is ${head.contentLength}, but only ${available} bytes follow`,
          )
  }
  return withBody(head, data, head.contentLength, limits)
}

/** Turns a head and the length of its body into the result. */
export function withBody(head: Head, data: Uint8Array, length: number, limits: ParseLimits): ParseResult {
  if (head.fault === undefined && length > limits.maxBodyBytes) head.fault = bodyTooLarge(limits)
  const { method, uri, headers } = head
  if (head.fault !== undefined) {
    if (!isAnswerable(head)) return { ok: false, fault: head.fault }
    return {
      ok: false,
      fault: head.fault,
      answerable: { kind: 'request', method, uri, headers, body: NO_BODY },
    }
  }
  const body = length <= 0 ? NO_BODY : data.subarray(head.bodyAt, head.bodyAt + length)
  if (method !== '') return { ok: true, message: { kind: 'request', method, uri, headers, body } }
  return { ok: true, message: { kind: 'response', status: head.status, reason: head.reason, headers, body } }
}

/** Index of the first byte that is not part of a CRLF. */
export function skipLineEnds(data: Uint8Array): number {
  let i = 0
  while (data[i] === CR && data[i + 1] === LF) i += 2
  return i
}

function bodyTooLarge(limits: ParseLimits): ParseFault {
  return fault('TOO_LARGE', 413, `the body exceeds ${limits.maxBodyBytes} bytes`)
}
