import type { MessageBody } from '../pdu/pdu.ts'

/** What became of a message that the SMSC accepted (SMPP 3.4 §5.2.28). */
export type MessageState =
  'enroute' | 'delivered' | 'expired' | 'deleted' | 'undeliverable' | 'accepted' | 'unknown' | 'rejected'

/** A delivery receipt, or an intermediate notification. */
export type Receipt = {
  /** The id that the SMSC gave in submit_sm_resp. */
  readonly messageId: string
  readonly state: MessageState
  /** The error code of the network, as it was written; absent when there was none. */
  readonly error?: string
}

/** Whether nothing more follows. */
export const isFinalState = (state: MessageState): boolean => state !== 'enroute' && state !== 'accepted'

/** message_state, and the word for it in the text of a receipt (Appendix B). */
const STATES: readonly (readonly [state: MessageState, value: number, word: string])[] = [
  ['enroute', 1, 'ENROUTE'],
  ['delivered', 2, 'DELIVRD'],
  ['expired', 3, 'EXPIRED'],
  ['deleted', 4, 'DELETED'],
  ['undeliverable', 5, 'UNDELIV'],
  ['accepted', 6, 'ACCEPTD'],
  ['unknown', 7, 'UNKNOWN'],
  ['rejected', 8, 'REJECTD'],
]

const byValue = new Map(STATES.map(([state, value]) => [value, state]))
const byWord = new Map(STATES.map(([state, , word]) => [word, state]))

/** Bits 5 to 2 of esm_class in deliver_sm (§5.2.12). */
const MESSAGE_TYPE = 0x3c
const RECEIPT = 0x04
const INTERMEDIATE = 0x20

/** Whether a message of the SMSC tells of a message of ours. Some SMSCs tell it by the parameters alone. */
export const isReceipt = (body: MessageBody): boolean =>
  (body.esm_class & MESSAGE_TYPE) === RECEIPT ||
  (body.esm_class & MESSAGE_TYPE) === INTERMEDIATE ||
  (body.receipted_message_id !== undefined && body.message_state !== undefined)

/**
 * Reads a receipt: the parameters receipted_message_id, message_state and network_error_code where they are, else the
 * text `id:… sub:… dlvrd:… submit date:… done date:… stat:DELIVRD err:000 text:…` (Appendix B), whose words vary in
 * case and place. Undefined when no id is in it; a state that has no name here is `unknown`.
 */
export function readReceipt(body: MessageBody): Receipt | undefined {
  const bytes = body.short_message?.length ? body.short_message : body.message_payload
  const text = Buffer.from(bytes ?? []).toString('latin1', 0, MAX_TEXT)
  const messageId = body.receipted_message_id || field(text, 'id')
  if (messageId === undefined) return undefined
  const state =
    body.message_state === undefined
      ? byWord.get((field(text, 'stat') ?? '').toUpperCase().slice(0, 7))
      : byValue.get(body.message_state)
  const error = networkError(body.network_error_code) ?? field(text, 'err')
  return {
    messageId,
    state: state ?? 'unknown',
    ...(error === undefined || /^0+$/.test(error) ? {} : { error }),
  }
}

/** A receipt's text is some 120 characters; what stands behind is the message. */
const MAX_TEXT = 255

/** The word after `name:`, which does not end another name (`id` is not `submitid`). */
const field = (text: string, name: string): string | undefined =>
  new RegExp(`(?:^|[^a-z])${name}: ?(\\S+)`, 'i').exec(text)?.[1]

function networkError(bytes: Uint8Array | undefined): string | undefined {
  if (bytes?.length !== 3) return undefined
  const code = (bytes[1]! << 8) | bytes[2]!
  return code === 0 ? undefined : String(code)
}

/** How ids are written, where submit_sm_resp and receipts of one SMSC do not agree. */
export type MessageIdForm = 'as-is' | 'decimal' | 'hex'

/** An id as a decimal number without leading zeros, so that both forms meet; what is no such number stays as it is. */
export function normalizeMessageId(id: string, form: MessageIdForm): string {
  if (form === 'decimal') return /^\d{1,64}$/.test(id) ? BigInt(id).toString() : id
  if (form === 'hex') return /^[0-9a-f]{1,64}$/i.test(id) ? BigInt(`0x${id}`).toString() : id
  return id
}

/** The body of a receipt as an SMSC writes it, in text and in parameters. Times are in UTC. */
export function receiptBody(
  receipt: Receipt,
  submittedAt: number,
  doneAt: number,
): Pick<
  MessageBody,
  'esm_class' | 'data_coding' | 'short_message' | 'receipted_message_id' | 'message_state'
> {
  const [, value, word] = STATES.find(([state]) => state === receipt.state)!
  const delivered = receipt.state === 'delivered' ? '001' : '000'
  const text =
    `id:${receipt.messageId} sub:001 dlvrd:${delivered} submit date:${minute(submittedAt)} ` +
    `done date:${minute(doneAt)} stat:${word} err:${receipt.error ?? '000'} text:`
  return {
    esm_class: isFinalState(receipt.state) ? RECEIPT : INTERMEDIATE,
    data_coding: 0,
    short_message: Buffer.from(text, 'latin1'),
    receipted_message_id: receipt.messageId,
    message_state: value,
  }
}

/** YYMMDDhhmm. */
const minute = (at: number): string => new Date(at).toISOString().replace(/\D/g, '').slice(2, 12)
