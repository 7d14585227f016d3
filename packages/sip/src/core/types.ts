import type { Guard, GuardStats } from '../guard/guard.ts'
import type { Overload } from '../guard/overload.ts'
import type { SipMessage, SipRequest, SipResponse } from '../message/message.ts'
import type { DnsOptions } from '../resolve/dns-records.ts'
import type { SipClock } from '../shared/timers.ts'
import type { Endpoint, Hop, ListenOptions, TransportName } from '../transport/address.ts'
import type { OpenTransport } from '../transport/transport.ts'

export type { SipClock }

export type StackOptions = {
  readonly listen: readonly ListenOptions[]
  /** Host put into Via and Contact instead of the local address (behind NAT); default: the local address. */
  readonly publicHost?: string
  /** `User-Agent`/`Server`; default `Maskline`. */
  readonly productName?: string
  readonly clock?: SipClock
  /** Opens a listening address; default real sockets. A test kit brings a network in memory. */
  readonly openTransport?: OpenTransport
  /** Beyond this many open transactions a request outside a dialog gets 503 and leaves no trace; default 200,000. */
  readonly maxTransactions?: number
  /** From so many dialogs on a new INVITE gets 503 and leaves no trace, until there are 5 % fewer; default 200,000. */
  readonly maxDialogs?: number
  /** Keeps strangers from taking time and memory; default: everybody may send what they like. */
  readonly guard?: Guard
  /** Refuses new INVITEs with 503 when messages wait too long to be read; works with the system's clock. Default: never. */
  readonly overload?: Overload
  /** A larger request goes by TCP where that is listened on too, and by UDP when the peer takes no connection; default 1300. */
  readonly maxUdpRequestBytes?: number
  /** Timer C: an INVITE without news for so long after a provisional response is given up; default 185,000. */
  readonly inviteTimeoutMs?: number
  /** Session timers (RFC 4028), by which a call whose peer has vanished ends. */
  readonly sessionTimer?: SessionTimerOptions
  /** How host names are looked up (RFC 3263). */
  readonly dns?: DnsSettings
  readonly handlers: StackHandlers
}
export type { ListenOptions }

export type DnsSettings = Omit<DnsOptions, 'families'> & {
  /** Numbers in [0, 1) by which SRV records of one priority are drawn; default Math.random. */
  readonly chance?: () => number
}

export type SessionTimerOptions = {
  /** Session-Expires that we ask for, seconds, 90 and more; default 1800. 0: we ask for none, and take part when a peer does. */
  readonly expiresSec?: number
  /** Min-SE: the shortest interval that we agree to, seconds; default and least 90 (RFC 4028 §5). */
  readonly minSec?: number
}

/** Where requests from outside any dialog land. Nothing a peer sends throws out of the stack. */
export type StackHandlers = {
  /** An INVITE that starts a call. Set `call.handlers` before returning, then answer now or later. */
  onInvite(call: ServerCall): void
  /** Any other request outside a dialog (OPTIONS, REGISTER, …); the default answers OPTIONS 200, others 405. */
  onRequest?(request: IncomingRequest): void
  /** Every message in and out, for traces; keep it cheap. */
  onMessage?(direction: 'in' | 'out', message: SipMessage, local: Endpoint, peer: Hop): void
  /**
   * A handler threw, or the stack itself did; `where` names it (`onInvite`, `timer`, `udp`, …). The request at hand is answered
   * 500, everything else goes on. Default: a process warning.
   */
  onFault?(error: unknown, where: string): void
}

/** A non-INVITE request (server transaction) that waits for its final response. */
export type IncomingRequest = {
  readonly request: SipRequest
  readonly source: Hop
  respond(status: number, options?: ResponseOptions): void
}

/** `headers` is flat [name, value, …] and must not carry what the stack writes (Via, From, To, Call-ID, CSeq, …). */
export type ResponseOptions = {
  readonly reason?: string
  readonly headers?: readonly string[]
  readonly body?: Uint8Array
  /** Default `application/sdp` when a body is given. */
  readonly contentType?: string
}
export type RequestOptions = Omit<ResponseOptions, 'reason'>

