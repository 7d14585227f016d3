import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import fc from 'fast-check'
import { toAnnouncement } from './convert.ts'
import { decodeWav } from './decode-wav.ts'
import { decodeG711, encodeG711 } from './g711.ts'
import { resample } from './resample.ts'
import { generateTone, goertzel } from './tones.ts'
import { WavError, wavHeader, type WavFormat } from './wav-format.ts'
import { readWav, writeWav } from './wav.ts'

const MP3 = await readFile(new URL('./fixtures/tone-440-left-1000-right.mp3', import.meta.url))

/** Writes one sample, −1…1, at a byte offset. */
const WRITERS: readonly (readonly [
  code: number,
  bits: number,
  (view: DataView, at: number, x: number) => void,
])[] = [
  [1, 8, (view, at, x) => view.setUint8(at, Math.round(x * 127) + 128)],
  [1, 16, (view, at, x) => view.setInt16(at, Math.round(x * 32767), true)],
  [
    1,
    24,
    (view, at, x) => {
      const value = Math.round(x * 8388607)
      view.setUint8(at, value & 0xff)
      view.setInt16(at + 1, value >> 8, true)
    },
  ],
  [1, 32, (view, at, x) => view.setInt32(at, Math.round(x * 2147483647), true)],
  [3, 32, (view, at, x) => view.setFloat32(at, x, true)],
  [6, 8, (view, at, x) => view.setUint8(at, encodeG711('alaw', Int16Array.of(x * 32767))[0] ?? 0)],
  [7, 8, (view, at, x) => view.setUint8(at, encodeG711('ulaw', Int16Array.of(x * 32767))[0] ?? 0)],
]

/** A WAV file of one sine for each channel. */
function sines(format: WavFormat, seconds: number, hz: readonly number[], amplitude: number): Uint8Array {
  const [, , write] =
    WRITERS.find(([code, bits]) => code === format.code && bits === format.bits) ?? assert.fail()
  const width = format.bits / 8
  const length = Math.round(seconds * format.rateHz)
  const data = new Uint8Array(length * format.channels * width)
  const view = new DataView(data.buffer)
  for (let n = 0; n < length; n++) {
    for (let channel = 0; channel < format.channels; channel++) {
      const x = amplitude * Math.sin((2 * Math.PI * (hz[channel] ?? 0) * n) / format.rateHz)
      write(view, (n * format.channels + channel) * width, x)
    }
  }
  return Buffer.concat([wavHeader(format, data.length), data])
}

async function announcementOf(file: Uint8Array): Promise<Int16Array> {
  const audio = readWav(await toAnnouncement(file))
  assert.ok(audio.encoding === 'alaw')
  return decodeG711('alaw', audio.samples)
}

test('WAV of every encoding, mono and stereo, at any rate becomes A-law of 8000 Hz', async () => {
  const rates = [8000, 44_100, 48_000, 16_000, 4000, 192_000, 11_025]
  for (const [n, [code, bits]] of WRITERS.entries()) {
    for (const channels of [1, 2]) {
      const format = { code, bits, channels, rateHz: rates[(n + channels) % rates.length] ?? 8000 }
      const heard = await announcementOf(sines(format, 0.5, [440, 1000], 0.5))
      const what = `${code}/${bits} ${channels} × ${format.rateHz} Hz`
      assert.ok(heard.length === 4000 || heard.length === 4001, what)
      const [at440, at1000] = [goertzel(heard, 440), goertzel(heard, 1000)]
      if (channels === 1)
        assert.ok(Math.abs(at440 - 0.5) < 0.02 && at1000 < 0.01, `${what}: ${at440} ${at1000}`)
      else
        assert.ok(
          Math.abs(at440 - 0.25) < 0.02 && Math.abs(at1000 - 0.25) < 0.02,
          `${what}: ${at440} ${at1000}`,
        )
    }
  }
})

test('an announcement as it should be is returned byte for byte', async () => {
  const plain = writeWav({ encoding: 'alaw', samples: encodeG711('alaw', generateTone(440, 0.2)) })
  const list = Uint8Array.from([...Buffer.from('LIST'), 4, 0, 0, 0, 9, 9, 9, 9])
  for (const file of [plain, Buffer.concat([plain.subarray(0, 36), list, plain.subarray(36)])]) {
    assert.deepEqual(await toAnnouncement(file), file)
  }
})

test('MP3 becomes an announcement', async () => {
  const heard = await announcementOf(MP3)
  assert.ok(heard.length > 4600 && heard.length < 5200, `${heard.length} samples`)
  const middle = heard.subarray(800, 4000)
  assert.ok(Math.abs(goertzel(middle, 440) - 0.2) < 0.03 && Math.abs(goertzel(middle, 1000) - 0.2) < 0.03)
  const tagged = Buffer.concat([Buffer.from('ID3\x03\0\0\0\0\0\x0a'), Buffer.alloc(10), MP3])
  assert.equal((await announcementOf(tagged)).length, heard.length)
})

