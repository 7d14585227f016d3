import { WavError } from './wav-format.ts'

/** One channel, samples −1…1 (float files may go beyond). */
export type MonoAudio = { readonly rateHz: number; readonly samples: Float32Array }

/** 5 minutes: more is not played in a call, and it is 2.4 MB when converted. */
export const MAX_SECONDS = 300

export function requireLength(samples: number, rateHz: number): void {
  if (samples <= MAX_SECONDS * rateHz) return
  throw new WavError(`it lasts ${Math.ceil(samples / rateHz)} s or more; send at most ${MAX_SECONDS} s`)
}

/** Whether a file begins like MP3: with an ID3 tag, or with a frame of MPEG audio. */
export const isMp3 = (file: Uint8Array): boolean =>
  (file[0] === 0x49 && file[1] === 0x44 && file[2] === 0x33) ||
  (file[0] === 0xff && ((file[1] ?? 0) & 0xe6) > 0xe0)
