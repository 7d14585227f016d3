import { header, type RequestOptions, type SipRequest } from '@maskline/sip'

/** What an INFO asks for: a key, nothing (understood and done), or something that we do not do. */
export type InfoRequest =
  | { readonly kind: 'digit'; readonly digit: string; readonly durationMs: number }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'refused'; readonly status: number; readonly headers: readonly string[] }

const NOTHING: InfoRequest = { kind: 'nothing' }
const RELAY_TYPE = 'application/dtmf-relay'
const ACCEPTED = `${RELAY_TYPE}, application/dtmf`

/**
 * Reads an INFO of the kind that phones and gateways send for keys (legacy use, RFC 6086 section 2):
 *
 *     Content-Type: application/dtmf-relay        Content-Type: application/dtmf
 *
 *     Signal=5                                    5
 *     Duration=160
 *
 * Other content gets 415, an INFO package 469: we announced none (RFC 6086 section 4.2.2).
 */
export function readInfo(request: SipRequest): InfoRequest {
  if (header(request, 'Info-Package') !== undefined)
    return { kind: 'refused', status: 469, headers: ['Recv-Info', ''] }
  if (request.body.length === 0) return NOTHING
  const type = header(request, 'Content-Type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== RELAY_TYPE && type !== 'application/dtmf')
    return { kind: 'refused', status: 415, headers: ['Accept', ACCEPTED] }
  const text = Buffer.from(request.body).toString('latin1')
  const signal = type === 'application/dtmf' ? text : /^\s*Signal\s*=\s*(\S+)/im.exec(text)?.[1]
  const digit = keyOf(signal?.trim().toUpperCase() ?? '')
  return digit === undefined ? NOTHING : { kind: 'digit', digit, durationMs: durationOf(text) }
}

/** An INFO with this key and nothing else in it, in the form that says how long it was pressed. */
export const infoOf = (digit: string, durationMs: number): RequestOptions => ({
  contentType: RELAY_TYPE,
  body: Buffer.from(`Signal=${digit}\r\nDuration=${durationMs}\r\n`, 'latin1'),
})

/** Shortest, usual and longest press, ms. */
const LEAST_MS = 40
const USUAL_MS = 160
const MOST_MS = 5_000

function durationOf(text: string): number {
  const given = /^\s*Duration\s*=\s*(\d{1,6})/im.exec(text)?.[1]
  return given === undefined ? USUAL_MS : Math.min(MOST_MS, Math.max(LEAST_MS, Number(given)))
}

/** Some gateways give the event's number of RFC 4733: 10 is `*`, 11 is `#`. */
function keyOf(signal: string): string | undefined {
  if (signal === '10') return '*'
  if (signal === '11') return '#'
  return /^[0-9*#A-D]$/.test(signal) ? signal : undefined
}
