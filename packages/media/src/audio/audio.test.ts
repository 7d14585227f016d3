import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  ALAW_TO_ULAW,
  ULAW_TO_ALAW,
  convertG711,
  decodeG711,
  decodeSample,
  encodeG711,
  encodeSample,
} from './g711.ts'
import { generateTone, goertzel, toneAmplitudes, toneRuns } from './tones.ts'
import { WavError, readWav, toPlayAudio, writeWav } from './wav.ts'

test('every G.711 octet survives decoding and encoding, but for the second zero of µ-law', () => {
  for (let octet = 0; octet < 256; octet++) {
    assert.equal(encodeSample('alaw', decodeSample('alaw', octet)), octet)
    assert.equal(encodeSample('ulaw', decodeSample('ulaw', octet)), octet === 0x7f ? 0xff : octet)
  }
})

test('G.711 tables give the values of ITU-T G.711', () => {
  assert.deepEqual(
    [0xd5, 0x55, 0x80, 0x00, 0xaa, 0x2a].map((o) => decodeSample('alaw', o)),
    [8, -8, 5504, -5504, 32256, -32256],
  )
  assert.deepEqual(
    [0xff, 0x7f, 0x80, 0x00, 0xf0].map((o) => decodeSample('ulaw', o)),
    [0, 0, 32124, -32124, 120],
  )
  assert.equal(encodeSample('alaw', 0), 0xd5)
  assert.equal(encodeSample('alaw', -1), 0x55)
  assert.equal(encodeSample('ulaw', 0), 0xff)
})

test('companding loses less than an eighth of a loud sample', () => {
  const anySample = fc.integer({ min: -32768, max: 32767 })
  const anyLaw = fc.constantFrom('alaw' as const, 'ulaw' as const)
  fc.assert(
    fc.property(anySample, anyLaw, (sample, law) => {
      const loss = Math.abs(decodeSample(law, encodeSample(law, sample)) - sample)
      assert.ok(loss <= Math.abs(sample) / 8 + 8, `${law} ${sample} lost ${loss}`)
    }),
  )
})

test('conversion between the laws keeps a tone', () => {
  const tone = generateTone(440, 0.5)
  const there = convertG711('alaw', 'ulaw', encodeG711('alaw', tone))
  const back = decodeG711('alaw', convertG711('ulaw', 'alaw', there))
  assert.ok(Math.abs(goertzel(back, 440) - 0.25) < 0.01)
  assert.equal(ALAW_TO_ULAW.length, 256)
  assert.equal(ULAW_TO_ALAW[0xff], 0xd5)
})

test('goertzel measures the amplitude of each tone in a mix', () => {
  const low = generateTone(440, 1, { amplitude: 0.4 })
  const high = generateTone(1000, 1, { amplitude: 0.1 })
  const mix = low.map((sample, n) => sample + (high[n] ?? 0))
  const [at440 = 0, at1000 = 0, at700 = 1] = toneAmplitudes(mix, [440, 1000, 700])
  assert.ok(Math.abs(at440 - 0.4) < 0.001)
  assert.ok(Math.abs(at1000 - 0.1) < 0.001)
  assert.ok(at700 < 0.001)
  assert.equal(goertzel(new Int16Array(0), 440), 0)
})

test('tone runs tell which tone was heard when', () => {
  const silence = new Int16Array(1600)
  const parts = [
    generateTone(440, 0.3),
    silence,
    generateTone(1000, 0.5),
    generateTone(440, 0.2),
    generateTone(333, 0.1),
  ]
  const samples = Int16Array.from(parts.flatMap((part) => [...part]))
  assert.deepEqual(toneRuns(samples, [440, 1000]), [
    { hz: 440, fromMs: 0, durationMs: 300 },
    { hz: 0, fromMs: 300, durationMs: 200 },
    { hz: 1000, fromMs: 500, durationMs: 500 },
    { hz: 440, fromMs: 1000, durationMs: 200 },
    { hz: 0, fromMs: 1200, durationMs: 100 },
  ])
  // A click in a tone does not part it.
  const clicked = generateTone(440, 0.5).fill(0, 1700, 1800)
  assert.deepEqual(toneRuns(clicked, [440, 1000]), [{ hz: 440, fromMs: 0, durationMs: 500 }])
})

test('a WAV file reads back what was written, in every encoding', () => {
  const octets = fc.uint8Array({ maxLength: 500, size: 'max' })
  fc.assert(
    fc.property(octets, fc.constantFrom('alaw' as const, 'ulaw' as const), (samples, encoding) => {
      assert.deepEqual(readWav(writeWav({ encoding, samples })), { encoding, samples })
    }),
  )
  const samples = generateTone(300, 0.1)
  assert.deepEqual(readWav(writeWav({ encoding: 'pcm16', samples })), { encoding: 'pcm16', samples })
})

test('16-bit WAV audio is played as A-law', () => {
  const samples = generateTone(300, 0.1)
  const audio = toPlayAudio(readWav(writeWav({ encoding: 'pcm16', samples })))
  assert.equal(audio.encoding, 'alaw')
  assert.equal(goertzel(decodeG711('alaw', audio.samples), 300) > 0.2, true)
})

test('a WAV file with other chunks before its data, or cut short, is read', () => {
  const plain = writeWav({ encoding: 'alaw', samples: Uint8Array.of(1, 2, 3, 4) })
  const list = Uint8Array.from([...Buffer.from('LIST'), 3, 0, 0, 0, 9, 9, 9, 0])
  const withList = Buffer.concat([plain.subarray(0, 36), list, plain.subarray(36)])
  assert.deepEqual(readWav(withList).samples, Uint8Array.of(1, 2, 3, 4))
  assert.deepEqual(readWav(plain.subarray(0, 46)).samples, Uint8Array.of(1, 2))
})

test('a file that is no usable WAV is refused with what to do', () => {
  const stereo = writeWav({ encoding: 'alaw', samples: new Uint8Array(4) })
  stereo[22] = 2
  assert.throws(() => readWav(stereo), /use 8000 Hz mono/)
  const float = writeWav({ encoding: 'alaw', samples: new Uint8Array(4) })
  float[20] = 3
  assert.throws(() => readWav(float), /use A-law, µ-law or 16-bit PCM/)
})

test('no bytes make the WAV reader throw anything but a WavError', () => {
  const head = writeWav({ encoding: 'alaw', samples: new Uint8Array(8) })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80, size: 'max' }), fc.nat(60), (noise, keep) => {
      try {
        readWav(Buffer.concat([head.subarray(0, keep), noise]))
      } catch (error) {
        assert.ok(error instanceof WavError)
      }
    }),
  )
})
