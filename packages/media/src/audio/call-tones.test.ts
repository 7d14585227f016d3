import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  DTMF_HIGH_HZ,
  DTMF_KEYS,
  DTMF_LOW_HZ,
  beepTone,
  busyTone,
  dtmfTone,
  ringBackTone,
} from './call-tones.ts'
import { decodeG711 } from './g711.ts'
import { goertzel, toneAmplitudes } from './tones.ts'
import type { PlayAudio } from '../engine.ts'

/** Where 450 Hz sounds, in runs of 50 ms: `1` tone, `0` silence. */
const runsOf = (audio: PlayAudio): string => {
  const samples = decodeG711(audio.encoding, audio.samples)
  return Array.from({ length: Math.ceil(samples.length / 400) }, (_, n) =>
    goertzel(samples.subarray(n * 400, n * 400 + 400), 450) > 0.2 ? '1' : '0',
  ).join('')
}

test('ring-back, busy and beep have the cadence of the exchange', () => {
  assert.equal(runsOf(ringBackTone()), '1'.repeat(20) + '0'.repeat(80))
  assert.equal(runsOf(busyTone()), '1'.repeat(7) + '0'.repeat(7))
  assert.equal(runsOf(beepTone()), '1'.repeat(8) + '0'.repeat(8) + '1'.repeat(8) + '0'.repeat(16))
})

test('every key is its row and its column', () => {
  for (const [index, key] of [...DTMF_KEYS].entries()) {
    const samples = decodeG711('alaw', dtmfTone(key, 100).samples)
    assert.equal(samples.length, 800)
    const loud = (frequenciesHz: readonly number[]): number[] =>
      toneAmplitudes(samples, frequenciesHz).flatMap((amplitude, n) => (amplitude > 0.2 ? [n] : []))
    assert.deepEqual([loud(DTMF_LOW_HZ), loud(DTMF_HIGH_HZ)], [[index >> 2], [index & 3]], key)
  }
  assert.throws(() => dtmfTone('E', 100), RangeError)
  assert.throws(() => dtmfTone('', 100), RangeError)
})
