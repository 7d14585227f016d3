import { SP, isBlank, isToken, trimmed } from './chars.ts'
import { fault } from './fault.ts'
import type { ParseFault } from './fault.ts'

/** What the first line says; part of a message's head. */
export type StartLine = {
  /** Empty for a response. */
  method: string
  uri: string
  /** 0 for a request. */
  status: number
  reason: string
  /** The first fault found in the message; reading goes on as far as it makes sense, so that it can be answered. */
  fault: ParseFault | undefined
}

/** One spelling object per common method, so that later comparisons are by identity. */
const METHODS = new Map(
  ['INVITE', 'ACK', 'BYE', 'CANCEL', 'OPTIONS', 'REGISTER', 'INFO', 'PRACK', 'UPDATE', 'MESSAGE', 'REFER']
    .concat(['SUBSCRIBE', 'NOTIFY', 'PUBLISH'])
    .map((method) => [method, method]),
)

/** Whether a method is one of those that some RFC gives a meaning. */
export function isKnownMethod(method: string): boolean {
  return METHODS.has(method)
}

/** Reads the start line `text[0, end)` into the head, with its fault if it has one. */
export function readStartLine(head: StartLine, text: string, end: number): void {
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
function readOddRequestLine(head: StartLine, method: string, rest: string): void {
  let versionAt = rest.length
  while (versionAt > 0 && !isBlank(rest.charCodeAt(versionAt - 1))) versionAt--
  const version = /^SIP\/(\d{1,9})\.(\d{1,9})$/i.exec(rest.slice(versionAt))
  if (version === null) {
    const code = /\bSIP\//i.test(rest) ? 'BAD_START_LINE' : 'NOT_SIP'
    head.fault = fault(code, 400, 'the request line does not end with SIP/2.0')
    return
  }
  head.method = method
  head.uri = trimmed(rest, 0, versionAt)
  if (Number(version[1]) !== 2 || Number(version[2]) !== 0) {
    head.fault = fault('BAD_VERSION', 505, 'only SIP/2.0 is spoken here')
    return
  }
  const wrong =
    faultInRequestUri(head.uri) ?? 'the request line must be Method SP URI SP SIP/2.0, nothing else'
  head.fault = fault('BAD_START_LINE', 400, wrong)
}

function readStatusLine(head: StartLine, text: string, end: number): void {
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
