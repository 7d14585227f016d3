import type {
  ClientCallHandlers,
  DialogCall,
  IncomingRequest,
  ServerCallHandlers,
  SipRequest,
  SipResponse,
} from '@maskline/sip'
import { CALLEE, CALLER, type LegName } from './call-media.ts'

/** What the legs tell the call that owns them. */
export type LegOwner = {
  callerAcknowledged(request: SipRequest): void
  callerInformed(request: IncomingRequest): void
  /** 100: the next hop has the call, and nothing more is known. */
  calleeTrying(response: SipResponse): void
  calleeProgress(response: SipResponse): void
  calleeAnswered(response: SipResponse): void
  calleeFailed(status: number, response: SipResponse | undefined): void
  /** BYE, CANCEL or loss. */
  legGone(leg: LegName): void
  reinvited(leg: LegName, request: IncomingRequest): void
  reinviteAcknowledged(leg: LegName, request: SipRequest): void
}

/** Owner of a leg that was given up: what comes of it concerns no call. */
export const NOBODY: LegOwner = {
  callerAcknowledged() {},
  callerInformed: (request) => request.respond(481),
  calleeTrying() {},
  calleeProgress() {},
  calleeAnswered() {},
  calleeFailed() {},
  legGone() {},
  reinvited: (_leg, request) => request.respond(481),
  reinviteAcknowledged() {},
}

const callOf = (leg: DialogCall): LegOwner => leg.owner as LegOwner

/** One handler object serves all caller legs: the call is the leg's owner. */
export const callerHandlers: ServerCallHandlers = {
  onCancel: (leg) => callOf(leg).legGone(CALLER),
  onAck: (leg, request) => callOf(leg).callerAcknowledged(request),
  onBye: (leg) => callOf(leg).legGone(CALLER),
  onReinvite: (leg, request) => callOf(leg).reinvited(CALLER, request),
  onReinviteAck: (leg, request) => callOf(leg).reinviteAcknowledged(CALLER, request),
  onLost: (leg) => callOf(leg).legGone(CALLER),
}

/** The same for a leg whose keys are asked for: it may send INFO, and is told so in Allow. */
export const keyingCallerHandlers: ServerCallHandlers = {
  ...callerHandlers,
  takes: ['INFO'],
  onRequest: (leg, request) => callOf(leg).callerInformed(request),
}

export const calleeHandlers: ClientCallHandlers = {
  onTrying: (leg, response) => callOf(leg).calleeTrying(response),
  onProvisional: (leg, response) => callOf(leg).calleeProgress(response),
  onAnswer: (leg, response) => callOf(leg).calleeAnswered(response),
  onFailure: (leg, status, response) => callOf(leg).calleeFailed(status, response),
  onBye: (leg) => callOf(leg).legGone(CALLEE),
  onReinvite: (leg, request) => callOf(leg).reinvited(CALLEE, request),
  onReinviteAck: (leg, request) => callOf(leg).reinviteAcknowledged(CALLEE, request),
  onLost: (leg) => callOf(leg).legGone(CALLEE),
}
