import type { AddressRules } from '../message/addresses.ts'
import type { MessageIdForm, Receipt } from '../message/receipt.ts'
import type { BindRole } from '../pdu/pdu.ts'
import type { AnswerFate } from '../session/answer-watch.ts'
import type { SmppClock } from '../shared/clock.ts'
import type { Coding } from '../text/coding.ts'
import type { TextPart } from '../text/split.ts'

/** What an SMSC and we have agreed on. */
export type EsmeOptions = {
  /** Where the SMSC listens. Each connection begins with another one, and goes on to the next when it fails. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[]
  /** Absent: TCP. */
  readonly tls?: EsmeTls
  readonly systemId: string
  readonly password: string
  readonly systemType?: string
  /** Default empty: what the SMSC has on its side. */
  readonly addressRange?: string
  /** `separate` binds a transmitter and a receiver instead of a transceiver; default `transceiver`. */
  readonly bind?: 'transceiver' | 'separate'
  /** Transceivers, or pairs of transmitter and receiver; default 1. */
  readonly connections?: number
  /** submit_sm that may wait for their responses on one connection; default 10. */
  readonly window?: number
  /** submit_sm a second, over all connections, where the SMSC has set a limit; default: as fast as it answers. */
  readonly maxPerSecond?: number
  readonly serviceType?: string
  readonly numbers?: AddressRules
  /** What data_coding 0 stands for in messages of the SMSC; default `gsm7`. */
  readonly defaultAlphabet?: Coding
  /** How message ids are written in responses and in receipts; default `as-is` for both. */
  readonly messageIds?: { readonly response?: MessageIdForm; readonly receipt?: MessageIdForm }

  /** Default 10 s. */
  readonly connectTimeoutMs?: number
  /** How long a response is waited for, then the outcome is `unknown`; default 30 s. */
  readonly responseTimeoutMs?: number
  /** After so long a silence the SMSC is asked whether it is there; default 30 s. */
  readonly enquireLinkMs?: number
  /** Between attempts to connect, doubling from the first to the second, less up to half of it by chance; default 1 s to 60 s. */
  readonly retryMs?: readonly [min: number, max: number]
  /** After ESME_RTHROTTLED or ESME_RMSGQFUL a connection pauses, in the same manner; default 500 ms to 30 s. */
  readonly throttleMs?: readonly [min: number, max: number]
  /** How long a part may wait for its turn, throttled or not; default 60 s. */
  readonly patienceMs?: number
  /** Parts that may wait for their turn; default 10,000. */
  readonly queueLimit?: number
  /** Messages of the SMSC, on each connection, whose promise is open; more are refused for the time being. Default 100. */
  readonly maxIncoming?: number

  /** Default: the system's. */
  readonly clock?: SmppClock
  /** 0 ≤ n < 1; default Math.random. */
  readonly random?: () => number
} & EsmeHandlers

export type EsmeTls = {
  /** Who may sign the SMSC's certificate, PEM; default: the roots that come with Node. */
  readonly ca?: string
  /** Our own certificate and key, PEM, where the SMSC asks for one. */
  readonly cert?: string
  readonly key?: string
  /** The name that the certificate must have; default: the host. */
  readonly serverName?: string
  /** Default true. */
  readonly verify?: boolean
}

export type EsmeHandlers = {
  /**
   * A message of a handset, one part of it. The SMSC is told that we have it when the promise is fulfilled; when it is
   * rejected the SMSC is to deliver it again. It may come twice: the connection can break before the SMSC learns, which
   * `acknowledgement` of the part tells.
   */
  onMessage(part: IncomingPart): Promise<void> | void
  /** A receipt, acknowledged like a message. On another connection it may overtake the outcome of its submit. */
  onReceipt(receipt: Receipt): Promise<void> | void
  /** The part, the same object, whose outcome was `unknown` has been answered after all: `accepted` or `refused`. */
  onLateOutcome?(part: OutgoingPart, outcome: SubmitOutcome): void
  onEvent?(event: EsmeEvent): void
}

export type IncomingPart = TextPart & {
  /** As the address rules read them: `+8613800000021`, or digits. */
  readonly from: string
  readonly to: string
  /** Milliseconds since 1970. */
  readonly receivedAt: number
  /**
   * Once `onMessage` is fulfilled: `read` when the SMSC has shown that it knows; `lost` when the connection ended before. Then the SMSC may
   * deliver the part again. Never rejects.
   */
  readonly acknowledgement: Promise<AnswerFate>
}

export type OutgoingPart = TextPart & {
  /** E.164 with `+`; or a short code or a name. */
  readonly from: string
  readonly to: string
  /** Whether a delivery receipt is asked for; default true. */
  readonly receipt?: boolean
  /** How long the SMSC tries, seconds, up to 99 days; default: its own. */
  readonly validitySec?: number
}

/** What became of one submit_sm. A part is sent again only after the SMSC has refused it with a request to slow down. */
export type SubmitOutcome =
  | { readonly state: 'accepted'; readonly messageId: string }
  /** Not taken. `temporary`: another try, here or elsewhere, may succeed. `status` is the command_status. */
  | { readonly state: 'refused'; readonly status: number; readonly temporary: boolean }
  /** It never left: may be sent elsewhere. */
  | { readonly state: 'unsent' }
  /** It went out and no response came: the SMSC may have it. */
  | { readonly state: 'unknown' }

/** What happens on the connections; `connection` counts from 1. There is no number and no text in it. */
export type EsmeEvent =
  | { readonly kind: 'bound'; readonly connection: number; readonly role: BindRole; readonly peer: string }
  | {
      readonly kind: 'lost'
      readonly connection: number
      readonly role: BindRole
      readonly peer: string
      readonly reason: string
      /** Absent when we are closing. */
      readonly retryInMs?: number
    }
  | {
      readonly kind: 'throttled'
      readonly connection: number
      readonly status: number
      readonly pauseMs: number
    }
  | { readonly kind: 'fault'; readonly connection: number; readonly detail: string }

export type ConnectionState = {
  readonly connection: number
  readonly role: BindRole
  readonly state: 'waiting' | 'connecting' | 'binding' | 'bound' | 'unbinding' | 'closed'
  /** `192.0.2.1:2775`, the present or the next. */
  readonly peer: string
  readonly inFlight: number
  /** Why it was last lost. */
  readonly reason?: string
}

export type Esme = {
  /** Never rejects. While nothing is bound that could send, the outcome is `unsent` at once. */
  submit(part: OutgoingPart): Promise<SubmitOutcome>
  /** Fulfilled when a part can be sent; rejected by `close`. */
  whenReady(): Promise<void>
  state(): { readonly queued: number; readonly connections: readonly ConnectionState[] }
  /** Gives back what is queued as `unsent`, waits for responses, unbinds. */
  close(): Promise<void>
}
