import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DTMF_HIGH_HZ, DTMF_KEYS, DTMF_LOW_HZ } from './call-tones.ts'
import { createDtmfDetector, detectDtmf, flushDtmf, type PressedKey } from './dtmf-detector.ts'
import { encodeG711, type G711 } from './g711.ts'
import { SAMPLE_RATE_HZ, generateTone } from './tones.ts'

/** Peak of a sine of full scale is +3.14 dBm0. */
const amplitudeOf = (dbm0: number): number => 32767 * 10 ** ((dbm0 - 3.14) / 20)

/** Chance that is the same each time. */
function dice(seed: number): () => number {
  let state = (seed % 0x7ffffffe) + 1
  return () => (state = (state * 48_271) % 0x7fffffff) / 0x7fffffff
}

type Press = {
  readonly key: string
  readonly durationMs: number
  /** Of the low tone. */
  readonly dbm0: number
  /** The high tone is so much louder, dB. */
  readonly twistDb: number
  /** Off the nominal frequency, as a share. */
  readonly off: readonly [low: number, high: number]
}

function press({ key, durationMs, dbm0, twistDb, off }: Press): Float64Array {
  const at = DTMF_KEYS.indexOf(key)
  const low = (DTMF_LOW_HZ[at >> 2] ?? 0) * (1 + off[0])
  const high = (DTMF_HIGH_HZ[at & 3] ?? 0) * (1 + off[1])
  const turn = (2 * Math.PI) / SAMPLE_RATE_HZ
  return Float64Array.from(
    { length: durationMs * 8 },
    (_, n) =>
      amplitudeOf(dbm0) * Math.sin(turn * low * n) + amplitudeOf(dbm0 + twistDb) * Math.sin(turn * high * n),
  )
}

/** Pieces with `gapMs` of pause around each, with noise of `noiseDbm0` under all of it. */
function line(pieces: readonly Float64Array[], gapMs: number, noiseDbm0: number, seed: number): Int16Array {
  const chance = dice(seed)
  const gap = new Float64Array(gapMs * 8)
  const all = [gap, ...pieces.flatMap((piece) => [piece, gap])]
  const samples = new Int16Array(all.reduce((length, piece) => length + piece.length, 0))
  const noise = amplitudeOf(noiseDbm0) / Math.SQRT2
  let at = 0
  for (const piece of all) {
    for (const sample of piece) {
      // A sum of twelve throws is as good as normal.
      let gauss = -6
      for (let n = 0; n < 12; n++) gauss += chance()
      samples[at++] = Math.max(-32768, Math.min(32767, Math.round(sample + noise * gauss)))
    }
  }
  return samples
}

/** What is heard in audio that comes in packets of 20 ms. */
function heardIn(samples: Int16Array, law: G711): PressedKey[] {
  const octets = encodeG711(law, samples)
  const detector = createDtmfDetector()
  const keys: PressedKey[] = []
  for (let at = 0; at < octets.length; at += 160) {
    detectDtmf(detector, law, octets, at, Math.min(at + 160, octets.length), (key) => keys.push(key))
  }
  flushDtmf(detector, (key) => keys.push(key))
  return keys
}
const digitsIn = (samples: Int16Array, law: G711): string =>
  heardIn(samples, law)
    .map(({ digit }) => digit)
    .join('')

const anyLaw = fc.constantFrom<G711>('alaw', 'ulaw')
const anyKey = fc.constantFrom(...DTMF_KEYS)

test('every key is heard once at any level, duration, twist and frequency that Q.24 allows, in either law', () => {
  const anyPress = fc.record({
    key: anyKey,
    durationMs: fc.integer({ min: 40, max: 400 }),
    dbm0: fc.integer({ min: -27, max: -6 }),
    twistDb: fc.integer({ min: -6, max: 4 }),
    off: fc.tuple(
      fc.double({ min: -0.015, max: 0.015, noNaN: true }),
      fc.double({ min: -0.015, max: 0.015, noNaN: true }),
    ),
  })
  fc.assert(
    fc.property(
      fc.array(anyPress, { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 40, max: 120 }),
      fc.nat(1_000_000),
      anyLaw,
      (presses, gapMs, seed, law) => {
        const samples = line(presses.map(press), gapMs, -60, seed)
        const heard = heardIn(samples, law)
        assert.equal(heard.map(({ digit }) => digit).join(''), presses.map(({ key }) => key).join(''))
        for (const [n, { durationMs }] of heard.entries()) {
          const really = presses[n]?.durationMs ?? 0
          assert.ok(Math.abs(durationMs - really) <= 26, `${durationMs} ms instead of ${really}`)
        }
      },
    ),
    { numRuns: 200 },
  )
})