/** A request in an early dialog of ours, whose INVITE may have forked; see `forkOf`. */
export type ForkRequestOptions = RequestOptions & {
  /** The early dialog it belongs to; default the one that was heard of last, and after the answer the only one. */
  readonly fork?: string
}

export type ProgressOptions = ResponseOptions & {
  /**
   * Repeated until the caller's PRACK (RFC 3262); only where the caller supports it. Default: when the caller requires it, or
   * supports it and there is a body.
   */
  readonly reliable?: boolean
}

/** What both kinds of calls can do once a dialog exists. */
export type DialogCall = {
  readonly callId: string
  /** Free for the owner: its leg, so that one handler object can serve all calls. */
  owner: unknown
  /** Sends BYE; on a call that is not confirmed yet it does what ends it (CANCEL, or 603/487). Idempotent. */
  bye(options?: RequestOptions): void
  /** re-INVITE (or delayed offer without a body). One at a time; a glare 491 is retried by the stack (RFC 3261 §14.1). */
  reinvite(options: RequestOptions, onFinal: (response: SipResponse) => void): void
  /** ACK of a re-INVITE's 2xx is sent by the stack unless `ackBody` of a delayed offer is needed: use ackReinvite. */
  ackReinvite(options?: RequestOptions): void
  /**
   * Takes an open re-INVITE back (CANCEL, RFC 3261 §9.1). Its `onFinal` still comes, once: with 487, or with what crossed the
   * CANCEL, a 2xx too. No effect without one.
   */
  cancelReinvite(options?: RequestOptions): void
  /**
   * UPDATE (RFC 3311), in an early dialog too; with a body it is an offer. One at a time, and no offer while another is open:
   * otherwise `onFinal` gets a 491 of our own. A glare 491 is retried by the stack.
   */
  update(options: ForkRequestOptions, onFinal: (response: SipResponse) => void): void
  /** Any other in-dialog request: INFO, OPTIONS. A time-out is reported as 408, a dead transport as 503. */
  sendRequest(method: string, options: RequestOptions, onFinal: (response: SipResponse) => void): void
}

/** Handlers shared by both sides of a dialog. */
export type DialogHandlers = {
  /** Peer's BYE; the stack has answered 200. Called at most once; the dialog is over. */
  onBye(call: DialogCall, request: SipRequest): void
  /** Peer's re-INVITE: answer it with `respond` (any 2xx is retransmitted until ACK). `onAck` gets its ACK. */
  onReinvite(call: DialogCall, request: IncomingRequest): void
  /** The peer took its re-INVITE back: the stack has answered 487, and `respond` has no effect any more. */
  onReinviteCancelled?(call: DialogCall, request: IncomingRequest): void
  /** ACK of a re-INVITE's 2xx; carries the answer of a delayed offer. */
  onReinviteAck?(call: DialogCall, request: SipRequest): void
  /**
   * Peer's UPDATE that carries an offer, in an early dialog of a `ClientCall` too (`forkOf(request.request)`): answer it at
   * once. Without this it gets 488. An UPDATE without a body is answered by the stack, and so are those that collide (RFC
   * 3311 §5.2).
   */
  onUpdate?(call: DialogCall, request: IncomingRequest): void
  /**
   * Our current SDP, unchanged, for a session refresh by re-INVITE (RFC 4028 §7.4). Asked only where the peer does not allow
   * UPDATE; undefined or without this: the refresh is tried by UPDATE.
   */
  sessionOffer?(call: DialogCall): Uint8Array | undefined
  /** Methods that `onRequest` takes; default INFO and whatever else comes. Others are refused by the stack. */
  readonly takes?: readonly string[]
  /** INFO and others inside the dialog; without it they are refused, and Allow does not name them. Never UPDATE and PRACK. */
  onRequest?(call: DialogCall, request: IncomingRequest): void
  /**
   * The dialog died without a BYE: ACK never came (BYE is sent by the stack), no PRACK came (the INVITE is refused with 504),
   * 408/481 to a request of ours, the transport failed, or the session was not refreshed in time (BYE is sent; RFC 4028 §10).
   */
  onLost(call: DialogCall, why: LossCause): void
}
export type LossCause = 'no-ack' | 'no-prack' | 'no-dialog' | 'timeout' | 'transport' | 'expired'

