import { BASIC, decodeSeptets, EXTENDED } from './gsm7.ts'

/** What a user data header says of the tables of GSM-7 in its part: national language identifiers (3GPP TS 23.038 §6.2.1.2.4). */
export type Shifts = {
  /** Instead of the default alphabet. */
  readonly locking?: number
  /** Instead of its extension table. */
  readonly single?: number
}

const [TURKISH, SPANISH, PORTUGUESE] = [1, 2, 3]

/** Locking shift tables (Annex A.3): the default alphabet with other characters in some places. */
const LOCKING: ReadonlyMap<number, string> = new Map([
  [
    TURKISH,
    '@£$¥€éùıòÇ\nĞğ\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u001bŞşßÉ' +
      ' !"#¤%&\'()*+,-./0123456789:;<=>?' +
      'İABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§' +
      'çabcdefghijklmnopqrstuvwxyzäöñüà',
  ],
  [
    PORTUGUESE,
    '@£$¥êéúíóç\nÔô\rÁáΔ_ªÇÀ∞^\\€Ó|\u001bÂâÊÉ' +
      ' !"#º%&\'()*+,-./0123456789:;<=>?' +
      'ÍABCDEFGHIJKLMNOPQRSTUVWXYZÃÕÚÜ§' +
      '~abcdefghijklmnopqrstuvwxyzãõ`üà',
  ],
])

/** What single shift tables (Annex A.2) have beyond the extension table. */
const SINGLE: ReadonlyMap<number, ReadonlyMap<number, string>> = new Map(
  [
    {
      language: TURKISH,
      more: { 0x47: 'Ğ', 0x49: 'İ', 0x53: 'Ş', 0x63: 'ç', 0x67: 'ğ', 0x69: 'ı', 0x73: 'ş' },
    },
    {
      language: SPANISH,
      more: {
        0x09: 'ç',
        0x41: 'Á',
        0x49: 'Í',
        0x4f: 'Ó',
        0x55: 'Ú',
        0x61: 'á',
        0x69: 'í',
        0x6f: 'ó',
        0x75: 'ú',
      },
    },
    {
      language: PORTUGUESE,
      more: {
        ...{
          0x05: 'ê',
          0x09: 'ç',
          0x0b: 'Ô',
          0x0c: 'ô',
          0x0e: 'Á',
          0x0f: 'á',
          0x12: 'Φ',
          0x13: 'Γ',
          0x15: 'Ω',
        },
        ...{
          0x16: 'Π',
          0x17: 'Ψ',
          0x18: 'Σ',
          0x19: 'Θ',
          0x1f: 'Ê',
          0x41: 'À',
          0x49: 'Í',
          0x4f: 'Ó',
          0x55: 'Ú',
        },
        ...{
          0x5b: 'Ã',
          0x5c: 'Õ',
          0x61: 'Â',
          0x69: 'í',
          0x6f: 'ó',
          0x75: 'ú',
          0x7b: 'ã',
          0x7c: 'õ',
          0x7f: 'â',
        },
      },
    },
  ].map(({ language, more }) => [
    language,
    new Map([...EXTENDED, ...Object.entries(more).map(([code, char]) => [Number(code), char] as const)]),
  ]),
)

/** Shows U+FFFD whatever the septet: a table that is not known here. */
const UNKNOWN = '\ufffd'.repeat(128)
const UNKNOWN_SINGLE: ReadonlyMap<number, string> = new Map([...UNKNOWN].map((char, code) => [code, char]))

/**
 * Reads septets by the tables of a national language. Of a language other than Turkish, Spanish and Portuguese every character that its
 * table shows is U+FFFD: wrong letters would look like a text.
 */
export function decodeNational(bytes: Uint8Array, { locking, single }: Shifts): string {
  return decodeSeptets(
    bytes,
    locking === undefined ? BASIC : (LOCKING.get(locking) ?? UNKNOWN),
    single === undefined ? EXTENDED : (SINGLE.get(single) ?? UNKNOWN_SINGLE),
  )
}
