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

/** Amplitude of each frequency, in the order given. */
export const toneAmplitudes = (samples: Int16Array, frequenciesHz: readonly number[]): number[] =>
  frequenciesHz.map((frequencyHz) => goertzel(samples, frequencyHz))
