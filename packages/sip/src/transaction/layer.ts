import { response } from '../message/build.ts'
import { parseCSeq } from '../message/cseq.ts'
import { header } from '../message/headers.ts'
import type { SipMessage, SipRequest, SipResponse } from '../message/message.ts'
import { tagOf } from '../message/name-addr.ts'
import type { ParseFault } from '../message/parse.ts'
import { parseMessage } from '../message/parse.ts'
import { serializeMessage } from '../message/serialize.ts'
import { MAGIC_COOKIE, branchOf } from '../message/via.ts'
import type { Endpoint, Hop } from '../transport/address.ts'
import type { Admission, Transport, TransportSink } from '../transport/transport.ts'
import type { FaultReport } from '../shared/fault-report.ts'
import { newTag } from '../shared/ids.ts'
import { ClientTransaction, IGNORE_RESPONSES } from './client-transaction.ts'
import type { ClientTransactionOwner, ClientUser } from './client-transaction.ts'
import { cancelOf } from './derived-requests.ts'
import type { Timers } from '../shared/timers.ts'
import { LargeRequests } from './large-requests.ts'
import type { StreamWay } from './large-requests.ts'
import { ServerTransaction } from './server-transaction.ts'
import type { ServerTransactionOwner } from './server-transaction.ts'
import { statelessTag } from './stateless-tag.ts'
import { hasOneVia, stampTopVia } from './via-top.ts'
import type { ViaTop } from './via-top.ts'

/** Told of every message in and out. */
export type Trace = (direction: 'in' | 'out', message: SipMessage, local: Endpoint, peer: Hop) => void

/** Who takes the requests that start a server transaction, and what belongs to none. */
export type RequestUser = {
  onRequest(transaction: ServerTransaction, request: SipRequest): void
  /** An ACK that belongs to a dialog (of a 2xx). */
  onAck(request: SipRequest, source: Hop, transport: Transport): void
}

/** Who turns strangers away before they cost anything (guard/guard.ts). */
export type LayerGuard = {
  admits(source: Hop): Admission
  admitsConnection(address: string): boolean
  admitsRequest(request: SipRequest, source: Hop): boolean
  answersFault(source: Hop): boolean
  onRefused(source: Hop, status: number): void
  offend(source: Hop, offence: 'noise'): void
  onAsked(hop: Hop): void
}

/** Who says whether a new call can be taken now (guard/call-gate.ts); `key` is that of its transaction. */
export type LayerGate = {
  onMessage(isAdmitted: boolean): void
  onShort(datagram: Uint8Array): void
  refuses(key: string): boolean
}

export type LayerOptions = {
  readonly timers: Timers
  /** Beyond this many, a request outside a dialog is refused with 503, without keeping anything. */
  readonly maxTransactions: number
  /** Flat headers on every response, `Server`. */
  readonly responseHeaders: readonly string[]
  readonly user: RequestUser
  /** A larger request goes by TCP, where there is a face of it beside the UDP one. */
  readonly maxUdpRequestBytes: number
  besideUdp(udp: Transport): StreamWay | undefined
  /** Told what handlers throw. */
  readonly report: FaultReport
  readonly guard?: LayerGuard | undefined
  readonly gate?: LayerGate | undefined
}

/** How long a peer waits before it asks a refused request again, seconds: 3 to 7, so that not all come back at once. */
const RETRY_AFTER_SEC = 3
const RETRY_AFTER_SPREAD_SEC = 5

/**
 * Matches messages to transactions (RFC 3261 §17) and makes new ones. Bytes in from transports, requests out to the user
 * agent; what is malformed, late or a copy ends here.
 */
export class TransactionLayer implements TransportSink, ServerTransactionOwner, ClientTransactionOwner {
  readonly timers: Timers
  readonly maxUdpRequestBytes: number
  readonly largeRequests: LargeRequests
  /** Undefined: nobody looks, and nothing is spent on it. */
  trace: Trace | undefined
  #options: LayerOptions
  #servers = new Map<string, ServerTransaction>()
  #clients = new Map<string, ClientTransaction>()
  /** Server transactions of requests outside dialogs, by RFC 3261 §8.2.2.2. */
  #merges = new Map<string, ServerTransaction>()
  #closed = false

  constructor(options: LayerOptions) {
    this.#options = options
    this.timers = options.timers
    this.maxUdpRequestBytes = options.maxUdpRequestBytes
    this.largeRequests = new LargeRequests(options.timers, options.besideUdp)
  }

  get size(): number {
    return this.#servers.size + this.#clients.size
  }

