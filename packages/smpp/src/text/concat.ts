import type { Shifts } from './national.ts'

/**
 * Where a part stands in a long message.
 *
 *     { reference: 0xb7, total: 3, index: 1, header: 'udh8' }
 */
export type Concat = {
  /** Of the message, chosen by its sender: 8 bits in `udh8`, else 16. */
  readonly reference: number
  /** 1–255. */
  readonly total: number
  /** From 1. */
  readonly index: number
  /** How it is told on the wire; default `udh8`. */
  readonly header?: ConcatHeader
}

/**
 * `udh8`, `udh16`: a user data header before the text (3GPP TS 23.040 §9.2.3.24.1 and .8). `sar`: the parameters
 * sar_msg_ref_num, sar_total_segments and sar_segment_seqnum (SMPP 3.4 §5.3.2.22–24), of which the SMSC makes a header.
 */
export type ConcatHeader = 'udh8' | 'udh16' | 'sar'

/** Information element identifiers (3GPP TS 23.040 §9.2.3.24). */
const IEI_CONCAT_8 = 0x00
const IEI_CONCAT_16 = 0x08
const IEI_SINGLE_SHIFT = 0x24
const IEI_LOCKING_SHIFT = 0x25

/** The user data header of a part; `sar` has none.
 *
 *     05 00 03 RR TT II        8-bit reference: length of all, identifier, length, reference, total, index
 *     06 08 04 RR RR TT II     16-bit reference
 */
export function concatUdh({ reference, total, index, header = 'udh8' }: Concat): Uint8Array | undefined {
  switch (header) {
    case 'udh8':
      return Uint8Array.of(5, IEI_CONCAT_8, 3, reference & 0xff, total, index)
    case 'udh16':
      return Uint8Array.of(6, IEI_CONCAT_16, 4, (reference >> 8) & 0xff, reference & 0xff, total, index)
    case 'sar':
      return undefined
  }
}

/**
 * Splits user data that begins with a header into what the header says of concatenation and of tables, and the rest. A header that is
 * longer than the data is none: then everything is user data. An element that makes no sense is passed over (TS 23.040
 * §9.2.3.24.1), and so are elements of other kinds.
 */
export function readUdh(bytes: Uint8Array): {
  readonly userData: Uint8Array
  readonly concat?: Concat
  readonly shifts?: Shifts
} {
  const end = (bytes[0] ?? 0) + 1
  if (end > bytes.length) return { userData: bytes }
  const userData = bytes.subarray(end)
  let concat: Concat | undefined
  let shifts: Shifts | undefined
  for (let at = 1; at + 2 <= end;) {
    const [identifier, length] = [bytes[at]!, bytes[at + 1]!]
    const element = bytes.subarray(at + 2, Math.min(at + 2 + length, end))
    at += 2 + length
    if (element.length !== length) continue
    concat = concatOfElement(identifier, element) ?? concat
    if (identifier === IEI_SINGLE_SHIFT && length === 1) shifts = { ...shifts, single: element[0]! }
    if (identifier === IEI_LOCKING_SHIFT && length === 1) shifts = { ...shifts, locking: element[0]! }
  }
  return { userData, ...(concat && { concat }), ...(shifts && { shifts }) }
}

function concatOfElement(identifier: number, element: Uint8Array): Concat | undefined {
  if (identifier === IEI_CONCAT_8 && element.length === 3) {
    return validConcat({ reference: element[0]!, total: element[1]!, index: element[2]!, header: 'udh8' })
  }
  if (identifier === IEI_CONCAT_16 && element.length === 4) {
    const reference = (element[0]! << 8) | element[1]!
    return validConcat({ reference, total: element[2]!, index: element[3]!, header: 'udh16' })
  }
  return undefined
}

/** The same, when its numbers make sense. */
export const validConcat = (concat: Concat): Concat | undefined =>
  concat.index >= 1 && concat.index <= concat.total && concat.total <= 255 ? concat : undefined
