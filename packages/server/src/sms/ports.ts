import type { CustomerAnswer } from '../bindings/route.ts'
import type { PushDraft } from '../notifications/pushes.ts'
import type { E164 } from '../shared/e164.ts'
import type { EpochMs } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import type { Concat, DeliveryReceipt, LongTexts, Segment, SmsCoding } from './carrier.ts'
import type { MtPart, SmsMessage, SmsState } from './message.ts'

/** A part that came, with its numbers in the form in which they are kept. */
export type Arrived = {
  readonly carrier: string
  readonly from: string
  readonly x: E164
  readonly coding: SmsCoding
  readonly userData: Uint8Array
  readonly concat?: Concat
  /** The carrier's id, which tells one that is handed in twice. */
  readonly carrierId?: string
  /** It will be told whether the network has read the acknowledgement: until then it counts as not read. */
  readonly isWatched?: boolean
}

export type Received =
  /** All parts are there. */
  | { readonly kind: 'complete'; readonly message: SmsMessage }
  /** Others are missing until `dueAt`. */
  | { readonly kind: 'gathering'; readonly id: string; readonly dueAt: EpochMs }
  /** It is there already, in the message of that id. */
  | { readonly kind: 'duplicate'; readonly id: string }

export type ReceiveTimes = {
  /** How long the parts of a text are waited for. */
  readonly gatherMs: number
  /** An acknowledgement that is not known to be read after so long is in doubt. */
  readonly doubtAfterMs: number
}

/** A message as it is read back, with the parts that go to the receiver. */
export type StoredSms = { readonly message: SmsMessage; readonly mt: readonly MtPart[] }

/** What the relay needs of storage; each promise resolves when the work is committed. */
export type SmsStore = {
  /**
   * Keeps a part: of a text that came whole, or together with the others of its sender, X and reference that came within `gatherMs`.
   * The same part once more within that time is a duplicate; another part in its place begins a new message. A text that came
   * whole is a duplicate of an equal one only while the acknowledgement of that is in doubt (docs/adr/0007-repeated-sms.md).
   */
  receive(part: Arrived, at: EpochMs, times: ReceiveTimes): Promise<Received>
  /** The network has read the acknowledgements of all that came of these messages. */
  acknowledged(ids: readonly string[]): Promise<void>
  /** It may not have: until then a part that comes again is taken as the repeat. */
  doubt(ids: readonly string[], until: EpochMs): Promise<void>
  /** The same of all messages of this node of which it was neither told: what a crash leaves behind. */
  doubtOpen(until: EpochMs): Promise<void>
  /** Messages of this node that are not ended and due at `at`, the longest due first. */
  due(at: EpochMs, limit: number): Promise<readonly StoredSms[]>
  /** When the next one after `after` is due. */
  nextDueAt(after: EpochMs): Promise<EpochMs | undefined>
  /**
   * Writes a message and the parts that changed, and queues a push for the app, all or nothing; false, and nothing is done, when it is
   * not in state `from` any more. What `late` or `receipt` has noted of a part stays.
   */
  save(
    message: SmsMessage,
    from: SmsState,
    changes?: { readonly mt?: readonly MtPart[]; readonly push?: PushDraft },
  ): Promise<boolean>
  /**
   * Notes what became of a part that had been given to this carrier without an outcome; false when there is none. The message stays
   * as it is.
   */
  late(messageId: string, part: LatePart): Promise<boolean>
  /** Notes what the network says of a part; false when no part has that id. */
  receipt(carrier: string, receipt: DeliveryReceipt): Promise<boolean>
}

export type LatePart = Omit<MtPart, 'segments' | 'carrier'> & { readonly carrier: string }

/** Details for the console (spec/console.md section 8). */
export type SmsDetails = {
  /** Newest first, without their parts. */
  search(query: SmsQuery): Promise<readonly SmsMessage[]>
  find(id: string): Promise<StoredSms | undefined>
}

export type SmsQuery = {
  readonly appKey?: string
  readonly x?: E164
  /** Sender or receiver. */
  readonly party?: string
  readonly sender?: string
  readonly receiver?: string
  readonly state?: SmsState
  readonly result?: number
  readonly subscriptionId?: string
  /** When it came, first and last instant. */
  readonly since?: EpochMs
  readonly until?: EpochMs
  /** The last id of the page before. */
  readonly before?: string
  readonly limit: number
}

/** Posts a question to the customer's server (notifications/ask.ts). Never rejects. */
export type SmsCustomers = {
  post(body: string, app: App, url: string, timeoutMs: number): Promise<CustomerAnswer>
}

/** Between texts and the user data of their parts (GSM 03.38, UCS-2). */
export type SmsText = {
  /** Cut as the network wants it; a text that fits one part has no `concat`. */
  splitText(
    text: string,
    options: { readonly reference: number; readonly header?: LongTexts },
  ): readonly Segment[]
  /** The text of parts in their order. */
  joinParts(parts: readonly Segment[]): string
}
