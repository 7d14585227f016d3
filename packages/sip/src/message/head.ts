import { isBlank, isToken, isTokenCode, trimmed } from './chars.ts'
import { parseCSeq } from './cseq.ts'
import { fault } from './fault.ts'
import type { ParseFault } from './fault.ts'
import { knownNameAt } from './header-names.ts'
import { type StartLine, isKnownMethod, readStartLine } from './start-line.ts'

/** Bounds of what is read; what passes them is refused, never cut. */
export type ParseLimits = {
  /** Start line and headers with their line ends, bytes. */
  readonly maxHeadBytes: number
  /** Header lines. */
  readonly maxHeaders: number
  readonly maxBodyBytes: number
}

export const DEFAULT_LIMITS: ParseLimits = { maxHeadBytes: 16_384, maxHeaders: 256, maxBodyBytes: 65_535 }

/** `Head.contentLength` when the header is not there, or cannot be used. */
export const ABSENT = -1
export const UNUSABLE = -2

/** The head of a message, as far as it could be read. */
export type Head = StartLine & {
  headers: string[]
  /** Bits of the fields below that were seen. */
  seen: number
  contentLength: number
  /** Index of the first byte of the body. */
  bodyAt: number
}

const VIA = 1
const FROM = 2
const TO = 4
const CALL_ID = 8
const CSEQ = 16
const CONTENT_LENGTH = 32
const MANDATORY = VIA | FROM | TO | CALL_ID | CSEQ

/** Whether the head has all that a response must copy. */
export function isAnswerable(head: Head): boolean {
  return head.method !== '' && (head.seen & MANDATORY) === MANDATORY
}

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

const UNFINISHED_HEAD = -1
const BARE_LINE_END = 'a header has a bare carriage return or line feed in it'

/** Reads header lines from `at`; gives the index after the empty line, or UNFINISHED_HEAD. */
function readHeaders(head: Head, text: string, at: number, limits: ParseLimits): number {
  let lineAt = at
  for (let lines = 0; ; lines++) {
    let lineEnd = text.indexOf('\r', lineAt)
    if (lineEnd < 0 || text.indexOf('\n', lineAt) !== lineEnd + 1) {
      lineEnd = text.indexOf('\r\n', lineAt)
      if (lineEnd < 0) return UNFINISHED_HEAD
      head.fault ??= fault('BAD_HEADER', 400, BARE_LINE_END)
    }
    if (lineEnd === lineAt) return lineEnd + 2
    if (lines === limits.maxHeaders) {
      head.fault = fault('TOO_MANY_HEADERS', 400, `more than ${limits.maxHeaders} header lines`)
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
      head.fault ??= fault('BAD_HEADER', 400, `header line ${lines + 1} has no name and colon`)
    } else readHeader(head, text, lineAt, nameEnd, value)
    lineAt = next
  }
}

function readHeader(head: Head, text: string, nameAt: number, nameEnd: number, value: string): void {
  const name = knownNameAt(text, nameAt, nameEnd)
  if (name === undefined) {
    if (isToken(text, nameAt, nameEnd)) head.headers.push(text.slice(nameAt, nameEnd), value)
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
  else if (head.method !== '' && cseq.method !== head.method) {
    // RFC 4475 §3.1.2.18: of a method nobody knows, 501 says more.
    const status = isKnownMethod(head.method) ? 400 : 501
    head.fault ??= fault('BAD_CSEQ', status, 'CSeq names another method than the request line')
  }
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

/** `Buffer.prototype.latin1Slice` reads any Uint8Array, without wrapping it in a Buffer first. */
const latin1Slice = Buffer.prototype.latin1Slice as (this: Uint8Array, from: number, to: number) => string

function latin1(data: Uint8Array, from: number, to: number): string {
  return latin1Slice.call(data, from, to)
}
