import { CR, LF, SP, isBlank, isToken, isTokenCode, trimmed } from './chars.ts'
import { parseCSeq } from './cseq.ts'
import { knownName } from './header-names.ts'
import { NO_BODY } from './message.ts'
import type { SipMessage, SipRequest } from './message.ts'

/** Bounds of what is read; what passes them is refused, never cut. */
export type ParseLimits = {
  /** Start line and headers with their line ends, bytes. */
  readonly maxHeadBytes: number
  /** Header lines. */
  readonly maxHeaders: number
  readonly maxBodyBytes: number
}

export const DEFAULT_LIMITS: ParseLimits = { maxHeadBytes: 16_384, maxHeaders: 256, maxBodyBytes: 65_535 }

export type FaultCode =
  /** Nothing but line ends: a keep-alive (RFC 5626 §3.5.1). */
  | 'EMPTY'
  /** The first line is not of SIP: STUN, TLS, HTTP, noise. */
  | 'NOT_SIP'
  | 'BAD_START_LINE'
  /** SIP, but not 2.0. */
  | 'BAD_VERSION'
  | 'BAD_HEADER'
  | 'TOO_LARGE'
  | 'TOO_MANY_HEADERS'
  /** The empty line that ends the headers never came. */
  | 'UNFINISHED'
  /** Content-Length is malformed, doubled, absent on a stream, or larger than the datagram's body. */
  | 'BAD_LENGTH'
  | 'MISSING_HEADER'
  /** A header that may come once came twice (From, To, Call-ID, CSeq). */
  | 'DUPLICATE_HEADER'
  /** CSeq is malformed, not below 2^31, or names another method than the request. */
  | 'BAD_CSEQ'
  /** A Request-URI, Via, From, To, Contact or Max-Forwards cannot be read; found by `faultInFields`. */
  | 'BAD_FIELD'

/** Why bytes were refused. `text` never quotes values of the peer (they may be phone numbers). */
export type ParseFault = {
  readonly code: FaultCode
  /** Status to answer with, should the bytes have been a request. */
  readonly status: number
  readonly text: string
}

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

/** `Head.contentLength` when the header is not there, or cannot be used. */
export const ABSENT = -1
export const UNUSABLE = -2

/** The head of a message, as far as it could be read. */
export type Head = {
  /** Empty for a response. */
  method: string
  uri: string
  /** 0 for a request. */
  status: number
  reason: string
  headers: string[]
  /** What of the header fields in `Field` was seen. */
  seen: number
  contentLength: number
  /** Index of the first byte of the body. */
  bodyAt: number
  /** The first fault found; reading went on as far as it made sense, so that the request can be answered. */
  fault: ParseFault | undefined
}

const VIA = 1
const FROM = 2
const TO = 4
const CALL_ID = 8
const CSEQ = 16
const CONTENT_LENGTH = 32
const MANDATORY = VIA | FROM | TO | CALL_ID | CSEQ

function fieldOf(name: string): number {
  switch (name) {
    case 'Via':
      return VIA
    case 'From':
      return FROM
    case 'To':
      return TO
    case 'Call-ID':
      return CALL_ID
    case 'CSeq':
      return CSEQ
    case 'Content-Length':
      return CONTENT_LENGTH
    default:
      return 0
  }
}

