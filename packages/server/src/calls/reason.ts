import { allHeaders, type SipMessage } from '@maskline/sip'
import { isCause, q850OfStatus } from './release-map.ts'

/** One value of a Reason header; `cause` is absent when the peer sent none that is a number. */
export type Reason = { readonly protocol: string; readonly cause: number | undefined; readonly text: string }

/**
 * Reads a Reason header (RFC 3326), also several values in one line: `Q.850;cause=17;text="User busy", SIP;cause=486`.
 * Values that make no sense are skipped; nothing throws.
 */
export function parseReasonHeader(value: string): Reason[] {
  const reasons: Reason[] = []
  for (const part of splitOutsideQuotes(value, ',')) {
    const [protocol = '', ...params] = splitOutsideQuotes(part, ';')
    if (!/^[\w.\-!%*+`'~]+$/.test(protocol)) continue
    let cause: number | undefined
    let text = ''
    for (const param of params) {
      const equals = param.indexOf('=')
      if (equals < 0) continue
      const name = param.slice(0, equals).trim().toLowerCase()
      const given = param.slice(equals + 1).trim()
      if (name === 'cause' && /^\d{1,4}$/.test(given)) cause = Number(given)
      if (name === 'text') text = unquote(given)
    }
    reasons.push({ protocol, cause, text })
  }
  return reasons
}

/** What the Reason headers of a message say, in any spelling of the protocols: the first of each that makes sense. */
export type Reasons = {
  /** Q.850 cause, 1 to 127. */
  readonly q850: number | undefined
  /** Final SIP status, 200 to 699. */
  readonly status: number | undefined
}

export const NO_REASONS: Reasons = { q850: undefined, status: undefined }

export function reasonsOf(message: SipMessage): Reasons {
  return readReasons(allHeaders(message, 'Reason'))
}

export function readReasons(lines: readonly string[]): Reasons {
  const causes = lines.flatMap(parseReasonHeader)
  const of = (protocol: string, isOne: (cause: number) => boolean): number | undefined =>
    causes.find(
      (one) => one.protocol.toUpperCase() === protocol && one.cause !== undefined && isOne(one.cause),
    )?.cause
  return { q850: of('Q.850', isCause), status: of('SIP', (status) => status >= 200 && status <= 699) }
}

/** Q.850 "non-selected user clearing": another phone took the call. */
const ELSEWHERE = 26

/**
 * Why a side left, in Q.850, as its BYE or CANCEL says; undefined when it gives no reason. A CANCEL with SIP 200 tells that the
 * call was answered elsewhere (RFC 3326 §3.1).
 */
export function causeOf(request: SipMessage): number | undefined {
  const { q850, status } = reasonsOf(request)
  if (q850 !== undefined || status === undefined) return q850
  if (status < 300) return request.kind === 'request' && request.method === 'CANCEL' ? ELSEWHERE : undefined
  return q850OfStatus(status, true)
}

const CAUSE_TEXTS: ReadonlyMap<number, string> = new Map([
  [1, 'Unallocated number'],
  [16, 'Normal call clearing'],
  [17, 'User busy'],
  [19, 'No answer'],
  [20, 'Subscriber absent'],
  [21, 'Call rejected'],
  [34, 'No circuit available'],
  [41, 'Temporary failure'],
  [102, 'Timer expired'],
])

/**
 * `Q.850;cause=17;text="User busy"`, the value of a Reason header (RFC 3326 §2). That a call was answered elsewhere is told in
 * SIP's words too, by which phones do not list it as missed.
 */
export function formatReason(cause: number): string {
  if (cause === ELSEWHERE) return `SIP;cause=200;text="Call completed elsewhere", Q.850;cause=${cause}`
  const text = CAUSE_TEXTS.get(cause)
  return text === undefined ? `Q.850;cause=${cause}` : `Q.850;cause=${cause};text="${text}"`
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = []
  let start = 0
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (quoted && c === '\\') i++
    else if (c === '"') quoted = !quoted
    else if (c === separator && !quoted) {
      parts.push(text.slice(start, i).trim())
      start = i + 1
    }
  }
  parts.push(text.slice(start).trim())
  return parts
}

function unquote(text: string): string {
  if (!text.startsWith('"')) return text
  const end = text.endsWith('"') && text.length > 1 ? -1 : text.length
  return text.slice(1, end).replace(/\\(.)/g, '$1')
}
