import type { SessionLimits } from './session-interval.ts'
import { response } from '../message/build.ts'
import { header } from '../message/headers.ts'
import { NO_BODY } from '../message/message.ts'
import type { SipRequest, SipResponse } from '../message/message.ts'
import type { Locator } from '../resolve/locator.ts'
import { runSoon } from '../shared/fault-report.ts'
import type { FaultReport } from '../shared/fault-report.ts'
import type { Timers } from '../shared/timers.ts'
import type { LayerGuard, TransactionLayer } from '../transaction/layer.ts'
import type { ServerTransaction } from '../transaction/server-transaction.ts'
import type { Hop } from '../transport/address.ts'
import type { Transport } from '../transport/transport.ts'
import { statelessTag } from '../transaction/stateless-tag.ts'
import type { ChallengeMemory } from './challenge-memory.ts'
import type { RequestOptions, ResponseOptions } from './types.ts'

/** How one transport shows itself to peers. */
export type Face = {
  readonly transport: Transport
  /** `SIP/2.0/UDP 192.0.2.1:5060;rport;branch=`; with `alias` where we open connections (RFC 5923 §5). */
  readonly via: string
  /** `192.0.2.1:5060` */
  readonly hostPort: string
  /** `;transport=tcp`, or nothing for UDP; RFC 7118 §5.4 knows `ws` alone, however it is secured. */
  readonly uriParams: string
}

/** A call as the stack finds it by its local tag. */
export type CallRoute = {
  /** A request inside the dialog; not ACK, not CANCEL. */
  onRequest(transaction: ServerTransaction, request: SipRequest): void
  onAck(request: SipRequest): void
  /** Whether Call-ID and remote tag are those of this call. */
  owns(callId: string, remoteTag: string): boolean
  /** Forgets everything, sends nothing. */
  drop(): void
}

/** What calls and requests share: the stack's own context. */
export type Core = {
  readonly layer: TransactionLayer
  readonly timers: Timers
  readonly locator: Locator
  readonly challenges: ChallengeMemory
  readonly faces: readonly Face[]
  readonly userAgentHeaders: readonly string[]
  readonly serverHeaders: readonly string[]
  /** By local tag, which we made and which is random. */
  readonly calls: Map<string, CallRoute>
  /** Timer C. */
  readonly inviteTimeoutMs: number
  /** What we ask of session timers (RFC 4028). */
  readonly sessionLimits: SessionLimits
  /** Told what the application's handlers throw. */
  readonly report: FaultReport
  readonly guard: Pick<LayerGuard, 'onRefused'> | undefined
}

/** RFC 3261 §8.1.1.6. */
const MAX_FORWARDS = 70

/** Our Contact; `isSecure`: of a request to a SIPS URI, or of its answer (RFC 3261 §8.1.1.8, §12.1.1). */
export function contactOf(face: Face, user: string | undefined, isSecure: boolean): string {
  const at = `${user === undefined ? '' : `${user}@`}${face.hostPort}`
  // RFC 5630 §3.3: TLS is not said twice.
  const params = isSecure && face.transport.name === 'tls' ? '' : face.uriParams
  return `<${isSecure ? 'sips' : 'sip'}:${at}${params}>`
}

export const isSips = (uri: string): boolean => /^sips:/i.test(uri)

/** Whether the dialog of this request is one over SIPS (RFC 3261 §12.1.1). */
export function asksForSips(request: SipRequest): boolean {
  if (isSips(request.uri)) return true
  const value = header(request, 'Record-Route') ?? header(request, 'Contact')
  return value !== undefined && SIPS_VALUE.test(value)
}

/** A Contact or Record-Route whose first URI is a SIPS URI. */
const SIPS_VALUE = /^(?:[^<,]*<)?\s*sips:/i

/** The face to send from to a hop: the preferred one if it can, else one of the hop's transport and address family. */
export function faceFor(core: Pick<Core, 'faces'>, hop: Hop, preferred?: Face): Face | undefined {
  const family = hop.address.includes(':') ? 6 : 4
  if (preferred?.transport.name === hop.transport && preferred.transport.family === family) return preferred
  return core.faces.find(({ transport }) => transport.name === hop.transport && transport.family === family)
}