test('resampling keeps what telephony carries and takes away what would come back as another tone', () => {
  for (const rateHz of [16_000, 44_100, 48_000, 96_000, 192_000]) {
    const tone = (hz: number): Float32Array =>
      Float32Array.from({ length: rateHz / 4 }, (_, n) => Math.sin((2 * Math.PI * hz * n) / rateHz))
    for (const hz of [300, 1000, 2500, 3300]) {
      const heard = goertzel(toInt16(resample(tone(hz), rateHz, 8000)).subarray(200, 1800), hz)
      assert.ok(Math.abs(heard - 1) < 0.02, `${hz} Hz of ${rateHz} is heard at ${heard}`)
    }
    for (const hz of [4100, 4700, 5000, 6000, 7300, 7900, 11_000, 19_000].filter((hz) => hz < rateHz / 2)) {
      const heard = toInt16(resample(tone(hz), rateHz, 8000)).subarray(200, 1800)
      const rms = Math.sqrt(heard.reduce((sum, x) => sum + x * x, 0) / heard.length) / 32767
      assert.ok(rms < 0.01 * Math.SQRT1_2, `${hz} Hz of ${rateHz} comes back at ${20 * Math.log10(rms)} dB`)
    }
  }
})
const toInt16 = (samples: Float32Array): Int16Array =>
  Int16Array.from(samples, (x) => Math.max(-32768, Math.min(32767, Math.round(x * 32767))))

test('only what would clip is made softer', async () => {
  const float = { code: 3, bits: 32, channels: 1, rateHz: 8000 }
  const loud = await announcementOf(sines(float, 0.2, [440], 4))
  assert.ok(Math.abs(goertzel(loud, 440) - 1) < 0.03)
  const soft = await announcementOf(sines(float, 0.2, [440], 0.02))
  assert.ok(Math.abs(goertzel(soft, 440) - 0.02) < 0.001)
})

test('what cannot be used is refused with its name and what to send', async () => {
  const pcm = { code: 1, bits: 16, channels: 1, rateHz: 8000 }
  const refusals: [Uint8Array, RegExp][] = [
    [Buffer.from('hello'), /^hint\.ogg cannot be used: not a WAV file/],
    [new Uint8Array(17 * 1024 * 1024), /send at most 16777216/],
    [sines({ ...pcm, channels: 3 }, 0.1, [1], 0.5), /3 channels; send mono or stereo/],
    [sines({ ...pcm, rateHz: 384_000 }, 0.1, [1], 0.5), /384000 Hz; send 4000 to 192000 Hz/],
    [sines({ ...pcm, rateHz: 0 }, 0, [1], 0.5), /0 Hz/],
    [
      Buffer.concat([wavHeader({ ...pcm, code: 2, bits: 4 }, 8), Buffer.alloc(8)]),
      /format 2 with 4 bits is not supported; send PCM/,
    ],
    [wavHeader(pcm, 0), /no audio in it/],
    [wavHeader({ ...pcm, code: 6, bits: 8 }, 0), /no audio in it/],
    [Buffer.concat([wavHeader({ ...pcm, code: 6, bits: 8 }, 3e6), Buffer.alloc(3e6)]), /at most 300 s/],
    [Buffer.concat([wavHeader({ ...pcm, rateHz: 4000 }, 3e6), Buffer.alloc(3e6)]), /at most 300 s/],
    [Buffer.concat([Buffer.from('ID3\x03\0\0\0\0\0\0'), Buffer.alloc(10_000)]), /no MP3 audio in it/],
    [Buffer.concat(Array.from({ length: 700 }, () => MP3.subarray(0, MP3.length))), /at most 300 s/],
  ]
  for (const [file, message] of refusals) {
    await assert.rejects(toAnnouncement(file, 'hint.ogg'), { name: 'AudioFileError', message })
  }
})

test('broken MP3 either becomes something or is refused', async () => {
  for (let seed = 1; seed <= 12; seed++) {
    const broken = Buffer.from(MP3)
    for (let n = 0; n < seed * 3; n++) broken[(n * 7919 * seed + 4) % broken.length] = (n * 31 * seed) & 0xff
    const cut = broken.subarray(0, broken.length - seed * 97)
    await toAnnouncement(cut).catch((error: Error) => assert.equal(error.name, 'AudioFileError'))
  }
})

test('no bytes make the WAV decoder throw anything but a WavError', () => {
  const head = wavHeader({ code: 1, bits: 16, channels: 2, rateHz: 44_100 }, 400)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80, size: 'max' }), fc.nat(60), (noise, keep) => {
      try {
        decodeWav(Buffer.concat([head.subarray(0, keep), noise]))
      } catch (error) {
        assert.ok(error instanceof WavError)
      }
    }),
  )
})
