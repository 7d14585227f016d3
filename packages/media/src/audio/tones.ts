/** Test tones and their measurement: what the lab and the tests use to tell who hears whom. 8 kHz mono. */
export const SAMPLE_RATE_HZ = 8000

/** A sine of `frequencyHz` lasting `seconds`; `amplitude` 0…1 of full scale (default 0.25). */
export function generateTone(
  frequencyHz: number,
  seconds: number,
  options: { readonly amplitude?: number } = {},
): Int16Array<ArrayBuffer> {
  const scale = (options.amplitude ?? 0.25) * 32767
  const step = (2 * Math.PI * frequencyHz) / SAMPLE_RATE_HZ
  return Int16Array.from({ length: Math.round(seconds * SAMPLE_RATE_HZ) }, (_, n) =>
    Math.round(scale * Math.sin(step * n)),
  )
}

/** Amplitude (0…1 of full scale) of the `frequencyHz` part of `samples`, by the Goertzel algorithm. */
export function goertzel(samples: Int16Array, frequencyHz: number): number {
  if (samples.length === 0) return 0
  const angle = (2 * Math.PI * frequencyHz) / SAMPLE_RATE_HZ
  const coefficient = 2 * Math.cos(angle)
  let previous = 0
  let beforePrevious = 0
  for (let n = 0; n < samples.length; n++) {
    const current = (samples[n] ?? 0) + coefficient * previous - beforePrevious
    beforePrevious = previous
    previous = current
  }
  const power = previous ** 2 + beforePrevious ** 2 - coefficient * previous * beforePrevious
  return (2 * Math.sqrt(Math.max(0, power))) / samples.length / 32767
}

/** A tone that was heard without a break; `hz` 0: none of those looked for. */
export type ToneRun = { readonly hz: number; readonly fromMs: number; readonly durationMs: number }

const RUN_MS = 20
const RUN_SAMPLES = (RUN_MS * SAMPLE_RATE_HZ) / 1000
/** About −33 dBm0. */
const HEARD_AMPLITUDE = 0.015
/** Of all power; each of a key's two tones has half. */
const HEARD_SHARE = 0.3

/**
 * Which of the frequencies was heard when, one after the other, in steps of 20 ms: what a listener tells of a call. Runs
 * shorter than `leastMs` (default 60: the edge of two tones) are left out, and their neighbours of one tone joined.
 */
export function toneRuns(samples: Int16Array, frequenciesHz: readonly number[], leastMs = 60): ToneRun[] {
  const runs: { hz: number; fromMs: number; durationMs: number }[] = []
  for (let at = 0; at + RUN_SAMPLES <= samples.length; at += RUN_SAMPLES) {
    const hz = loudest(samples.subarray(at, at + RUN_SAMPLES), frequenciesHz)
    const last = runs.at(-1)
    if (last?.hz === hz) last.durationMs += RUN_MS
    else runs.push({ hz, fromMs: (at * 1000) / SAMPLE_RATE_HZ, durationMs: RUN_MS })
  }
  const joined: typeof runs = []
  for (const run of runs) {
    if (run.durationMs < leastMs) continue
    const last = joined.at(-1)
    if (last?.hz === run.hz) last.durationMs = run.fromMs + run.durationMs - last.fromMs
    else joined.push(run)
  }
  return joined
}

function loudest(samples: Int16Array, frequenciesHz: readonly number[]): number {
  const amplitudes = toneAmplitudes(samples, frequenciesHz)
  const most = Math.max(0, ...amplitudes)
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length / 32767 ** 2
  const isHeard = most >= HEARD_AMPLITUDE && most ** 2 / 2 >= HEARD_SHARE * power
  return isHeard ? (frequenciesHz[amplitudes.indexOf(most)] ?? 0) : 0
}

/** Amplitude of each frequency, in the order given. */
export const toneAmplitudes = (samples: Int16Array, frequenciesHz: readonly number[]): number[] =>
  frequenciesHz.map((frequencyHz) => goertzel(samples, frequencyHz))