export type ServerCallHandlers = DialogHandlers & {
  /** CANCEL before a final response: the stack has answered CANCEL with 200 and INVITE with 487. */
  onCancel(call: ServerCall, request: SipRequest): void
  /** Our 2xx is out: `answer` may have had to hold it back for a PRACK. Not called when the caller gives up before. */
  onAnswered?(call: ServerCall): void
  /** ACK of our 2xx; with a delayed offer its body is the answer. */
  onAck(call: ServerCall, request: SipRequest): void
  /**
   * A PRACK with a body: the answer, when our reliable 1xx made the offer, else a new offer; `respond` with 200 at once, an
   * answer in it to an offer. Without this an answer is taken for good, and an offer gets 488.
   */
  onPrack?(call: ServerCall, request: IncomingRequest): void
}

/** An incoming call (UAS). */
export type ServerCall = DialogCall & {
  readonly request: SipRequest
  readonly source: Hop
  /** Local address the request came to. */
  readonly local: Endpoint
  handlers: ServerCallHandlers
  /**
   * 101–199 with our To-tag. The stack sends 100 by itself when `onInvite` returns without an answer. A reliable one waits for
   * the PRACK of the one before; without SDP it is forgotten when the final response comes first.
   */
  progress(status: number, options?: ProgressOptions): void
  /** Whether the caller takes reliable provisional responses, or insists on them (RFC 3262). */
  readonly reliability: 'none' | 'supported' | 'required'
  /** 2xx; retransmitted until ACK. Held back while a reliable 1xx with SDP waits for its PRACK (RFC 3262 §3); `onAnswered` tells. */
  answer(options?: ResponseOptions): void
  /** 3xx–6xx. No effect after a final response. */
  reject(status: number, options?: ResponseOptions): void
  /**
   * 3xx–6xx for a caller that nobody let in: sent once, not repeated, nothing kept. The INVITE again is a new call. Said before
   * `onInvite` returns, it is the only datagram of ours, so that a forged source address is not flooded.
   */
  rejectStateless(status: number, options?: ResponseOptions): void
}

export type ClientCallHandlers = DialogHandlers & {
  /** 100: the next hop has the request, and nothing is known of the callee. */
  onTrying?(call: ClientCall, response: SipResponse): void
  /**
   * 101–198. `fork` (the To-tag) tells the early dialogs of forks apart. A reliable one comes in order and
   * once, and is acknowledged by the stack, unless it makes the offer: then `prack` takes the answer (RFC 3262 §5).
   */
  onProvisional(call: ClientCall, response: SipResponse, fork: string): void
  /** This early dialog is over, the others go on: 199 (RFC 6228). */
  onForkEnded?(call: ClientCall, response: SipResponse, fork: string): void
  /**
   * First 2xx: the call is up; owner sends `ack`. `fork` is the early dialog that answered, if it was one: where a reliable 1xx
   * of it brought the answer, the 2xx need not. The other early dialogs are over (RFC 3261 §13.2.2.4). Another fork's 2xx is acknowledged and ended with BYE by the stack.
   * After `cancel`, a crossing 2xx is acknowledged and ended by the stack and reported as onFailure 487.
   */
  onAnswer(call: ClientCall, response: SipResponse, fork: string): void
  /**
   * Final failure: a response, or 408 (Timer B or C), 503 (transport error, no address) made by the stack (`response` absent). Where
   * the URI leads to several hops, that of the last one.
   */
  onFailure(call: ClientCall, status: number, response: SipResponse | undefined): void
}

/** An outgoing call (UAC). */
export type ClientCall = DialogCall & {
  /** ACK for the 2xx. */
  ack(options?: RequestOptions): void
  /**
   * PRACK of a reliable 1xx that made the offer, its body the answer. `onFinal` gets the response. No effect where the stack
   * has sent it.
   */
  prack(options: ForkRequestOptions, onFinal?: (response: SipResponse) => void): void
  /** Gives up: CANCEL as soon as allowed (RFC 3261 §9.1); ends in onFailure exactly once. */
  cancel(options?: RequestOptions): void
}