  /** Starts a client transaction; `branch` is that of the request's topmost Via. */
  request(
    request: SipRequest,
    branch: string,
    transport: Transport,
    hop: Hop,
    user: ClientUser,
  ): ClientTransaction {
    const key = clientKey(branch, request.method)
    this.#options.guard?.onAsked(hop)
    const transaction = new ClientTransaction(this, key, request, transport, hop, user)
    this.#clients.set(key, transaction)
    return transaction
  }

  /**
   * CANCEL of an INVITE (RFC 3261 §9.1), with flat headers of its own; false when that has its final response. What becomes
   * of it shows in the INVITE's final response, so nobody waits for the CANCEL's.
   */
  cancel(invite: ClientTransaction, headers: readonly string[]): boolean {
    const request = invite.pendingRequest
    if (request === undefined) return false
    const branch = branchOf(header(request, 'Via') ?? '') ?? ''
    this.request(cancelOf(request, headers), branch, invite.transport, invite.hop, IGNORE_RESPONSES)
    return true
  }

  /** Sends a message that has no transaction: ACK of a 2xx, a stateless answer. Returns its bytes. */
  sendOnce(message: SipMessage, transport: Transport, hop: Hop): Uint8Array {
    const bytes = serializeMessage(message)
    transport.send(bytes, hop)
    this.sent(message, bytes, hop, transport)
    return bytes
  }

  /** Sends bytes again. */
  resend(bytes: Uint8Array, transport: Transport, hop: Hop): void {
    transport.send(bytes, hop)
    this.sent(undefined, bytes, hop, transport)
  }

  /** Ends every transaction silently. */
  close(): void {
    this.#closed = true
    for (const transaction of this.#servers.values()) transaction.end()
    for (const transaction of this.#clients.values()) transaction.end()
  }

  admits(source: Hop): Admission {
    const { gate, guard } = this.#options
    const admission = guard?.admits(source) ?? 'read'
    gate?.onMessage(admission === 'read')
    return admission
  }

  admitsConnection(address: string): boolean {
    return this.#options.guard?.admitsConnection(address) ?? true
  }

  onShort(datagram: Uint8Array): void {
    this.#options.gate?.onShort(datagram)
  }

  onMessage(message: SipMessage, source: Hop, transport: Transport): void {
    if (this.#closed) return
    this.trace?.('in', message, transport.local, source)
    if (message.kind === 'response') this.#onResponse(message)
    else if (this.#options.guard?.admitsRequest(message, source) !== false)
      this.#onRequest(message, source, transport)
  }

  onFault(request: SipRequest, fault: ParseFault, source: Hop, transport: Transport): void {
    if (this.#closed || this.#options.guard?.answersFault(source) === false) return
    const via = stampTopVia(request, source)
    if (via === undefined) return
    this.#refuse(request, via, transport, fault.status, reasonOf(fault))
  }

  onNoise(source: Hop): void {
    this.#options.guard?.offend(source, 'noise')
  }

  onThrown(error: unknown, where: string): void {
    this.#options.report(error, where)
  }

  sent(message: SipMessage | undefined, bytes: Uint8Array, hop: Hop, transport: Transport): void {
    const { trace } = this
    if (trace === undefined) return
    if (message !== undefined) {
      trace('out', message, transport.local, hop)
      return
    }
    const parsed = parseMessage(bytes)
    if (parsed.ok) trace('out', parsed.message, transport.local, hop)
  }

  serverEnded(transaction: ServerTransaction): void {
    this.#servers.delete(transaction.key)
    const { mergeKey } = transaction
    if (mergeKey !== undefined && this.#merges.get(mergeKey) === transaction) this.#merges.delete(mergeKey)
  }

  clientEnded(transaction: ClientTransaction): void {
    this.#clients.delete(transaction.key)
  }

  #onResponse(message: SipResponse): void {
    // RFC 3261 §8.1.3.3: more than one Via means that it was meant for somebody else.
    if (!hasOneVia(message)) return
    const branch = branchOf(header(message, 'Via') ?? '')
    const cseq = parseCSeq(header(message, 'CSeq') ?? '')
    if (branch === undefined || cseq === undefined) return
    const transaction = this.#clients.get(clientKey(branch, cseq.method))
    // RFC 3261 §17.1.3: the method must match too. What matches nothing came too late or was never ours.
    if (transaction?.method === cseq.method) transaction.onResponse(message)
  }

  #onRequest(request: SipRequest, source: Hop, transport: Transport): void {
    const via = stampTopVia(request, source)
    if (via === undefined) return
    const { method } = request
    const base = serverKey(request, via)
    if (method === 'ACK') {
      const invite = this.#servers.get(`${base} INVITE`)
      if (invite === undefined || !invite.onAck()) this.#options.user.onAck(request, source, transport)
      return
    }
    const key = `${base} ${method}`
    const known = this.#servers.get(key)
    if (known !== undefined) {
      known.onDuplicate()
      return
    }
    if (method === 'CANCEL') {
      this.#onCancel(request, base, key, via, source, transport)
      return
    }
    const mergeKey = mergeKeyOf(request)
    // What ends calls is still served: it makes room.
    if (mergeKey !== undefined && this.#hasNoRoom(method, key)) {
      this.#refuse(request, via, transport, 503)
      return
    }
    if (mergeKey !== undefined && this.#merges.has(mergeKey)) {
      this.#refuse(request, via, transport, 482)
      return
    }
    const transaction = this.#open(method, key, mergeKey, via, source, transport)
    if (transaction.mergeKey !== undefined) this.#merges.set(transaction.mergeKey, transaction)
    this.#options.user.onRequest(transaction, request)
    if (method === 'INVITE') transaction.awaitAnswer(request)
  }

  #hasNoRoom(method: string, key: string): boolean {
    const { maxTransactions, gate } = this.#options
    return this.size >= maxTransactions || (method === 'INVITE' && gate?.refuses(key) === true)
  }

  #onCancel(
    request: SipRequest,
    base: string,
    key: string,
    via: ViaTop,
    source: Hop,
    transport: Transport,
  ): void {
    const invite = this.#servers.get(`${base} INVITE`)
    if (invite === undefined) {
      this.#options.guard?.onRefused(source, 481)
      this.#refuse(request, via, transport, 481)
      return
    }
    const cancel = this.#open('CANCEL', key, undefined, via, source, transport)
    const headers = this.#options.responseHeaders
    cancel.respond(response(request, 200, { toTag: invite.toTag ?? newTag(), headers }))
    invite.user?.onCancel(request)
  }

  #open(
    method: string,
    key: string,
    mergeKey: string | undefined,
    via: ViaTop,
    source: Hop,
    transport: Transport,
  ): ServerTransaction {
    const made = new ServerTransaction(
      this,
      method,
      key,
      mergeKey,
      transport,
      source,
      via.replyTo,
      via.sentByPort,
    )
    this.#servers.set(made.key, made)
    return made
  }

  #refuse(request: SipRequest, via: ViaTop, transport: Transport, status: number, reason?: string): void {
    const { responseHeaders: own } = this.#options
    const toTag = statelessTag(request)
    const answer = response(request, status, {
      toTag,
      headers: status === 503 ? [...own, 'Retry-After', retryAfterOf(toTag)] : own,
      ...(reason !== undefined && { reason }),
    })
    this.sendOnce(answer, transport, via.replyTo)
  }
}

