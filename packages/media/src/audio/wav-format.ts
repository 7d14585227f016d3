/**
 * The frame of a WAV file (RIFF WAVE, RFC 2361 codes), whatever its audio.
 *
 *   "RIFF" size "WAVE"  ( chunk-id size data [pad to even] )*     all numbers little-endian
 *   "fmt ": format(2) channels(2) rate(4) byte-rate(4) block-align(2) bits(2)
 */
export type WavFormat = {
  /** 1 PCM, 3 float, 6 A-law, 7 µ-law; behind an extensible header the one it names. */
  readonly code: number
  readonly channels: number
  readonly rateHz: number
  readonly bits: number
}

export const WAV_PCM = 1
export const WAV_FLOAT = 3
export const WAV_ALAW = 6
export const WAV_ULAW = 7
const EXTENSIBLE = 0xfffe

/** Size of the header that `wavHeader` writes; the samples follow. */
export const WAV_HEADER_BYTES = 44
/** Data size of a file that is still being written: readers take all there is. */
export const WAV_UNKNOWN_SIZE = 0x7ffff000

export class WavError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'WavError'
  }
}

export type WavParts = {
  readonly format: WavFormat
  readonly dataStart: number
  /** As the file says; a writer that died, or streamed, leaves a wrong one. */
  readonly declaredBytes: number
}

/** Where format and samples are in a file that begins with `head`; throws `WavError`. */
export function findWavParts(head: Uint8Array): WavParts {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
  if (head.length < 12 || tag(head, 0) !== 'RIFF' || tag(head, 8) !== 'WAVE') {
    throw new WavError('not a WAV file: it does not begin with RIFF … WAVE')
  }
  let format: WavFormat | undefined
  for (let at = 12; at + 8 <= head.length;) {
    const size = view.getUint32(at + 4, true)
    const start = at + 8
    const end = Math.min(start + size, head.length)
    const id = tag(head, at)
    if (id === 'fmt ') format = readFormat(view, start, end)
    if (id === 'data') {
      if (format === undefined) throw new WavError('the WAV file has its data before its format')
      return { format, dataStart: start, declaredBytes: size }
    }
    at = end + (size & 1)
  }
  throw new WavError('the WAV file has no data chunk')
}

function readFormat(view: DataView, start: number, end: number): WavFormat {
  if (end - start < 16) throw new WavError('the WAV format chunk is too short')
  const declared = view.getUint16(start, true)
  return {
    code: declared === EXTENSIBLE && end - start >= 26 ? view.getUint16(start + 24, true) : declared,
    channels: view.getUint16(start + 2, true),
    rateHz: view.getUint32(start + 4, true),
    bits: view.getUint16(start + 14, true),
  }
}

/** The header before `dataBytes` of samples. */
export function wavHeader(format: WavFormat, dataBytes: number): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(WAV_HEADER_BYTES)
  const view = new DataView(header.buffer)
  const blockBytes = blockBytesOf(format)
  putTag(header, 0, 'RIFF')
  view.setUint32(4, riffSize(WAV_HEADER_BYTES, dataBytes), true)
  putTag(header, 8, 'WAVE')
  putTag(header, 12, 'fmt ')
  view.setUint32(16, 16, true)
  view.setUint16(20, format.code, true)
  view.setUint16(22, format.channels, true)
  view.setUint32(24, format.rateHz, true)
  view.setUint32(28, format.rateHz * blockBytes, true)
  view.setUint16(32, blockBytes, true)
  view.setUint16(34, format.bits, true)
  putTag(header, 36, 'data')
  view.setUint32(40, dataBytes, true)
  return header
}

/** What the RIFF size of a file with `dataBytes` behind `dataStart` says. */
export const riffSize = (dataStart: number, dataBytes: number): number =>
  dataStart - 8 + dataBytes + (dataBytes & 1)

/** Bytes of one sample of all channels. */
export const blockBytesOf = ({ channels, bits }: WavFormat): number => channels * Math.ceil(bits / 8)

const tag = (file: Uint8Array, at: number): string => String.fromCharCode(...file.subarray(at, at + 4))
function putTag(file: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < 4; i++) file[at + i] = text.charCodeAt(i)
}