export type SilenceOptions = {
  /** How long a hop may say nothing at all, not even 100, before it is left; ms, default 4,000. */
  readonly limitMs?: number
  /**
   * Whether the last hop is left too, and DNS where it says nothing: `onFailure` tells 408. Default false: it has the 32 s of
   * Timer B.
   */
  readonly atLastHop?: boolean
}

export type InviteOptions = {
  /** Request-URI. */
  readonly uri: string
  /** name-addr or URI without tag; the stack adds the tag. */
  readonly from: string
  readonly to: string
  /** Contact user part; default none (`sip:host:port`). */
  readonly contactUser?: string
  /**
   * Next hop, by address or name; default: what the URI leads to (RFC 3263). When that is several, one after the other is tried
   * until one gives any other response than 100 and 503 (§4.3).
   */
  readonly hop?: Hop
  /** When a hop that says nothing is left for the next one. What it says later is ended by the stack (CANCEL; ACK and BYE). */
  readonly silence?: SilenceOptions
  readonly headers?: readonly string[]
  readonly body?: Uint8Array
  readonly contentType?: string
  /** Default 70. Whoever passes a call on gives one less than it came with, so that a loop of calls ends (RFC 3261 §16.6). */
  readonly maxForwards?: number
  /** Reliable provisional responses (RFC 3262): `supported` (default), `required`, or `none`. */
  readonly reliability?: 'none' | 'supported' | 'required'
  /** Answers 401/407 once per nonce. */
  readonly credentials?: { readonly username: string; readonly password: string }
}

export type OutOfDialogOptions = Omit<InviteOptions, 'reliability' | 'silence'> & {
  readonly method: string
  /** As for an INVITE, but that by default only OPTIONS and REGISTER leave a hop: whatever else could be done twice. */
  readonly silence?: SilenceOptions
  /** Default: our own address where there is a `contactUser`, else none. */
  readonly contact?: string
  /** What stands behind our own Contact: `;expires=0`. */
  readonly contactParams?: string
  /** For REGISTER, whose requests are of one Call-ID. */
  readonly callId?: string
  /** The first CSeq number; a function is asked for each request, those with credentials too. */
  readonly cseq?: number | (() => number)
}

export type StackStats = {
  /** Open now. */
  readonly transactions: number
  readonly dialogs: number
  /** Where there is a guard. */
  readonly guard?: GuardStats
  /** Refused since the start, repetitions too, where overload is watched. */
  readonly refusedInvites?: number
}

/** How a request went out that was answered, or was tried last. */
export type RequestWay = { readonly hop: Hop; readonly contact: string | undefined }

export type SipStack = {
  /** Time as the stack has it, for what is built on it. */
  readonly clock: SipClock
  /** Addresses really bound (port 0 resolved), in the order of `listen`. */
  readonly addresses: readonly (Endpoint & { readonly transport: TransportName })[]
  invite(options: InviteOptions, handlers: ClientCallHandlers): ClientCall
  /**
   * A request outside a dialog (OPTIONS, REGISTER, MESSAGE); a time-out resolves as 408, a transport error as 503, both without
   * headers. `way` is absent when there was none.
   */
  request(options: OutOfDialogOptions, onFinal: (response: SipResponse, way?: RequestWay) => void): void
  /** Where a request to this URI goes, in the order of the tries (RFC 3263 §4); empty: nowhere. */
  locate(uri: string): Promise<readonly Hop[]>
  /**
   * Keeps the way to a peer open through NATs and silence, for as long as the function that it gives is not called: a registration
   * keeps the flow that calls come back on (RFC 5626 §3.5). Over TCP and TLS a connection that breaks is told of, once, and opened
   * again by the next message. `pingAfterMs`: the longest silence, where the peer wants less than is usual.
   */
  keepFlow(hop: Hop, onLost?: () => void, pingAfterMs?: number): () => void
  /**
   * Shows every message in and out, as `StackHandlers.onMessage` does, until the function that it gives is called. Keep it cheap; it
   * costs nothing while there is none.
   */
  trace(onMessage: NonNullable<StackHandlers['onMessage']>): () => void
  /** For tests and metrics. */
  stats(): StackStats
  /** Stops listening and forgets everything; sends nothing. */
  close(): Promise<void>
}
