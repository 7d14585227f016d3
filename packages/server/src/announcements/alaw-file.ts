import { AudioFileError, readWav, type WavAudio, WavError } from '@maskline/media'
import { AppError } from '../shared/app-error.ts'
import { MOST_FINAL_BYTES, MOST_SOURCE_BYTES } from './announcement.ts'

/** Turns an audio file of any accepted kind into A-law WAV, 8 kHz mono; rejects with `AudioFileError`. */
export type Convert = (file: Uint8Array, name?: string) => Promise<Uint8Array>

export type AlawFile = { readonly wav: Uint8Array; readonly samples: Uint8Array }

/**
 * The file as it will be played: byte for byte what was uploaded when that is A-law WAV, 8 kHz mono, else what `convert`
 * makes of it. Throws AppError `ANNOUNCEMENT_TOO_LARGE` or `ANNOUNCEMENT_FORMAT`.
 */
export async function toAlawFile(source: Uint8Array, fileName: string, convert: Convert): Promise<AlawFile> {
  if (source.length > MOST_SOURCE_BYTES)
    throw new AppError(
      'ANNOUNCEMENT_TOO_LARGE',
      `${fileName} has ${source.length} bytes; an upload may have ${MOST_SOURCE_BYTES} (6 MB)`,
    )
  const asIs = readAlaw(source)
  const wav = asIs === undefined ? await converted(source, fileName, convert) : source
  const samples = asIs ?? readAlaw(wav)
  if (samples === undefined || samples.length === 0)
    throw new AppError(
      'ANNOUNCEMENT_FORMAT',
      `${fileName} holds no audio; upload a WAV or MP3 file with sound`,
    )
  if (wav.length > MOST_FINAL_BYTES)
    throw new AppError(
      'ANNOUNCEMENT_TOO_LARGE',
      `${fileName} has ${wav.length} bytes as A-law; an announcement may have ${MOST_FINAL_BYTES} (2 MB, about four minutes)`,
    )
  return { wav, samples }
}

async function converted(source: Uint8Array, fileName: string, convert: Convert): Promise<Uint8Array> {
  try {
    return await convert(source, fileName)
  } catch (cause) {
    if (!(cause instanceof AudioFileError)) throw cause
    throw new AppError('ANNOUNCEMENT_FORMAT', cause.message, { cause })
  }
}

/** The octets of an A-law WAV file, 8 kHz mono; `undefined` for any other file. */
function readAlaw(file: Uint8Array): Uint8Array | undefined {
  let audio: WavAudio
  try {
    audio = readWav(file)
  } catch (error) {
    if (error instanceof WavError) return undefined
    throw error
  }
  return audio.encoding === 'alaw' ? audio.samples : undefined
}
