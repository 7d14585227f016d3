import { createHash } from 'node:crypto'
import type { DeliveryReceipt } from '../sms/carrier.ts'
import type { MoPart, MtPart, MtState, SmsMessage, SmsState } from '../sms/message.ts'
import type { E164 } from '../shared/e164.ts'
import type { Sealer } from '../shared/seal.ts'
import { prepare, type QueryBuilder, slot } from './plan.ts'
import type { Database } from './schema.ts'

/** The columns of a message that are read back. */
export const MESSAGE = [
  'id',
  'app_key',
  'x',
  'sealed_from',
  'sealed_called',
  'state',
  'due_at',
  'sealed_detail',
] as const
export type MessageRow = Pick<Database['sms_message'], (typeof MESSAGE)[number]>
export type PartRow = Database['sms_part']

/**
 * What of a message has no column of its own. User data lies as base64; at the end only digests of the parts stay, to know one of them
 * that comes again.
 */
type Detail = Pick<SmsMessage, 'carrier' | 'receivedAt' | 'total' | 'subject' | 'sending' | 'end'> & {
  readonly parts?: readonly (Omit<MoPart, 'userData'> & { readonly userData: string })[]
  readonly digests?: readonly string[]
}

/** Between messages and their rows: numbers are sealed so that they can be found, everything else as one text. */
export function createSmsRows(sealer: Sealer) {
  const detailIn = (row: MessageRow): Detail =>
    JSON.parse(sealer.openText(row.sealed_detail, 'sms')) as Detail
  return {
    /** Values that change with the state of a message, in the order of the statement `save`. */
    valuesOf(message: SmsMessage): readonly unknown[] {
      const { state, dueAt, appKey, called, subject, end } = message
      return [
        state,
        state === 'ended' ? null : dueAt,
        appKey ?? null,
        called === undefined ? null : sealer.sealNumber(called),
        subject?.subscriptionId ?? null,
        end?.result ?? null,
        sealer.sealText(JSON.stringify(detailOf(message)), 'sms'),
      ]
    },
    /** Whether this very part is, or was, one of the message. */
    hasPart(row: MessageRow, part: MoPart): boolean {
      const { parts = [], digests = [] } = detailIn(row)
      const digest = digestOf(part)
      return parts.map(openPart).map(digestOf).includes(digest) || digests.includes(digest)
    },
    messageOf(row: MessageRow): SmsMessage {
      const { parts = [], digests: _, ...detail } = detailIn(row)
      return {
        ...detail,
        id: row.id,
        from: sealer.openNumber(row.sealed_from),
        x: row.x as E164,
        state: row.state as SmsState,
        dueAt: row.due_at ?? 0,
        parts: parts.map(openPart),
        ...(row.app_key !== null && { appKey: row.app_key }),
        ...(row.sealed_called !== null && { called: sealer.openNumber(row.sealed_called) as E164 }),
      }
    },
  }
}

function detailOf({ carrier, receivedAt, total, subject, sending, end, parts, state }: SmsMessage): Detail {
  return {
    carrier,
    receivedAt,
    total,
    ...(subject && { subject }),
    ...(end && { end }),
    ...(state === 'ended'
      ? total > 1 && { digests: parts.map(digestOf) }
      : { sending, parts: parts.map(keptPart) }),
  }
}

const keptPart = ({ userData, ...part }: MoPart) => ({
  ...part,
  userData: Buffer.from(userData).toString('base64'),
})
const openPart = ({ userData, ...part }: ReturnType<typeof keptPart>): MoPart => ({
  ...part,
  userData: Buffer.from(userData, 'base64'),
})

/** Tells a part that comes again. */
export const digestOf = ({ index, coding, userData }: MoPart): string =>
  createHash('sha256').update(`${index} ${coding} `).update(userData).digest('base64')

export const partValues = (messageId: string, part: MtPart): readonly unknown[] => [
  messageId,
  part.index,
  part.segments,
  part.state,
  part.carrier ?? null,
  part.carrierId ?? null,
  part.status ?? null,
  part.at,
  part.receipt ?? null,
]

/** All parts of the message of slot 0. */
export const partsQuery = (db: QueryBuilder) =>
  prepare(db.selectFrom('sms_part').selectAll().where('message_id', '=', slot<string>(0)).orderBy('idx'))

export const partOf = (row: PartRow): MtPart => ({
  index: row.idx,
  segments: row.segments,
  state: row.state as MtState,
  at: row.at,
  ...(row.carrier !== null && { carrier: row.carrier }),
  ...(row.carrier_id !== null && { carrierId: row.carrier_id }),
  ...(row.status !== null && { status: row.status }),
  ...(row.receipt !== null && { receipt: row.receipt as DeliveryReceipt['state'] }),
})
