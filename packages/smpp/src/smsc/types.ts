import type { SecureContextOptions } from 'node:tls'
import type { AddressRules } from '../message/addresses.ts'
import type { MessageState, Receipt } from '../message/receipt.ts'
import type { BindRole } from '../pdu/pdu.ts'
import type { SmppClock } from '../shared/clock.ts'
import type { Coding } from '../text/coding.ts'
import type { TextPart } from '../text/split.ts'

/** The server side: what a laboratory and tests need of an SMSC. */
export type SmscOptions = {
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default 0: one that is free. */
  readonly port?: number
  /** Absent: TCP. */
  readonly tls?: Pick<SecureContextOptions, 'cert' | 'key' | 'ca'> & {
    /** Whether clients must show a certificate that `ca` signed; default false. */
    readonly clientCert?: boolean
  }
  /** The command_status of a bind; 0 lets it in. Default: everyone. */
  readonly onBind?: (bind: SmscBind) => number | Promise<number>
  readonly onSubmit: (part: SubmittedPart) => SubmitAnswer | Promise<SubmitAnswer>
  readonly onEvent?: (event: SmscEvent) => void
  readonly numbers?: AddressRules
  /** What data_coding 0 stands for; default `gsm7`. */
  readonly defaultAlphabet?: Coding
  /** A connection that has not bound by then is closed; default 30 s. */
  readonly bindTimeoutMs?: number
  /** Default 30 s. */
  readonly responseTimeoutMs?: number
  /** Default 60 s. */
  readonly enquireLinkMs?: number
  /** More are closed at once; default 1000. */
  readonly maxConnections?: number
  /** Submits of one connection whose answer is open; more are refused with ESME_RMSGQFUL. Default 1000. */
  readonly maxIncoming?: number
  readonly clock?: SmppClock
}

export type SmscBind = {
  readonly systemId: string
  readonly password: string
  readonly systemType: string
  readonly role: BindRole
  /** `192.0.2.1:40000`. */
  readonly peer: string
}

export type SubmittedPart = TextPart & {
  readonly systemId: string
  readonly from: string
  readonly to: string
  /** Whether a receipt was asked for. */
  readonly receipt: boolean
  readonly receivedAt: number
}

export type SubmitAnswer =
  /** With the id given, or the next; and then a receipt that says so, if one was asked for. */
  | { readonly do: 'accept'; readonly messageId?: string; readonly receipt?: MessageState }
  | { readonly do: 'refuse'; readonly status: number }
  /** No answer at all. */
  | { readonly do: 'ignore' }
  /** The connection breaks instead of an answer. */
  | { readonly do: 'drop' }

export type SmscEvent =
  | { readonly kind: 'bound'; readonly systemId: string; readonly role: BindRole; readonly peer: string }
  | { readonly kind: 'closed'; readonly systemId?: string; readonly peer: string; readonly reason: string }
  | { readonly kind: 'fault'; readonly peer: string; readonly detail: string }

/** What became of a message to an ESME. */
export type DeliverOutcome =
  | { readonly state: 'accepted' }
  | { readonly state: 'refused'; readonly status: number }
  /** No receiver of that name is bound. */
  | { readonly state: 'unsent' }
  | { readonly state: 'unknown' }

export type Smsc = {
  readonly port: number
  /** Sends a message of a handset to the ESME, on its receivers and transceivers in turn. */
  deliver(
    systemId: string,
    part: TextPart & { readonly from: string; readonly to: string },
  ): Promise<DeliverOutcome>
  /** Tells the ESME what became of a message: `from` and `to` are those of the message. */
  sendReceipt(
    systemId: string,
    receipt: Receipt,
    message: { readonly from: string; readonly to: string; readonly receivedAt: number },
  ): Promise<DeliverOutcome>
  /** Those that are bound. */
  binds(): readonly { readonly systemId: string; readonly role: BindRole; readonly peer: string }[]
  /** Breaks the connections, of one ESME or of all. */
  drop(systemId?: string): void
  /** Takes no more connections, unbinds and closes those that stand. */
  close(): Promise<void>
}
