import { requireLength, type MonoAudio } from './audio-file.ts'
import { decodeSample } from './g711.ts'
import {
  WAV_ALAW,
  WAV_FLOAT,
  WAV_PCM,
  WAV_ULAW,
  WavError,
  blockBytesOf,
  findWavParts,
  type WavFormat,
} from './wav-format.ts'

const MIN_RATE_HZ = 4000
const MAX_RATE_HZ = 192_000

/** Reads samples at a byte offset. */
type Reader = (view: DataView, at: number) => number

const READERS: Readonly<Record<string, Reader>> = {
  [`${WAV_PCM}/8`]: (view, at) => (view.getUint8(at) - 128) / 128,
  [`${WAV_PCM}/16`]: (view, at) => view.getInt16(at, true) / 0x8000,
  [`${WAV_PCM}/24`]: (view, at) => (view.getInt16(at + 1, true) * 256 + view.getUint8(at)) / 0x800000,
  [`${WAV_PCM}/32`]: (view, at) => view.getInt32(at, true) / 0x80000000,
  [`${WAV_FLOAT}/32`]: (view, at) => finite(view.getFloat32(at, true)),
  [`${WAV_ALAW}/8`]: (view, at) => decodeSample('alaw', view.getUint8(at)) / 0x8000,
  [`${WAV_ULAW}/8`]: (view, at) => decodeSample('ulaw', view.getUint8(at)) / 0x8000,
}
const finite = (sample: number): number => (Number.isFinite(sample) ? sample : 0)

/** The audio of a WAV file, stereo mixed down; throws `WavError`. */
export function decodeWav(file: Uint8Array): MonoAudio {
  const { format, dataStart, declaredBytes } = findWavParts(file)
  const read = readerOf(format)
  const blockBytes = blockBytesOf(format)
  const { channels, rateHz } = format
  const length = Math.floor(Math.min(declaredBytes, file.length - dataStart) / blockBytes)
  requireLength(length, rateHz)
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const samples = new Float32Array(length)
  const width = blockBytes / channels
  for (let n = 0; n < length; n++) {
    const at = dataStart + n * blockBytes
    const left = read(view, at)
    samples[n] = channels === 1 ? left : (left + read(view, at + width)) / 2
  }
  return { rateHz, samples }
}

function readerOf({ code, channels, rateHz, bits }: WavFormat): Reader {
  const read = READERS[`${code}/${bits}`]
  if (read === undefined) {
    throw new WavError(
      `WAV format ${code} with ${bits} bits is not supported; send PCM of 8, 16, 24 or 32 bits, 32-bit float, A-law or µ-law`,
    )
  }
  if (channels !== 1 && channels !== 2) throw new WavError(`it has ${channels} channels; send mono or stereo`)
  if (rateHz < MIN_RATE_HZ || rateHz > MAX_RATE_HZ) {
    throw new WavError(`it has a rate of ${rateHz} Hz; send ${MIN_RATE_HZ} to ${MAX_RATE_HZ} Hz`)
  }
  return read
}
