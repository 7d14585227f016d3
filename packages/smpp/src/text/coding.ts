import { decodeGsm7, encodeGsm7 } from './gsm7.ts'

/** How user data is to be read. `binary` is no text: one byte a character keeps it whole. */
export type Coding = 'gsm7' | 'latin1' | 'ucs2' | 'binary'

/** The data_coding that says so (SMPP 3.4 §5.2.19). 0 is the default alphabet of the SMSC, by agreement GSM 03.38. */
const DATA_CODING = { gsm7: 0x00, latin1: 0x03, binary: 0x04, ucs2: 0x08 } as const satisfies Record<
  Coding,
  number
>

export const dataCodingOf = (coding: Coding): number => DATA_CODING[coding]

/**
 * What data_coding means: the values of SMPP 3.4 §5.2.19 from 0 to 15, above them the GSM groups that SMSCs pass on as they
 * are (3GPP TS 23.038 §4: flash messages, message waiting). IA5 (1) is read as Latin-1, which contains it. What has no
 * reading here (JIS, Cyrillic, Hebrew, compressed text) is `binary`.
 * @param smscDefault what 0 stands for at this SMSC
 */
export function codingOf(dataCoding: number, smscDefault: Coding = 'gsm7'): Coding {
  if (dataCoding <= 0x0f) {
    if (dataCoding === 0x00) return smscDefault
    if (dataCoding === 0x01 || dataCoding === 0x03) return 'latin1'
    return dataCoding === 0x08 ? 'ucs2' : 'binary'
  }
  const group = dataCoding >> 4
  if (group === 0x01) return ALPHABETS[(dataCoding >> 2) & 3]!
  if (group === 0x0c || group === 0x0d) return 'gsm7'
  if (group === 0x0e) return 'ucs2'
  if (group === 0x0f) return (dataCoding & 4) === 0 ? 'gsm7' : 'binary'
  return 'binary'
}

/** Bits 3 and 2 of the general data coding group. */
const ALPHABETS: readonly Coding[] = ['gsm7', 'binary', 'ucs2', 'binary']

/** Text as user data. A character that the coding lacks becomes `?`; lone surrogates stay as they are in UCS-2. */
export function encode(text: string, coding: Coding): Uint8Array {
  switch (coding) {
    case 'gsm7':
      return encodeGsm7(text)
    case 'latin1':
    case 'binary':
      return Uint8Array.from(text.replace(OUTSIDE_LATIN1, '?'), (char) => char.charCodeAt(0))
    case 'ucs2':
      return Uint8Array.from(Buffer.from(text, 'utf16le').swap16())
  }
}

const OUTSIDE_LATIN1 = /[\u{100}-\u{10ffff}]/gu

/** User data as text, joined where it came in parts: UCS-2 is UTF-16BE, an odd last byte is left out. */
export function decode(bytes: Uint8Array, coding: Coding): string {
  switch (coding) {
    case 'gsm7':
      return decodeGsm7(bytes)
    case 'latin1':
    case 'binary':
      return Buffer.from(bytes).toString('latin1')
    case 'ucs2':
      return Buffer.from(bytes.subarray(0, bytes.length & ~1))
        .swap16()
        .toString('utf16le')
  }
}
