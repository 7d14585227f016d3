import { decode, encode, type Coding } from './coding.ts'
import type { Concat, ConcatHeader } from './concat.ts'
import { fitsGsm7, septetsOf } from './gsm7.ts'

/** One SMS on its way: user data without its header, and where it stands in a long text. */
export type TextPart = {
  readonly userData: Uint8Array
  readonly coding: Coding
  readonly concat?: Concat
}

export type SplitOptions = {
  /** Of the message, 0–65535; of `udh8` the low 8 bits are taken. Only a text of several parts carries it. */
  readonly reference: number
  /** Default `udh8`. */
  readonly header?: ConcatHeader
}

/** An SMS holds 140 octets: 160 septets. A header takes 6 octets, or 7 with a reference of 16 bits; an SMSC makes one of SAR. */
const OCTETS = 140
const HEADER_OCTETS = { udh8: 6, udh16: 7, sar: 7 } as const satisfies Record<ConcatHeader, number>
const MAX_PARTS = 255

/**
 * A text as SMS: GSM-7 when it has every character (160 septets, 153 a part with `udh8`), else UCS-2 (70 units of 16 bits, 67
 * a part). Escape pairs and surrogate pairs are never cut. An empty text is one empty part.
 * @throws {RangeError} when the text needs more than 255 parts
 */
export function splitText(text: string, { reference, header = 'udh8' }: SplitOptions): readonly TextPart[] {
  const coding: Coding = fitsGsm7(text) ? 'gsm7' : 'ucs2'
  const whole = encode(text, coding)
  if (whole.length <= capacity(coding, 0)) return [{ userData: whole, coding }]
  const pieces = cut(text, coding, capacity(coding, HEADER_OCTETS[header]))
  if (pieces.length > MAX_PARTS) {
    throw new RangeError(`a text of ${pieces.length} parts is too long: an SMS has at most ${MAX_PARTS}`)
  }
  const concat = {
    reference: header === 'udh8' ? reference & 0xff : reference & 0xffff,
    total: pieces.length,
  }
  return pieces.map((piece, i) => ({
    userData: encode(piece, coding),
    coding,
    concat: { ...concat, index: i + 1, header },
  }))
}

/** Bytes that fit beside a header: septets are a byte each here, and packed by the SMSC. */
const capacity = (coding: Coding, headerOctets: number): number =>
  coding === 'gsm7' ? Math.floor(((OCTETS - headerOctets) * 8) / 7) : (OCTETS - headerOctets) & ~1

function cut(text: string, coding: Coding, room: number): readonly string[] {
  const pieces: string[] = []
  let piece = ''
  let used = 0
  for (const char of text) {
    const size = coding === 'gsm7' ? septetsOf(char)!.length : char.length * 2
    if (used + size > room) {
      pieces.push(piece)
      piece = ''
      used = 0
    }
    piece += char
    used += size
  }
  return [...pieces, piece]
}

/**
 * The text of a message's parts, in any order. Bytes are joined before they are decoded, for other senders do cut escape and
 * surrogate pairs; of parts with the same index the first counts.
 */
export function joinParts(parts: readonly TextPart[]): string {
  const byIndex = new Map<number, TextPart>()
  for (const part of parts) {
    const index = part.concat?.index ?? 1
    if (!byIndex.has(index)) byIndex.set(index, part)
  }
  const ordered = [...byIndex].toSorted(([a], [b]) => a - b).map(([, part]) => part)
  const runs: { coding: Coding; bytes: Uint8Array[] }[] = []
  for (const { coding, userData } of ordered) {
    const run = runs.at(-1)
    if (run?.coding === coding) run.bytes.push(userData)
    else runs.push({ coding, bytes: [userData] })
  }
  return runs.map(({ coding, bytes }) => decode(Buffer.concat(bytes), coding)).join('')
}
