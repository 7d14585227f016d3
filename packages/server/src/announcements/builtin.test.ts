import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { decodeG711, goertzel, readWav } from '@maskline/media'
import { BUILTIN_NAMES, BUILTIN_TONES, builtinAnnouncements } from './builtin.ts'
import { PROMPTS, PROMPT_LANGUAGES } from './prompts.ts'

const ASSETS = path.join(import.meta.dirname, '../../assets/prompts')
const SEGMENT = 0.33 * 8000
const LANGUAGES = ['zh', 'en', 'zh+en'] as const

const secondsOf = (name: string, language: (typeof LANGUAGES)[number]): number =>
  builtinAnnouncements(language).get(name)!.samples.length / 8000

test('[ann.builtin.refusals] a prompt that refuses begins with the special information tone and a signature of its own', () => {
  const signatures = new Set(Object.values(BUILTIN_TONES).map((tones) => tones[3]))
  assert.equal(signatures.size, Object.keys(BUILTIN_TONES).length)
  for (const language of LANGUAGES)
    for (const [name, frequencies] of Object.entries(BUILTIN_TONES)) {
      const { encoding, samples } = builtinAnnouncements(language).get(name)!
      const heard = decodeG711(encoding, samples)
      assert.ok(heard.length > 4 * SEGMENT + 8000, `${name} says something after its tone`)
      frequencies.forEach((frequency, i) => {
        const part = heard.subarray(i * SEGMENT, (i + 1) * SEGMENT)
        assert.ok(goertzel(part, frequency) > 0.2, `${name} part ${i}`)
        for (const other of [...frequencies, ...signatures])
          if (other !== frequency) assert.ok(goertzel(part, other) < 0.02, `${name} part ${i}, ${other} Hz`)
      })
    }
})

describe('[ann.builtin.prompts] spoken prompts', () => {
  for (const language of PROMPT_LANGUAGES)
    test(`every text in ${language} has its file, A-law at 8 kHz, and no file is without a text`, () => {
      assert.deepEqual(readdirSync(path.join(ASSETS, language)).toSorted(), Object.keys(PROMPTS).toSorted())
      for (const name of Object.keys(PROMPTS)) {
        const { encoding, samples } = readWav(readFileSync(path.join(ASSETS, language, name)))
        assert.equal(encoding, 'alaw')
        assert.ok(
          samples.length > 8000 && samples.length < 6 * 8000,
          `${name} lasts ${samples.length / 8000} s`,
        )
      }
    })

  test('all files together stay below one megabyte', () => {
    const sizes = PROMPT_LANGUAGES.flatMap((language) =>
      readdirSync(path.join(ASSETS, language)).map(
        (name) => readFileSync(path.join(ASSETS, language, name)).length,
      ),
    )
    assert.ok(sizes.reduce((sum, size) => sum + size, 0) < 1_000_000)
  })

  test('each is spoken in Chinese, in English, or in Chinese and then English', () => {
    const [zh, en, both] = LANGUAGES.map((language) => builtinAnnouncements(language))
    for (const name of Object.keys(PROMPTS)) {
      const tone = name in BUILTIN_TONES ? 4 * SEGMENT : 0
      const chinese = zh!.get(name)!.samples
      const english = en!.get(name)!.samples.subarray(tone)
      assert.deepEqual(both!.get(name)!.samples, new Uint8Array(Buffer.concat([chinese, english])), name)
    }
  })

  test('what is heard before the callee rings stays within five seconds', () => {
    for (const name of ['waiting.wav', 'transferring.wav'])
      for (const language of LANGUAGES) assert.ok(secondsOf(name, language) <= 5, `${name} in ${language}`)
  })
})

test('[ann.builtin.tones] the waiting beep and the ring-back are tones of 450 Hz with pauses, in every language', () => {
  for (const [name, periodSec, onSec] of [
    ['waiting_beep.wav', 2, 0.8],
    ['ring_back.wav', 5, 1],
  ] as const)
    for (const language of LANGUAGES) {
      const { encoding, samples } = builtinAnnouncements(language).get(name)!
      assert.equal(samples.length, periodSec * 8000)
      const loudSamples = decodeG711(encoding, samples).filter((sample) => Math.abs(sample) > 16).length
      assert.ok(Math.abs(loudSamples / 8000 - onSec) < 0.02, `${name} sounds for ${loudSamples / 8000} s`)
      assert.ok(goertzel(decodeG711(encoding, samples.subarray(0, 3200)), 450) > 0.2)
    }
})

test('[ann.defaults] the list of built-in names is what there is', () => {
  assert.deepEqual([...builtinAnnouncements('zh').keys()].toSorted(), BUILTIN_NAMES.toSorted())
})
