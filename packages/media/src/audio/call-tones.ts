import type { PlayAudio } from '../engine.ts'
import { encodeG711 } from './g711.ts'
import { SAMPLE_RATE_HZ } from './tones.ts'

/**
 * The tones of a Chinese exchange (YDN 065-1997: 450 Hz ± 25 Hz, −10 dBm0 ± 5 dB) and of a telephone's keys (ITU-T Q.23),
 * as `MediaSession.play` takes them. Repeat them for longer.
 */
const TONE_HZ = 450
/** About −10 dBm0; a sine of full scale is +3.14 dBm0. */
const TONE_AMPLITUDE = 0.22
/** Each of a key's two tones; together they stay below clipping. About −9 dBm0. */
const KEY_AMPLITUDE = 0.25

/** One period of ring-back, 1 s of tone and 4 s of silence: what a caller hears while the callee rings. */
export const ringBackTone = (): PlayAudio => cadence([1], 4)

/** One period of busy, 0.35 s of tone and as much silence. */
export const busyTone = (): PlayAudio => cadence([0.35], 0.35)

/** "du… du…": two short tones, then a pause, 2 s in all; says that something is under way. */
export const beepTone = (): PlayAudio => cadence([0.4, 0.4], 0.4, 0.8)

/** The pair of tones of a key (`0`–`9`, `*`, `#`, `A`–`D`) for `durationMs`. */
export const dtmfTone = (digit: string, durationMs: number): PlayAudio => alaw(dtmfSamples(digit, durationMs))

/** Low and high frequency, Hz, of the rows and columns of the keypad (ITU-T Q.23). */
export const DTMF_LOW_HZ: readonly number[] = [697, 770, 852, 941]
export const DTMF_HIGH_HZ: readonly number[] = [1209, 1336, 1477, 1633]
/** Row by row: the key of low frequency `i` and high frequency `j` is at 4 × i + j. */
export const DTMF_KEYS = '123A456B789C*0#D'

/** The same, as linear 8 kHz samples. Throws RangeError for what is no key. */
export function dtmfSamples(digit: string, durationMs: number): Int16Array<ArrayBuffer> {
  const key = digit.length === 1 ? DTMF_KEYS.indexOf(digit.toUpperCase()) : -1
  if (key < 0) throw new RangeError(`"${digit}" is not a telephone digit`)
  const frequenciesHz = [DTMF_LOW_HZ[key >> 2] ?? 0, DTMF_HIGH_HZ[key & 3] ?? 0]
  return sines(frequenciesHz, durationMs / 1000, KEY_AMPLITUDE)
}

/** Tones of the given seconds, each followed by `gap` seconds of silence, the last one by `lastGap`. */
function cadence(tones: readonly number[], gap: number, lastGap = gap): PlayAudio {
  const parts = tones.flatMap((seconds, index) => [
    sines([TONE_HZ], seconds, TONE_AMPLITUDE),
    new Int16Array(Math.round((index === tones.length - 1 ? lastGap : gap) * SAMPLE_RATE_HZ)),
  ])
  const samples = new Int16Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    samples.set(part, at)
    at += part.length
  }
  return alaw(samples)
}

const sines = (
  frequenciesHz: readonly number[],
  seconds: number,
  amplitude: number,
): Int16Array<ArrayBuffer> =>
  Int16Array.from({ length: Math.round(seconds * SAMPLE_RATE_HZ) }, (_, n) => {
    const turn = (2 * Math.PI * n) / SAMPLE_RATE_HZ
    return Math.round(
      32767 * amplitude * frequenciesHz.reduce((sum, frequencyHz) => sum + Math.sin(turn * frequencyHz), 0),
    )
  })

const alaw = (samples: Int16Array): PlayAudio => ({ encoding: 'alaw', samples: encodeG711('alaw', samples) })
