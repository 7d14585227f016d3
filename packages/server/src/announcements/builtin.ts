import type { PlayAudio } from '@maskline/media'
import { encodeG711, generateTone } from '@maskline/media'

/**
 * Tones that every deployment has without uploading a file: the special information tone (ITU-T E.180, three rising
 * frequencies) followed by a signature of its own, so that ears and tests can tell them apart.
 */
export const BUILTIN_TONES = {
  'no_binding.wav': [950, 1400, 1800, 500],
  'no_permission.wav': [950, 1400, 1800, 620],
  'business_exception.wav': [950, 1400, 1800, 700],
} as const satisfies Readonly<Record<string, readonly number[]>>

export type BuiltinTone = keyof typeof BUILTIN_TONES

const SEGMENT_SEC = 0.33

export function builtinTones(): ReadonlyMap<string, PlayAudio> {
  return new Map(Object.entries(BUILTIN_TONES).map(([name, frequencies]) => [name, toAlaw(frequencies)]))
}

function toAlaw(frequencies: readonly number[]): PlayAudio {
  const parts = frequencies.map((frequency) => generateTone(frequency, SEGMENT_SEC, { amplitude: 0.25 }))
  const samples = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    samples.set(part, at)
    at += part.length
  }
  return { encoding: 'alaw', samples: encodeG711('alaw', samples) }
}