/** Reads start line and headers from `start`, which must not be a line end. */
export function parseHead(data: Uint8Array, start: number, limits: ParseLimits): Head {
  const text = latin1(data, start, Math.min(data.length, start + limits.maxHeadBytes))
  const head: Head = {
    method: '',
    uri: '',
    status: 0,
    reason: '',
    headers: [],
    seen: 0,
    contentLength: ABSENT,
    bodyAt: data.length,
    fault: undefined,
  }
  if (!isTokenCode(text.charCodeAt(0))) {
    head.fault = fault('NOT_SIP', 400, 'the first byte cannot start a SIP message')
    return head
  }
  const end = text.indexOf('\r\n')
  if (end < 0) {
    head.fault = isCut(data, start, limits) ? headTooLarge(limits) : fault('NOT_SIP', 400, 'no line end')
    return head
  }
  readStartLine(head, text, end)
  if (head.fault?.code === 'NOT_SIP') return head

  const bodyAt = readHeaders(head, text, end + 2, limits)
  if (bodyAt === UNFINISHED_HEAD && head.fault?.code !== 'TOO_MANY_HEADERS') {
    head.fault = isCut(data, start, limits)
      ? headTooLarge(limits)
      : fault('UNFINISHED', 400, 'the headers do not end with an empty line; the message may have been cut')
  }
  if (bodyAt !== UNFINISHED_HEAD) head.bodyAt = start + bodyAt
  if (head.fault === undefined) head.fault = missingHeader(head.seen)
  return head
}

