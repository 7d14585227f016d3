/** The thread of one conversion: see `toAnnouncement`. */
import { parentPort, workerData } from 'node:worker_threads'
import { isMp3, type MonoAudio } from './audio-file.ts'
import { decodeWav } from './decode-wav.ts'
import { encodeG711 } from './g711.ts'
import { resample } from './resample.ts'
import { WavError } from './wav-format.ts'
import { writeWav } from './wav.ts'

export type Conversion =
  | { readonly error?: undefined; readonly file: Uint8Array }
  /** For people. */
  | { readonly error: string }

const RATE_HZ = 8000

async function convert(file: Uint8Array): Promise<Conversion> {
  try {
    const audio = isMp3(file) ? await mp3(file) : decodeWav(file)
    if (audio.samples.length === 0) throw new WavError('there is no audio in it')
    return { file: writeWav({ encoding: 'alaw', samples: encodeG711('alaw', toTelephone(audio)) }) }
  } catch (error) {
    if (error instanceof WavError) return { error: error.message }
    throw error
  }
}

/** The decoder takes longer to load than most files to convert. */
async function mp3(file: Uint8Array): Promise<MonoAudio> {
  const { decodeMp3 } = await import('./decode-mp3.ts')
  return decodeMp3(file)
}

/** 8 kHz, 16 bits; made softer only where it would clip. */
function toTelephone({ samples, rateHz }: MonoAudio): Int16Array {
  const audio = resample(samples, rateHz, RATE_HZ)
  let peak = 1
  for (const sample of audio) peak = Math.max(peak, Math.abs(sample))
  return Int16Array.from(audio, (sample) => Math.round((sample / peak) * 32767))
}

parentPort?.postMessage(await convert(workerData as Uint8Array))