export type RequestParts = {
  readonly method: string
  readonly uri: string
  readonly from: string
  readonly to: string
  readonly callId: string
  readonly seq: number
  readonly routes?: readonly string[]
  readonly contact?: string | undefined
  /** For an INVITE, UPDATE or OPTIONS. */
  readonly allow?: string | undefined
  /** Option tags. */
  readonly supported?: string | undefined
  /** Default 70. */
  readonly maxForwards?: number | undefined
  /** Authorization headers. */
  readonly extra?: readonly string[] | undefined
  readonly options?: RequestOptions | undefined
}

/** A request with everything that the stack writes (RFC 3261 §8.1.1). */
export function buildRequest(core: Core, face: Face, branch: string, parts: RequestParts): SipRequest {
  const { method, options } = parts
  const headers = ['Via', face.via + branch, 'Max-Forwards', String(parts.maxForwards ?? MAX_FORWARDS)]
  if (parts.routes !== undefined) for (const route of parts.routes) headers.push('Route', route)
  headers.push('From', parts.from, 'To', parts.to, 'Call-ID', parts.callId, 'CSeq', `${parts.seq} ${method}`)
  if (parts.contact !== undefined) headers.push('Contact', parts.contact)
  if (parts.allow !== undefined) headers.push('Allow', parts.allow)
  if (parts.supported !== undefined) headers.push('Supported', parts.supported)
  for (const item of core.userAgentHeaders) headers.push(item)
  if (parts.extra !== undefined) for (const item of parts.extra) headers.push(item)
  return {
    kind: 'request',
    method,
    uri: parts.uri,
    headers: withOwn(headers, options),
    body: options?.body ?? NO_BODY,
  }
}

export function hasBody(options: RequestOptions | undefined): boolean {
  return options?.body !== undefined && options.body.length > 0
}

/** Adds the user's headers and the type of the body. */
function withOwn(headers: string[], options: RequestOptions | undefined): string[] {
  if (options === undefined) return headers
  if (options.headers !== undefined) for (const item of options.headers) headers.push(item)
  if (hasBody(options)) {
    headers.push('Content-Type', options.contentType ?? 'application/sdp')
  }
  return headers
}

/** Answers a request; `extra` are flat headers the stack adds. Returns the bytes when they were sent. */
export function reply(
  core: Core,
  transaction: ServerTransaction,
  request: SipRequest,
  status: number,
  toTag: string,
  options?: ResponseOptions,
  extra?: readonly string[],
): Uint8Array | undefined {
  return transaction.respond(answerOf(core, request, status, toTag, options, extra))
}

/**
 * Answers a request that is let in by nobody: sent once, nothing is kept, and the request again is answered again (RFC 3261
 * §8.2.7). So no stranger's request takes memory.
 */
export function refuse(
  core: Core,
  transaction: ServerTransaction,
  request: SipRequest,
  status: number,
  options?: ResponseOptions,
  extra?: readonly string[],
): void {
  core.guard?.onRefused(transaction.source, status)
  transaction.refuse(answerOf(core, request, status, statelessTag(request), options, extra))
}

function answerOf(
  core: Core,
  request: SipRequest,
  status: number,
  toTag: string,
  options: ResponseOptions | undefined,
  extra: readonly string[] | undefined,
): SipResponse {
  const headers: string[] = []
  if (extra !== undefined) for (const item of extra) headers.push(item)
  for (const item of core.serverHeaders) headers.push(item)
  if (options?.headers !== undefined) for (const item of options.headers) headers.push(item)
  return response(request, status, {
    toTag,
    headers,
    ...(options?.reason !== undefined && { reason: options.reason }),
    ...(options?.body !== undefined && { body: options.body }),
    ...(options?.contentType !== undefined && { contentType: options.contentType }),
  })
}

/** A response nobody sent: what a time-out (408) or a dead transport (503) looks like to who asked. */
export function localResponse(status: number, reason: string): SipResponse {
  return { kind: 'response', status, reason, headers: [], body: NO_BODY }
}

/** Tells the asker, after it has returned, that its request was not sent: 481 without a dialog, 491 when it must wait. */
export function refuseLocally(core: Core, status: 481 | 491, onFinal: (response: SipResponse) => void): void {
  const reason = status === 481 ? 'Call/Transaction Does Not Exist' : 'Request Pending'
  runSoon(() => onFinal(localResponse(status, reason)), core.report, 'onFinal')
}
