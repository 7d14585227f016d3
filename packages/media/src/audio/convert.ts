import { Worker } from 'node:worker_threads'
import { WAV_ALAW, WavError, findWavParts } from './wav-format.ts'
import { isMp3, requireLength } from './audio-file.ts'
import type { Conversion } from './convert-worker.ts'

const RATE_HZ = 8000
/** The largest file that is looked at. */
const MAX_SOURCE_BYTES = 16 * 1024 * 1024
/** No honest file of that size takes nearly so long. */
const MAX_WORK_MS = 60_000
const MAX_HEAP_MB = 512

/** A file that cannot become an announcement; the message says why, and what to send. */
export class AudioFileError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'AudioFileError'
  }
}

/**
 * An audio file as announcements are stored: WAV, A-law, 8000 Hz, mono. Takes WAV (PCM, float, A-law, µ-law; mono or
 * stereo; 4 to 192 kHz) and MP3 of up to 16 MB and 5 minutes; a file that is in that form already is returned byte for
 * byte. The work is done in a thread of its own. Rejects with `AudioFileError`; `name` is what it calls the file.
 */
export async function toAnnouncement(file: Uint8Array, name = 'the file'): Promise<Uint8Array> {
  try {
    if (file.length > MAX_SOURCE_BYTES) {
      throw new WavError(`it has ${file.length} bytes; send at most ${MAX_SOURCE_BYTES}`)
    }
    if (isMp3(file)) return await convert(file)
    return isAnnouncement(file) ? file : await convert(file)
  } catch (error) {
    if (error instanceof WavError) {
      throw new AudioFileError(`${name} cannot be used: ${error.message}`, { cause: error })
    }
    throw error
  }
}

function isAnnouncement(file: Uint8Array): boolean {
  const { format, dataStart, declaredBytes } = findWavParts(file)
  const { code, channels, rateHz, bits } = format
  if (code !== WAV_ALAW || channels !== 1 || rateHz !== RATE_HZ || bits !== 8) return false
  const samples = Math.min(declaredBytes, file.length - dataStart)
  if (samples === 0) throw new WavError('there is no audio in it')
  requireLength(samples, RATE_HZ)
  return true
}

function convert(file: Uint8Array): Promise<Uint8Array> {
  const worker = new Worker(new URL('./convert-worker.ts', import.meta.url), {
    workerData: file,
    name: 'maskline-convert',
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    // The MP3 decoder complains there, by its own choice.
    stderr: true,
  })
  return new Promise<Uint8Array>((resolve, reject) => {
    const timer = setTimeout(() => reject(new WavError('its conversion takes too long')), MAX_WORK_MS)
    worker.on('message', (result: Conversion) => {
      if (result.error === undefined) resolve(result.file)
      else reject(new WavError(result.error))
    })
    worker.on('error', (cause) => reject(new AudioFileError('the conversion of a file failed', { cause })))
    worker.on('exit', () => {
      clearTimeout(timer)
      reject(new AudioFileError('the conversion of a file ended unexpectedly'))
    })
  }).finally(() => worker.terminate())
}
