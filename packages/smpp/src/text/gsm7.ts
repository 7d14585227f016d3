/**
 * The GSM default alphabet and its extension table (3GPP TS 23.038 §6.2.1), unpacked: one septet a byte, the form that
 * SMPP carries (the SMSC packs). A character of the extension table takes two septets.
 */
export const BASIC =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u001bÆæßÉ' +
  ' !"#¤%&\'()*+,-./0123456789:;<=>?' +
  '¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§' +
  '¿abcdefghijklmnopqrstuvwxyzäöñüà'

const ESCAPE = 0x1b

const EXTENSION: Readonly<Record<string, number>> = {
  '\f': 0x0a,
  '^': 0x14,
  '{': 0x28,
  '}': 0x29,
  '\\': 0x2f,
  '[': 0x3c,
  '~': 0x3d,
  ']': 0x3e,
  '|': 0x40,
  '€': 0x65,
}

/** By character: the septet, or escape and septet. The escape itself is no character. */
const septets: ReadonlyMap<string, readonly number[]> = new Map<string, readonly number[]>([
  ...[...BASIC].map((char, code): [string, number[]] => [char, [code]]).toSpliced(ESCAPE, 1),
  ...Object.entries(EXTENSION).map(([char, code]): [string, number[]] => [char, [ESCAPE, code]]),
])

/** The extension table by septet. */
export const EXTENDED: ReadonlyMap<number, string> = new Map(
  Object.entries(EXTENSION).map(([char, code]) => [code, char]),
)

/** Whether every character has a place in the alphabet or its extension. */
export function fitsGsm7(text: string): boolean {
  for (const char of text) if (!septets.has(char)) return false
  return true
}

/** The septets of one character, or undefined where the alphabet lacks it. */
export const septetsOf = (char: string): readonly number[] | undefined => septets.get(char)

/** One septet a byte; a character that the alphabet lacks becomes `?`. */
export function encodeGsm7(text: string): Uint8Array {
  const bytes: number[] = []
  for (const char of text) bytes.push(...(septets.get(char) ?? [0x3f]))
  return Uint8Array.from(bytes)
}

/**
 * Reads one septet a byte. An escape before a septet that the extension table lacks shows that septet of the basic
 * table, an escape before another or at the end a space (TS 23.038 §6.2.1.1); a byte with the eighth bit set is no septet
 * and shows U+FFFD.
 */
export const decodeGsm7 = (bytes: Uint8Array): string => decodeSeptets(bytes, BASIC, EXTENDED)

/** The same by other tables: 128 characters, and what stands behind an escape. */
export function decodeSeptets(
  bytes: Uint8Array,
  basic: string,
  extended: ReadonlyMap<number, string>,
): string {
  let text = ''
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    if (byte !== ESCAPE) {
      text += basic[byte] ?? '\ufffd'
      continue
    }
    const next = bytes[i + 1]
    if (next === undefined || next === ESCAPE) text += ' '
    else text += extended.get(next) ?? basic[next] ?? '\ufffd'
    i++
  }
  return text
}
