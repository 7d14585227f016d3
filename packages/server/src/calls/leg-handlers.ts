import type {
  ClientCallHandlers,
  DialogCall,
  IncomingRequest,
  LossCause,
  ServerCallHandlers,
  SipRequest,
  SipResponse,
} from '@maskline/sip'
import { CALLEE, CALLER, type LegName } from './call-media.ts'
import { causeOf } from './reason.ts'

/** What the legs tell the call that owns them. */
export type LegOwner = {
  /** Our 200 is out: perhaps not before `answer` returned (RFC 3262 §3). */
  callerAnswered(): void
  callerAcknowledged(request: SipRequest): void
  /** A PRACK with SDP: the answer to an offer in our reliable response, or an offer (RFC 3262 §5). */
  callerPracked(request: IncomingRequest): void
  /** INFO. */
  informed(leg: LegName, request: IncomingRequest): void
  /** 100: the next hop has the call, and nothing more is known. */
  calleeTrying(response: SipResponse): void
  /** `fork` tells the phones apart that one INVITE rings. */
  calleeProgress(response: SipResponse, fork: string): void
  /** One of those phones is not to be had any more. */
  calleeForkEnded(fork: string): void
  calleeAnswered(response: SipResponse, fork: string): void
  calleeFailed(status: number, response: SipResponse | undefined): void
  /** BYE, CANCEL or loss; `cause` is of Q.850. */
  legGone(leg: LegName, cause: number | undefined): void
  /** A new offer: re-INVITE, or UPDATE (RFC 3311). */
  offered(leg: LegName, request: IncomingRequest): void
  /** CANCEL of its re-INVITE, which the stack has answered 487. */
  offerCancelled(leg: LegName): void
  offerAcknowledged(leg: LegName, request: SipRequest): void
  /** What the leg's session is refreshed with, by re-INVITE (RFC 4028 §7.4). */
  sdpFor(leg: LegName): Uint8Array | undefined
}

const callOf = (leg: DialogCall): LegOwner => leg.owner as LegOwner

/** Why a leg was lost, in Q.850, for the other side: a timer ran out, the network is out of order, temporary failure. */
const CAUSE_OF: Readonly<Record<LossCause, number>> = {
  'no-ack': 102,
  'no-prack': 102,
  timeout: 102,
  expired: 102,
  transport: 38,
  'no-dialog': 41,
}

/** Keys come by INFO; other requests are refused by the stack. */
const TAKEN = ['INFO'] as const

/** One handler object serves all caller legs: the call is the leg's owner. */
export const callerHandlers: ServerCallHandlers = {
  onCancel: (leg, request) => callOf(leg).legGone(CALLER, causeOf(request)),
  onAnswered: (leg) => callOf(leg).callerAnswered(),
  onAck: (leg, request) => callOf(leg).callerAcknowledged(request),
  onPrack: (leg, request) => callOf(leg).callerPracked(request),
  onBye: (leg, request) => callOf(leg).legGone(CALLER, causeOf(request)),
  onReinvite: (leg, request) => callOf(leg).offered(CALLER, request),
  onReinviteCancelled: (leg) => callOf(leg).offerCancelled(CALLER),
  onReinviteAck: (leg, request) => callOf(leg).offerAcknowledged(CALLER, request),
  onUpdate: (leg, request) => callOf(leg).offered(CALLER, request),
  sessionOffer: (leg) => callOf(leg).sdpFor(CALLER),
  takes: TAKEN,
  onRequest: (leg, request) => callOf(leg).informed(CALLER, request),
  onLost: (leg, why) => callOf(leg).legGone(CALLER, CAUSE_OF[why]),
}

export const calleeHandlers: ClientCallHandlers = {
  onTrying: (leg, response) => callOf(leg).calleeTrying(response),
  onProvisional: (leg, response, fork) => callOf(leg).calleeProgress(response, fork),
  onForkEnded: (leg, _response, fork) => callOf(leg).calleeForkEnded(fork),
  onAnswer: (leg, response, fork) => callOf(leg).calleeAnswered(response, fork),
  onFailure: (leg, status, response) => callOf(leg).calleeFailed(status, response),
  onBye: (leg, request) => callOf(leg).legGone(CALLEE, causeOf(request)),
  onReinvite: (leg, request) => callOf(leg).offered(CALLEE, request),
  onReinviteCancelled: (leg) => callOf(leg).offerCancelled(CALLEE),
  onReinviteAck: (leg, request) => callOf(leg).offerAcknowledged(CALLEE, request),
  onUpdate: (leg, request) => callOf(leg).offered(CALLEE, request),
  sessionOffer: (leg) => callOf(leg).sdpFor(CALLEE),
  takes: TAKEN,
  onRequest: (leg, request) => callOf(leg).informed(CALLEE, request),
  onLost: (leg, why) => callOf(leg).legGone(CALLEE, CAUSE_OF[why]),
}
