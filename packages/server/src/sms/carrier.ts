import type { E164 } from '../shared/e164.ts'
import type { EpochMs } from '../shared/time.ts'

/**
 * The port for whatever carries SMS: SMPP, CMPP, an aggregator's HTTP. A carrier hands in what people send to X and takes what goes
 * to them; it knows nothing of masking. What it must keep is written at each member.
 */
export type SmsCarrier = {
  /** Unique among the carriers, and the same after a restart: receipts are found by it. */
  readonly name: string
  /** `parts`: each segment is submitted; `texts`: the carrier cuts long texts itself and gets them whole. */
  readonly takes: 'parts' | 'texts'
  /** How it tells that parts belong together; default `udh8`. */
  readonly longTexts?: LongTexts
  /**
   * Sends one part, once. Resolves when its outcome is known, and never rejects; a part that can wait in the carrier for a connection may do
   * so as long as nothing of it has left when it becomes `unsent`. After a crash every part whose outcome was not told counts as
   * `unknown`.
   */
  submit(part: OutgoingPart): Promise<SubmitOutcome>
  /** Stops; what is under way gets its outcome. */
  close(): Promise<void>
}

/** What a carrier is given to hand in what comes: they resolve when it is stored, and reject when it could not be. */
export type CarrierHandlers = {
  /** The network gets its acknowledgement after this has resolved, and a temporary error, so that it tries again, when it rejects. */
  onPart(part: IncomingPart): Promise<void>
  onReceipt(receipt: DeliveryReceipt): Promise<void>
  /** What became of the part of that id after all, whose outcome was `unknown`. It is noted; nothing is sent again. */
  onLateOutcome(partId: string, outcome: KnownOutcome): Promise<void>
}

/** `gsm7` is unpacked, one septet a byte; `ucs2` is UTF-16BE. */
export type SmsCoding = 'gsm7' | 'latin1' | 'ucs2' | 'binary'

/**
 * How parts of a long text are told to belong together: by a header with a reference of 8 or 16 bits, which leaves one character less in
 * each part, or by parameters beside the text (SAR), of which the network makes a header of either kind.
 */
export type LongTexts = 'udh8' | 'udh16' | 'sar'

/** Which part of a long text this is: `index` from 1 to `total` under one `reference` of the sender. */
export type Concat = {
  readonly reference: number
  readonly total: number
  readonly index: number
  /** Of a part that goes out: what there is room for beside the text. */
  readonly header?: LongTexts
}

/** User data without its header. */
export type Segment = {
  readonly userData: Uint8Array
  readonly coding: SmsCoding
  /** Absent: the whole text. */
  readonly concat?: Concat
}

export type IncomingPart = Segment & {
  /** As the network names the sender: a number in any form, or a name. */
  readonly from: string
  /** X, in any form. */
  readonly to: string
  readonly receivedAt: EpochMs
  /** The carrier's own id of it, where it hands in the same one again with the same id. */
  readonly id?: string
  /**
   * Settles after `onPart` has resolved: `read` when the network has shown that it knows, `lost` when it may not know, and so may
   * hand in the same again. Never rejects, and settles at the latest when the carrier is closed. Absent where nobody can tell.
   */
  readonly acknowledgement?: Promise<'read' | 'lost'>
}

export type OutgoingPart = Segment & {
  /** Ours: never used twice. */
  readonly id: string
  readonly from: E164
  readonly to: E164
  /** For carriers that take texts: the whole text. */
  readonly text: string
}

/** What became of a submit. */
export type SubmitOutcome =
  | { readonly state: 'accepted'; readonly messageId: string }
  /** Not taken; `temporary`: it may be tried again, or elsewhere. `status` is the protocol's own number. */
  | { readonly state: 'refused'; readonly status: number; readonly temporary: boolean }
  /** It never left: it may be sent elsewhere. */
  | { readonly state: 'unsent' }
  /** It went out and no answer came: it is never sent again. */
  | { readonly state: 'unknown' }

/** What a network can still say of a part that was `unknown`. */
export type KnownOutcome = Extract<SubmitOutcome, { readonly state: 'accepted' | 'refused' }>

/** What the network says later of an accepted part. */
export type DeliveryReceipt = {
  readonly messageId: string
  readonly state: 'delivered' | 'expired' | 'deleted' | 'undeliverable' | 'rejected' | 'unknown'
  /** The network's own code. */
  readonly error?: string
}

/** Which carriers send from an X, the preferred first; none: nothing leads there. */
export type SmsRoutes = { waysFrom(x: E164): readonly SmsCarrier[] }
