import type { E164 } from '../shared/e164.ts'
import type { EpochMs } from '../shared/time.ts'
import type { DeliveryReceipt, LongTexts, SmsCoding } from './carrier.ts'
import type { SmsSubject } from './rules/decide.ts'
import type { SendResult } from './rules/send-result.ts'

/**
 * An SMS from its first part to its end:
 *
 *     gathering ──all parts──▶ received ──decided──▶ sending ──every part has its outcome──▶ ended
 *         └──60 s──────────────────┴─────refused, discarded──────────────────────────────────▶
 *
 * Every state is stored before what follows from it is done, so a crash leaves it in one of them.
 */
export type SmsMessage = {
  /** `smsIdentifier` of the pushes. */
  readonly id: string
  /** The carrier that it came by. */
  readonly carrier: string
  /** In global form, unless the sender is no number. */
  readonly from: string
  /** X, in global form unless it is no number either. */
  readonly x: E164
  readonly receivedAt: EpochMs
  readonly state: SmsState
  /** When it is to be worked on: at once, when gathering ends, or when parts are tried again. Nothing once it is ended. */
  readonly dueAt: EpochMs
  /** How many parts it came in, and those that are there. Storage forgets them, and what is sent, at the end. */
  readonly total: number
  readonly parts: readonly MoPart[]
  /** The app, once it is known. */
  readonly appKey?: string
  readonly subject?: SmsSubject
  readonly called?: E164
  /** While it is being sent. */
  readonly sending?: Sending
  readonly end?: SmsEnd
}

export type SmsState = 'gathering' | 'received' | 'sending' | 'ended'

/** A part as it came; `index` from 1. */
export type MoPart = {
  readonly index: number
  readonly coding: SmsCoding
  readonly userData: Uint8Array
}

export type Sending = {
  /** What goes to the receiver; its parts follow from it, `reference` and `header`. */
  readonly text: string
  readonly reference: number
  /** What is left room for in each part; absent: `udh8`. */
  readonly header?: LongTexts
  /** Segments of it that are told and charged when all are sent. */
  readonly count: number
  /** As the sender wrote it, where the customer's pushes carry it. */
  readonly content?: string
  /** Parts that are unsent then are given up. */
  readonly giveUpAt: EpochMs
}

export type SmsEnd = {
  readonly at: EpochMs
  readonly result: SendResult
  /** Segments sent: `splitNum`, and what is charged. */
  readonly segments: number
}

/** A part that goes to the receiver; stored apart, so that a receipt finds it. */
export type MtPart = {
  /** From 1. */
  readonly index: number
  /** Segments in it: 1, or those of a text that its carrier cuts itself. */
  readonly segments: number
  readonly state: MtState
  /** The last carrier that it was given to. */
  readonly carrier?: string
  /** The carrier's id of it. */
  readonly carrierId?: string
  /** Of a refusal, the protocol's number. */
  readonly status?: number
  readonly at: EpochMs
  readonly receipt?: DeliveryReceipt['state']
}

/** The id under which a part goes to a carrier: that of its message where it is the only one. */
export const partIdOf = (messageId: string, index: number, of: number): string =>
  of === 1 ? messageId : `${messageId}.${index}`

/** The part of such an id. */
export function readPartId(partId: string): { readonly messageId: string; readonly index: number } {
  const [messageId = '', index = '1'] = partId.split('.')
  return { messageId, index: Number(index) }
}

/**
 * `queued`: it never left. `sent`: given to a carrier; without an outcome after a crash it is `unknown`. `failed`: given up unsent.
 */
export type MtState = 'queued' | 'sent' | 'accepted' | 'refused' | 'unknown' | 'failed'
