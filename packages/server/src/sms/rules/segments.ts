import type { SmsCoding } from '../carrier.ts'

/** How segments are counted for `splitNum` and charging: as they are sent, or as the vendor's documents count them. */
export const COUNT_RULES = ['wire', 'document'] as const
export type CountRule = (typeof COUNT_RULES)[number]

/** Characters of each segment of a long text that the documents count: 154 where GSM has 153 (spec/sms.md section 7). */
const DOCUMENTED = { gsm7: 154, ucs2: 67 } as const
const BYTES = { gsm7: 1, ucs2: 2 } as const

type Part = { readonly userData: Uint8Array; readonly coding: SmsCoding }

/** Segments of a text, from the parts that it is cut into (spec/billing.md section 2.3). */
export function countSegments(parts: readonly Part[], rule: CountRule): number {
  const coding = parts[0]?.coding === 'ucs2' ? 'ucs2' : 'gsm7'
  if (rule === 'wire' || parts.length <= 1) return parts.length
  const bytes = parts.reduce((sum, { userData }) => sum + userData.length, 0)
  return Math.ceil(bytes / BYTES[coding] / DOCUMENTED[coding])
}

/** Segments that are charged: all that the text counts, or, when not all were sent, no more than were. */
export const chargedSegments = (sent: number, of: number, count: number): number =>
  sent === of ? count : Math.min(sent, count)