/** The same for each copy of a request, as its tag is. */
function retryAfterOf(tag: string): string {
  return String(RETRY_AFTER_SEC + (Number.parseInt(tag.slice(0, 4), 16) % RETRY_AFTER_SPREAD_SEC))
}

/** Our branches are unique by themselves; only CANCEL shares one, with its INVITE. */
function clientKey(branch: string, method: string): string {
  return method === 'CANCEL' ? `${branch} CANCEL` : branch
}

/** RFC 3261 §17.2.3, less the method; by the older rule for peers without the magic cookie, or with nothing after it. */
function serverKey(request: SipRequest, via: ViaTop): string {
  const { branch } = via
  if (branch !== undefined && branch.length > MAGIC_COOKIE.length && branch.startsWith(MAGIC_COOKIE))
    return `${branch} ${via.sentBy}`
  const cseq = Number.parseInt(header(request, 'CSeq') ?? '', 10)
  const from = tagOf(header(request, 'From') ?? '') ?? ''
  return `${header(request, 'Call-ID')} ${from} ${cseq} ${via.branch ?? ''} ${via.sentBy}`
}

/** Only a request outside a dialog can be a merged one. */
function mergeKeyOf(request: SipRequest): string | undefined {
  if (tagOf(header(request, 'To') ?? '') !== undefined) return undefined
  const from = tagOf(header(request, 'From') ?? '') ?? ''
  return `${header(request, 'CSeq')} ${from} ${header(request, 'Call-ID')}`
}

/** A fault's text never quotes the peer's values, so it may be told as the reason. */
function reasonOf(fault: ParseFault): string | undefined {
  return fault.status === 400 ? `Bad Request: ${fault.text}` : undefined
}
