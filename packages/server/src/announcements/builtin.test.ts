import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeG711, goertzel } from '@maskline/media'
import { BUILTIN_TONES, builtinTones } from './builtin.ts'

test('each built-in tone carries its four frequencies one after the other, and no other', () => {
  const segment = Math.round(0.33 * 8000)
  for (const [name, frequencies] of Object.entries(BUILTIN_TONES)) {
    const audio = builtinTones().get(name)!
    const samples = decodeG711(audio.encoding, audio.samples)
    assert.equal(samples.length, segment * frequencies.length)
    frequencies.forEach((frequency, i) => {
      const part = samples.subarray(i * segment, (i + 1) * segment)
      assert.ok(goertzel(part, frequency) > 0.2, `${name} part ${i}`)
      for (const other of frequencies)
        if (other !== frequency) assert.ok(goertzel(part, other) < 0.02, `${name} part ${i}, ${other} Hz`)
    })
  }
})
