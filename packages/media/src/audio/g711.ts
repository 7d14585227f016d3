/**
 * G.711 companding (ITU-T G.711): 16-bit linear samples to A-law and µ-law octets and back, by table.
 * Law to law conversion goes through the linear value, one table look-up per sample.
 */
export type G711 = 'alaw' | 'ulaw'

/** The octet that is silence on the line. */
export const G711_SILENCE: Readonly<Record<G711, number>> = { alaw: 0xd5, ulaw: 0xff }

const ULAW_BIAS = 0x84
const ULAW_CLIP = 32635

function expandAlaw(octet: number): number {
  const code = octet ^ 0x55
  const exponent = (code & 0x70) >> 4
  const mantissa = (code & 0x0f) << 4
  const magnitude = exponent === 0 ? mantissa + 8 : (mantissa + 0x108) << (exponent - 1)
  return code & 0x80 ? magnitude : -magnitude
}

function expandUlaw(octet: number): number {
  const code = ~octet & 0xff
  const magnitude = ((((code & 0x0f) << 3) + ULAW_BIAS) << ((code & 0x70) >> 4)) - ULAW_BIAS
  return code & 0x80 ? -magnitude : magnitude
}

function compressAlaw(sample: number): number {
  // Twelve bits of magnitude; -1 belongs to the first negative interval.
  const magnitude = (sample >= 0 ? sample : -sample - 1) >> 3
  const segment = Math.max(0, 27 - Math.clz32(magnitude))
  const code = (segment << 4) | ((magnitude >> Math.max(1, segment)) & 0x0f)
  return code ^ (sample >= 0 ? 0xd5 : 0x55)
}

function compressUlaw(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0
  const value = Math.min(Math.abs(sample), ULAW_CLIP) + ULAW_BIAS
  const exponent = 31 - Math.clz32(value) - 7
  return ~(sign | (exponent << 4) | ((value >> (exponent + 3)) & 0x0f)) & 0xff
}

const EXPAND: Readonly<Record<G711, Int16Array>> = {
  alaw: Int16Array.from({ length: 256 }, (_, octet) => expandAlaw(octet)),
  ulaw: Int16Array.from({ length: 256 }, (_, octet) => expandUlaw(octet)),
}
const COMPRESS: Readonly<Record<G711, Uint8Array>> = {
  alaw: Uint8Array.from({ length: 65536 }, (_, index) => compressAlaw(index - 32768)),
  ulaw: Uint8Array.from({ length: 65536 }, (_, index) => compressUlaw(index - 32768)),
}

/** The octet of the other law for each octet. */
export const ALAW_TO_ULAW: Uint8Array = Uint8Array.from(EXPAND.alaw, (sample) => encodeSample('ulaw', sample))
export const ULAW_TO_ALAW: Uint8Array = Uint8Array.from(EXPAND.ulaw, (sample) => encodeSample('alaw', sample))

/** One sample, -32768…32767. */
export function encodeSample(law: G711, sample: number): number {
  return COMPRESS[law][sample + 32768] ?? 0
}
export function decodeSample(law: G711, octet: number): number {
  return EXPAND[law][octet] ?? 0
}

/** Linear samples (8 kHz for telephony) to G.711 octets. */
export function encodeG711(law: G711, samples: Int16Array): Uint8Array<ArrayBuffer> {
  const octets = new Uint8Array(samples.length)
  const table = COMPRESS[law]
  for (let i = 0; i < samples.length; i++) octets[i] = table[(samples[i] ?? 0) + 32768] ?? 0
  return octets
}

/** G.711 octets to linear samples. */
export function decodeG711(law: G711, octets: Uint8Array): Int16Array<ArrayBuffer> {
  const samples = new Int16Array(octets.length)
  const table = EXPAND[law]
  for (let i = 0; i < octets.length; i++) samples[i] = table[octets[i] ?? 0] ?? 0
  return samples
}

/** Writes the linear samples of `octets[start…end)` into `target` from `at` on. */
export function decodeInto(
  target: Float32Array,
  at: number,
  law: G711,
  octets: Uint8Array,
  start: number,
  end: number,
): void {
  const table = EXPAND[law]
  for (let i = start; i < end; i++) target[at++] = table[octets[i] ?? 0] ?? 0
}

/** The same sound in law `to`; the very array when it already is. */
export function convertG711(from: G711, to: G711, octets: Uint8Array): Uint8Array {
  if (from === to) return octets
  const table = from === 'alaw' ? ALAW_TO_ULAW : ULAW_TO_ALAW
  return octets.map((octet) => table[octet] ?? 0)
}