test('all sixteen keys are heard in noise of 15 dB under them', () => {
  for (const law of ['alaw', 'ulaw'] as const) {
    for (let seed = 1; seed <= 5; seed++) {
      const keys = [...DTMF_KEYS].map((key) =>
        press({ key, durationMs: 70, dbm0: -12, twistDb: 2, off: [0, 0] }),
      )
      assert.equal(digitsIn(line(keys, 50, -26, seed), law), DTMF_KEYS)
    }
  }
})

test('a key held long is one digit, also when a packet of it is lost, and the same key twice is two', () => {
  const seven = press({ key: '7', durationMs: 2000, dbm0: -10, twistDb: 0, off: [0, 0] })
  const lost = Float64Array.from([...seven.subarray(0, 8000), ...seven.subarray(8160)])
  assert.equal(digitsIn(line([seven, lost], 50, -60, 1), 'alaw'), '77')
  const [long] = heardIn(line([seven], 50, -60, 1), 'alaw')
  assert.ok(long !== undefined && Math.abs(long.durationMs - 2000) <= 26)
})

test('no key is heard in single tones, silence and too short bursts', () => {
  for (let hz = 300; hz < 3400; hz += 7) {
    for (const law of ['alaw', 'ulaw'] as const) {
      assert.equal(digitsIn(generateTone(hz, 0.2, { amplitude: 0.4 }), law), '', `${hz} Hz`)
    }
  }
  assert.equal(digitsIn(new Int16Array(16_000), 'alaw'), '')
  assert.equal(digitsIn(line([], 4000, -20, 3), 'alaw'), '')
  for (const key of DTMF_KEYS) {
    const short = press({ key, durationMs: 20, dbm0: -10, twistDb: 0, off: [0, 0] })
    assert.equal(digitsIn(line([short, short, short], 100, -60, 3), 'alaw'), '', `20 ms of ${key}`)
  }
})

test('no key is heard in tones of the exchange, chords, or a pair that leans too far', () => {
  const chord = (...frequenciesHz: number[]): Int16Array => {
    const tones = frequenciesHz.map((hz) => generateTone(hz, 0.5, { amplitude: 0.2 }))
    return new Int16Array(4000).map((_, n) => tones.reduce((sum, tone) => sum + (tone[n] ?? 0), 0))
  }
  for (const tones of [
    [350, 440],
    [480, 620],
    [440, 880, 1320],
    [697, 770],
    [1209, 1477],
    [697, 1209, 1336],
    [770, 941, 1477],
    [700, 1220, 400],
    [523, 659, 784],
  ]) {
    assert.equal(digitsIn(chord(...tones), 'alaw'), '', tones.join(' + '))
  }
  for (const twistDb of [12, -12]) {
    const leaning = press({ key: '5', durationMs: 200, dbm0: -14, twistDb, off: [0, 0] })
    assert.equal(digitsIn(line([leaning], 50, -60, 1), 'alaw'), '')
  }
})

/**
 * Something like speech: syllables of a voice of 80…300 Hz, gliding, whose harmonics pass three resonances, with
 * noise of breath in and between them.
 */
function speech(seconds: number, seed: number): Int16Array {
  const chance = dice(seed)
  const samples = new Int16Array(seconds * SAMPLE_RATE_HZ)
  for (let at = 0; at < samples.length;) {
    const length = Math.round((0.08 + 0.25 * chance()) * SAMPLE_RATE_HZ)
    const pitchHz = 80 + 220 * chance()
    const glide = (chance() - 0.5) * 0.3
    const level = 3000 + 9000 * chance()
    const breath = chance() < 0.8 ? 0.02 : 0.3
    const resonances = [300 + 600 * chance(), 900 + 1500 * chance(), 2300 + 900 * chance()]
    const voice = breath > 0.1 ? [] : voiceOf(pitchHz, resonances)
    let phase = 0
    for (let n = 0; n < length && at < samples.length; n++, at++) {
      phase += (2 * Math.PI * pitchHz * (1 + (glide * n) / length)) / SAMPLE_RATE_HZ
      let sample = (chance() - 0.5) * breath
      for (let h = 0; h < voice.length; h++) sample += (voice[h] ?? 0) * Math.sin((h + 1) * phase)
      const loud = level * Math.sin((Math.PI * n) / length)
      samples[at] = Math.max(-32768, Math.min(32767, loud * sample))
    }
  }
  return samples
}

/** How loud each harmonic is behind the resonances, each 100 Hz wide. */
const voiceOf = (pitchHz: number, resonancesHz: readonly number[]): number[] =>
  Array.from({ length: Math.floor(3400 / pitchHz) }, (_, h) =>
    resonancesHz.reduce((sum, hz, n) => sum + 1 / (n + 1) / (1 + (((h + 1) * pitchHz - hz) / 100) ** 2), 0),
  )

test('ten minutes of something like speech contain no key', () => {
  let heard = ''
  for (let seed = 1; seed <= 60; seed++) heard += digitsIn(speech(10, seed), seed % 2 ? 'alaw' : 'ulaw')
  assert.equal(heard, '')
})
