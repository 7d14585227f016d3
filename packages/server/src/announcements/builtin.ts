import { readFileSync } from 'node:fs'
import path from 'node:path'
import {
  type PlayAudio,
  beepTone,
  encodeG711,
  generateTone,
  readWav,
  ringBackTone,
  toPlayAudio,
} from '@maskline/media'
import { PROMPTS, type PromptLanguage, type PromptName } from './prompts.ts'

/**
 * Announcements that every deployment has without uploading a file: spoken prompts (prompts.ts), and tones. A prompt that
 * refuses a call begins with the special information tone (ITU-T E.180, three rising frequencies, Hz), as carriers'
 * announcements do, and a signature of its own, so that ears, other exchanges and tests can tell them apart.
 */
export const BUILTIN_TONES = {
  'no_binding.wav': [950, 1400, 1800, 500],
  'no_permission.wav': [950, 1400, 1800, 620],
  'business_exception.wav': [950, 1400, 1800, 700],
  'busy.wav': [950, 1400, 1800, 800],
  'powered_off.wav': [950, 1400, 1800, 880],
} as const satisfies Readonly<Partial<Record<PromptName, readonly number[]>>>

/** `zh+en`: in Chinese, then in English. */
export type AnnouncementLanguage = PromptLanguage | 'zh+en'

/** How long each frequency of `BUILTIN_TONES` sounds, seconds. */
const SEGMENT_SEC = 0.33

/** All of them by file name. */
export function builtinAnnouncements(language: AnnouncementLanguage): ReadonlyMap<string, PlayAudio> {
  const languages = language.split('+') as PromptLanguage[]
  const prompts = (Object.keys(PROMPTS) as PromptName[]).map((name) => {
    const tone: readonly number[] =
      name in BUILTIN_TONES ? BUILTIN_TONES[name as keyof typeof BUILTIN_TONES] : []
    const parts = [
      tones(tone.map((hz) => [hz, SEGMENT_SEC])),
      ...languages.map((spoken) => speech(name, spoken)),
    ]
    return [name, joined(parts)] as const
  })
  return new Map([...prompts, ['waiting_beep.wav', beepTone()], ['ring_back.wav', ringBackTone()]])
}

/** The built-in names, in no language. */
export const BUILTIN_NAMES: readonly string[] = [...Object.keys(PROMPTS), 'waiting_beep.wav', 'ring_back.wav']

const ASSETS = path.join(import.meta.dirname, '../../assets/prompts')

function speech(name: PromptName, language: PromptLanguage): Uint8Array {
  return toPlayAudio(readWav(readFileSync(path.join(ASSETS, language, name)))).samples
}

/** A-law of tones one after the other, each a frequency in Hz (0 = silence) and seconds. */
function tones(parts: readonly (readonly [number, number])[]): Uint8Array {
  return Buffer.concat(
    parts.map(([hz, seconds]) => encodeG711('alaw', generateTone(hz, seconds, { amplitude: 0.25 }))),
  )
}

const joined = (parts: readonly Uint8Array[]): PlayAudio => ({
  encoding: 'alaw',
  samples: new Uint8Array(Buffer.concat(parts)),
})