/** Turns a head and the length of its body into the result. */
export function withBody(head: Head, data: Uint8Array, length: number, limits: ParseLimits): ParseResult {
  if (head.fault === undefined && length > limits.maxBodyBytes) head.fault = bodyTooLarge(limits)
  const { method, uri, headers } = head
  if (head.fault !== undefined) {
    if (method === '' || (head.seen & MANDATORY) !== MANDATORY) return { ok: false, fault: head.fault }
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

/** One spelling object per common method, so that later comparisons are by identity. */
const METHODS = new Map(
  ['INVITE', 'ACK', 'BYE', 'CANCEL', 'OPTIONS', 'REGISTER', 'INFO', 'PRACK', 'UPDATE', 'MESSAGE', 'REFER']
    .concat(['SUBSCRIBE', 'NOTIFY', 'PUBLISH'])
    .map((method) => [method, method]),
)

function readStartLine(head: Head, text: string, end: number): void {
  if (text.startsWith('SIP/')) return readStatusLine(head, text, end)
  const methodEnd = text.indexOf(' ')
  const versionAt = text.lastIndexOf(' ', end - 1) + 1
  if (methodEnd < 0 || methodEnd >= end || !isToken(text, 0, methodEnd)) {
    head.fault = fault('NOT_SIP', 400, 'the first line is not a SIP request or status line')
    return
  }
  const method = text.slice(0, methodEnd)
  if (versionAt > methodEnd + 1 && text.startsWith('SIP/2.0', versionAt) && end - versionAt === 7) {
    head.method = METHODS.get(method) ?? method
    head.uri = text.slice(methodEnd + 1, versionAt - 1)
    const wrong = faultInRequestUri(head.uri)
    if (wrong === undefined) return
    head.fault = fault('BAD_START_LINE', 400, wrong)
    head.uri = head.uri.trim()
    return
  }
  readOddRequestLine(head, method, trimmed(text, methodEnd, end))
}

/** A request line that is not `Method SP URI SP SIP/2.0`: tells why, and reads what an answer needs. */
function readOddRequestLine(head: Head, method: string, rest: string): void {
  const match = /^(.*?)[ \t]*SIP\/(\d{1,9})\.(\d{1,9})$/i.exec(rest)
  if (match === null) {
    const code = /\bSIP\//i.test(rest) ? 'BAD_START_LINE' : 'NOT_SIP'
    head.fault = fault(code, 400, 'the request line does not end with SIP/2.0')
    return
  }
  const [, uri = '', major, minor] = match
  head.method = method
  head.uri = uri.trim()
  if (Number(major) !== 2 || Number(minor) !== 0) {
    head.fault = fault('BAD_VERSION', 505, 'only SIP/2.0 is spoken here')
    return
  }
  const wrong = faultInRequestUri(head.uri)
  if (wrong !== undefined) head.fault = fault('BAD_START_LINE', 400, wrong)
  else if (!rest.endsWith('SIP/2.0') || rest !== `${uri} SIP/2.0` || uri !== head.uri)
    head.fault = fault(
      'BAD_START_LINE',
      400,
      'the request line must be Method SP URI SP SIP/2.0, with single spaces',
    )
  else head.fault = fault('BAD_START_LINE', 400, 'the request line has spaces at its end')
}

function readStatusLine(head: Head, text: string, end: number): void {
  if (!text.startsWith('SIP/2.0 ')) {
    head.fault = /^SIP\/\d+\.\d+ /i.test(text)
      ? fault('BAD_VERSION', 505, 'only SIP/2.0 is spoken here')
      : fault('NOT_SIP', 400, 'the first line is not a SIP request or status line')
    return
  }
  const hundreds = text.charCodeAt(8) - 0x30
  const tens = text.charCodeAt(9) - 0x30
  const ones = text.charCodeAt(10) - 0x30
  const digits = hundreds >= 1 && hundreds <= 6 && tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9
  if (!digits || (end > 11 && text.charCodeAt(11) !== SP)) {
    head.fault = fault('BAD_START_LINE', 400, 'the status code must be three digits from 100 to 699')
    return
  }
  head.status = hundreds * 100 + tens * 10 + ones
  head.reason = text.slice(12, end)
}

/** What keeps a text from being a Request-URI: no scheme, or characters that no URI holds. Any scheme may pass. */
function faultInRequestUri(uri: string): string | undefined {
  let schemeEnd = 0
  for (let i = 0; i < uri.length; i++) {
    const code = uri.charCodeAt(i)
    if (code <= SP || code === 0x7f) return 'the Request-URI has a space or control character in it'
    if (code === 0x3c || code === 0x3e || code === 0x22) return 'the Request-URI has < > or " in it'
    if (code === 0x3a && schemeEnd === 0) schemeEnd = i
  }
  if (schemeEnd > 0 && isToken(uri, 0, schemeEnd)) return undefined
  return 'the Request-URI has no scheme'
}

const UNFINISHED_HEAD = -1
const BARE_LINE_END = 'a header has a bare carriage return or line feed in it'

/** Reads header lines from `at`; gives the index after the empty line, or UNFINISHED_HEAD. */
function readHeaders(head: Head, text: string, at: number, limits: ParseLimits): number {
  const { headers } = head
  let lineAt = at
  for (;;) {
    let lineEnd = text.indexOf('\r', lineAt)
    if (lineEnd < 0 || text.indexOf('\n', lineAt) !== lineEnd + 1) {
      lineEnd = text.indexOf('\r\n', lineAt)
      if (lineEnd < 0) return UNFINISHED_HEAD
      head.fault ??= fault('BAD_HEADER', 400, BARE_LINE_END)
    }
    if (lineEnd === lineAt) return lineEnd + 2
    if (headers.length >= limits.maxHeaders * 2) {
      head.fault ??= fault('TOO_MANY_HEADERS', 400, `more than ${limits.maxHeaders} header lines`)
      return UNFINISHED_HEAD
    }

    const colon = text.indexOf(':', lineAt)
    let next = lineEnd + 2
    let value: string
    if (isBlank(text.charCodeAt(next))) {
      // Folded (RFC 3261 §7.3.1): each line end with the blanks around it is one space.
      const parts = [trimmed(text, Math.min(colon + 1, lineEnd), lineEnd)]
      while (isBlank(text.charCodeAt(next))) {
        const partEnd = text.indexOf('\r\n', next)
        if (partEnd < 0) return UNFINISHED_HEAD
        if (text.indexOf('\r', next) !== partEnd || text.indexOf('\n', next) !== partEnd + 1) {
          head.fault ??= fault('BAD_HEADER', 400, BARE_LINE_END)
        }
        const part = trimmed(text, next, partEnd)
        if (part !== '') parts.push(part)
        next = partEnd + 2
      }
      value = parts[0] === '' ? parts.slice(1).join(' ') : parts.join(' ')
    } else value = trimmed(text, colon + 1, lineEnd)

    let nameEnd = colon
    while (nameEnd > lineAt && isBlank(text.charCodeAt(nameEnd - 1))) nameEnd--
    if (colon < 0 || colon > lineEnd || nameEnd === lineAt) {
      head.fault ??= fault('BAD_HEADER', 400, `header line ${headers.length / 2 + 1} has no name and colon`)
    } else readHeader(head, text.slice(lineAt, nameEnd), value)
    lineAt = next
  }
}

function readHeader(head: Head, rawName: string, value: string): void {
  const name = knownName(rawName)
  if (name === undefined) {
    if (isToken(rawName)) head.headers.push(rawName, value)
    else head.fault ??= fault('BAD_HEADER', 400, 'a header name has characters that no name may have')
    return
  }
  const field = fieldOf(name)
  if ((head.seen & field) !== 0 && field !== VIA) {
    if (field === CONTENT_LENGTH) head.contentLength = UNUSABLE
    const code = field === CONTENT_LENGTH ? 'BAD_LENGTH' : 'DUPLICATE_HEADER'
    head.fault ??= fault(code, 400, `${name} may come only once`)
    return
  }
  head.headers.push(name, value)
  head.seen |= field
  if (field === CSEQ) checkCSeq(head, value)
  else if (field === CONTENT_LENGTH) readContentLength(head, value)
}

function checkCSeq(head: Head, value: string): void {
  const cseq = parseCSeq(value)
  if (cseq === undefined)
    head.fault ??= fault('BAD_CSEQ', 400, 'CSeq must be a number below 2147483648 and a method')
  else if (head.method !== '' && cseq.method !== head.method)
    head.fault ??= fault('BAD_CSEQ', 400, 'CSeq names another method than the request line')
}

function readContentLength(head: Head, value: string): void {
  let length = 0
  for (let i = 0; i < value.length; i++) {
    const digit = value.charCodeAt(i) - 0x30
    length = digit < 0 || digit > 9 ? Number.NaN : length * 10 + digit
  }
  if (value !== '' && Number.isSafeInteger(length)) {
    head.contentLength = length
    return
  }
  head.contentLength = UNUSABLE
  head.fault ??= fault('BAD_LENGTH', 400, 'Content-Length must be a number of bytes')
}

const MANDATORY_NAMES = [
  [VIA, 'Via'],
  [FROM, 'From'],
  [TO, 'To'],
  [CALL_ID, 'Call-ID'],
  [CSEQ, 'CSeq'],
] as const

function missingHeader(seen: number): ParseFault | undefined {
  if ((seen & MANDATORY) === MANDATORY) return undefined
  const missing = MANDATORY_NAMES.filter(([bit]) => (seen & bit) === 0).map(([, name]) => name)
  return fault('MISSING_HEADER', 400, `missing: ${missing.join(', ')}`)
}

function isCut(data: Uint8Array, start: number, limits: ParseLimits): boolean {
  return data.length - start > limits.maxHeadBytes
}

function headTooLarge(limits: ParseLimits): ParseFault {
  return fault('TOO_LARGE', 513, `start line and headers exceed ${limits.maxHeadBytes} bytes`)
}

function bodyTooLarge(limits: ParseLimits): ParseFault {
  return fault('TOO_LARGE', 413, `the body exceeds ${limits.maxBodyBytes} bytes`)
}

export function fault(code: FaultCode, status: number, text: string): ParseFault {
  return { code, status, text }
}

/** `Buffer.prototype.latin1Slice` reads any Uint8Array, without wrapping it in a Buffer first. */
const latin1Slice = Buffer.prototype.latin1Slice as (this: Uint8Array, from: number, to: number) => string

function latin1(data: Uint8Array, from: number, to: number): string {
  return latin1Slice.call(data, from, to)
}
