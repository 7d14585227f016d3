import { encodeG711, type G711 } from './g711.ts'

/**
 * WAV files as announcements use them: 8 kHz mono, A-law, µ-law or 16-bit PCM (RIFF WAVE, RFC 2361 codes).
 *
 *   "RIFF" size "WAVE"  ( chunk-id size data [pad to even] )*     all numbers little-endian
 *   "fmt ": format(2) channels(2) rate(4) byte-rate(4) block-align(2) bits(2)
 */
export type WavEncoding = G711 | 'pcm16'
export type WavAudio =
  | { readonly encoding: G711; readonly samples: Uint8Array }
  | { readonly encoding: 'pcm16'; readonly samples: Int16Array }

export class WavError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'WavError'
  }
}

const FORMAT_CODES: Readonly<Record<WavEncoding, number>> = { pcm16: 1, alaw: 6, ulaw: 7 }
const EXTENSIBLE = 0xfffe
const RATE_HZ = 8000

/** Reads an 8 kHz mono A-law, µ-law or 16-bit PCM WAV file; throws `WavError` that says what to convert. */
export function readWav(file: Uint8Array): WavAudio {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  if (file.length < 12 || tag(file, 0) !== 'RIFF' || tag(file, 8) !== 'WAVE') {
    throw new WavError('not a WAV file: it does not begin with RIFF … WAVE')
  }
  let encoding: WavEncoding | undefined
  for (let at = 12; at + 8 <= file.length;) {
    const size = view.getUint32(at + 4, true)
    const start = at + 8
    // A writer that died, or streamed, leaves a wrong size: take what is there.
    const end = Math.min(start + size, file.length)
    const id = tag(file, at)
    if (id === 'fmt ') encoding = readFormat(view, start, end)
    if (id === 'data') {
      if (encoding === undefined) throw new WavError('the WAV file has its data before its format')
      return takeSamples(encoding, file, start, end)
    }
    at = end + (size & 1)
  }
  throw new WavError('the WAV file has no data chunk')
}

function readFormat(view: DataView, start: number, end: number): WavEncoding {
  if (end - start < 16) throw new WavError('the WAV format chunk is too short')
  const declared = view.getUint16(start, true)
  const code = declared === EXTENSIBLE && end - start >= 26 ? view.getUint16(start + 24, true) : declared
  const channels = view.getUint16(start + 2, true)
  const rateHz = view.getUint32(start + 4, true)
  const bits = view.getUint16(start + 14, true)
  const encoding = (Object.keys(FORMAT_CODES) as WavEncoding[]).find((name) => FORMAT_CODES[name] === code)
  if (encoding === undefined || bits !== (encoding === 'pcm16' ? 16 : 8)) {
    throw new WavError(`WAV format ${code} with ${bits} bits; use A-law, µ-law or 16-bit PCM`)
  }
  if (channels !== 1 || rateHz !== RATE_HZ) {
    throw new WavError(`${channels} channel(s) at ${rateHz} Hz; use 8000 Hz mono`)
  }
  return encoding
}

function takeSamples(encoding: WavEncoding, file: Uint8Array, start: number, end: number): WavAudio {
  if (encoding !== 'pcm16') return { encoding, samples: new Uint8Array(file.subarray(start, end)) }
  // A copy begins at an even offset, which Int16Array needs; a Buffer's own slice would be a view.
  const bytes = new Uint8Array(file.subarray(start, end - ((end - start) & 1)))
  return { encoding, samples: new Int16Array(bytes.buffer) }
}

/** An 8 kHz mono WAV file of the audio. */
export function writeWav(audio: WavAudio): Uint8Array<ArrayBuffer> {
  const data =
    audio.encoding === 'pcm16'
      ? new Uint8Array(audio.samples.buffer, audio.samples.byteOffset, audio.samples.byteLength)
      : audio.samples
  const sampleBytes = audio.encoding === 'pcm16' ? 2 : 1
  const file = new Uint8Array(44 + data.length + (data.length & 1))
  const view = new DataView(file.buffer)
  putTag(file, 0, 'RIFF')
  view.setUint32(4, file.length - 8, true)
  putTag(file, 8, 'WAVE')
  putTag(file, 12, 'fmt ')
  view.setUint32(16, 16, true)
  view.setUint16(20, FORMAT_CODES[audio.encoding], true)
  view.setUint16(22, 1, true)
  view.setUint32(24, RATE_HZ, true)
  view.setUint32(28, RATE_HZ * sampleBytes, true)
  view.setUint16(32, sampleBytes, true)
  view.setUint16(34, sampleBytes * 8, true)
  putTag(file, 36, 'data')
  view.setUint32(40, data.length, true)
  file.set(data, 44)
  return file
}

/** The audio as `MediaSession.play` takes it: 16-bit PCM becomes A-law. */
export function toPlayAudio(audio: WavAudio): { readonly encoding: G711; readonly samples: Uint8Array } {
  return audio.encoding === 'pcm16' ? { encoding: 'alaw', samples: encodeG711('alaw', audio.samples) } : audio
}

const tag = (file: Uint8Array, at: number): string => String.fromCharCode(...file.subarray(at, at + 4))
function putTag(file: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < 4; i++) file[at + i] = text.charCodeAt(i)
}
