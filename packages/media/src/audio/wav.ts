import { encodeG711, type G711 } from './g711.ts'
import {
  WAV_ALAW,
  WAV_HEADER_BYTES,
  WAV_PCM,
  WAV_ULAW,
  WavError,
  findWavParts,
  wavHeader,
  type WavFormat,
} from './wav-format.ts'

export { WavError }

/** WAV files as announcements use them: 8 kHz mono, A-law, µ-law or 16-bit PCM. */
export type WavEncoding = G711 | 'pcm16'
export type WavAudio =
  | { readonly encoding: G711; readonly samples: Uint8Array }
  | { readonly encoding: 'pcm16'; readonly samples: Int16Array }

const FORMAT_CODES: Readonly<Record<WavEncoding, number>> = { pcm16: WAV_PCM, alaw: WAV_ALAW, ulaw: WAV_ULAW }
const RATE_HZ = 8000

/** Reads an 8 kHz mono A-law, µ-law or 16-bit PCM WAV file; throws `WavError` that says what to convert. */
export function readWav(file: Uint8Array): WavAudio {
  const { format, dataStart, declaredBytes } = findWavParts(file)
  const encoding = encodingOf(format)
  // A writer that died, or streamed, leaves a wrong size: take what is there.
  const end = Math.min(dataStart + declaredBytes, file.length)
  if (encoding !== 'pcm16') return { encoding, samples: new Uint8Array(file.subarray(dataStart, end)) }
  // A copy begins at an even offset, which Int16Array needs; a Buffer's own slice would be a view.
  const bytes = new Uint8Array(file.subarray(dataStart, end - ((end - dataStart) & 1)))
  return { encoding, samples: new Int16Array(bytes.buffer) }
}

function encodingOf({ code, channels, rateHz, bits }: WavFormat): WavEncoding {
  const encoding = (Object.keys(FORMAT_CODES) as WavEncoding[]).find((name) => FORMAT_CODES[name] === code)
  if (encoding === undefined || bits !== (encoding === 'pcm16' ? 16 : 8)) {
    throw new WavError(`WAV format ${code} with ${bits} bits; use A-law, µ-law or 16-bit PCM`)
  }
  if (channels !== 1 || rateHz !== RATE_HZ) {
    throw new WavError(`${channels} channel(s) at ${rateHz} Hz; use 8000 Hz mono`)
  }
  return encoding
}

/** An 8 kHz mono WAV file of the audio. */
export function writeWav(audio: WavAudio): Uint8Array<ArrayBuffer> {
  const data =
    audio.encoding === 'pcm16'
      ? new Uint8Array(audio.samples.buffer, audio.samples.byteOffset, audio.samples.byteLength)
      : audio.samples
  const bits = audio.encoding === 'pcm16' ? 16 : 8
  const format = { code: FORMAT_CODES[audio.encoding], channels: 1, rateHz: RATE_HZ, bits }
  const file = new Uint8Array(WAV_HEADER_BYTES + data.length + (data.length & 1))
  file.set(wavHeader(format, data.length))
  file.set(data, WAV_HEADER_BYTES)
  return file
}

/** The audio as `MediaSession.play` takes it: 16-bit PCM becomes A-law. */
export function toPlayAudio(audio: WavAudio): { readonly encoding: G711; readonly samples: Uint8Array } {
  return audio.encoding === 'pcm16' ? { encoding: 'alaw', samples: encodeG711('alaw', audio.samples) } : audio
}
