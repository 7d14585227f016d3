import { MPEGDecoder } from 'mpg123-decoder'
import { requireLength, type MonoAudio } from './audio-file.ts'
import { WavError } from './wav-format.ts'

/** Taken at once; with 8 kbit/s a minute of audio. */
const CHUNK_BYTES = 64 * 1024

/**
 * The audio of an MP3 file, stereo mixed down; throws `WavError`. The decoder may loop without end on a file that was made
 * for it: run it in a thread that can be ended.
 */
export async function decodeMp3(file: Uint8Array): Promise<MonoAudio> {
  const decoder = new MPEGDecoder()
  await decoder.ready
  const parts: Float32Array[] = []
  let rateHz = 0
  let length = 0
  for (let at = 0; at < file.length; at += CHUNK_BYTES) {
    const { channelData, samplesDecoded, sampleRate } = decoder.decode(file.subarray(at, at + CHUNK_BYTES))
    if (samplesDecoded === 0) continue
    if (rateHz !== 0 && sampleRate !== rateHz)
      throw new WavError('its rate changes on the way; send one rate')
    rateHz = sampleRate
    length += samplesDecoded
    requireLength(length, rateHz)
    const [left = new Float32Array(samplesDecoded), right = left] = channelData
    parts.push(left.map((sample, n) => (sample + (right[n] ?? 0)) / 2))
  }
  decoder.free()
  if (length === 0) throw new WavError('there is no MP3 audio in it; send WAV or MP3')
  const samples = new Float32Array(length)
  let at = 0
  for (const part of parts) {
    samples.set(part, at)
    at += part.length
  }
  return { rateHz, samples }
}
