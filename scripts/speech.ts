import espeak from 'espeak-ng'
import { encodeG711, writeWav } from '@maskline/media'
import type { PromptLanguage } from '@maskline/server/prompts'

/**
 * Speech for the built-in prompts: eSpeak NG (GPL, a tool of the build; what it says is ours) and what a telephone needs
 * of it: 8 kHz, the telephone's band, an even loudness, A-law. The same text gives the same bytes.
 */
const VOICES: Readonly<Record<PromptLanguage, readonly string[]>> = {
  zh: ['-v', 'cmn+f2', '-s', '220'],
  en: ['-v', 'en-us+f2', '-s', '170'],
}

const RATE_HZ = 8000
/** Of full scale, over the frames in which something is said: about −16 dBm0, which is usual for speech. */
const LOUDNESS = 0.09
/** No sample is louder; a few peaks of speech are bent rather than all of it made faint. */
const PEAK = 0.7
const FRAME = 160

/** An A-law WAV file that says `text`. */
export async function speak(text: string, language: PromptLanguage): Promise<Uint8Array<ArrayBuffer>> {
  const said: string[] = []
  const run = await espeak({
    // -D: chance in the synthesizer begins at the same place every time.
    arguments: ['-D', '-z', ...VOICES[language], '-w', '/said.wav', text],
    print: (line) => said.push(line),
    // Emscripten says here that the program ended, which is what it should.
    printErr: () => {},
  })
  if (said.length > 0) throw new Error(`eSpeak NG says: ${said.join('\n')}`)
  const { samples, rateHz } = readPcm(run.FS.readFile('/said.wav'))
  const narrow = resample(samples, rateHz, RATE_HZ)
  return writeWav({ encoding: 'alaw', samples: encodeG711('alaw', padded(levelled(trimmed(narrow)))) })
}

/** 16-bit mono PCM behind a header of 44 bytes, as eSpeak NG writes it. */
function readPcm(file: Uint8Array): { samples: Float64Array; rateHz: number } {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const rateHz = view.getUint32(24, true)
  const length = (file.byteLength - 44) >> 1
  return { samples: Float64Array.from({ length }, (_, n) => view.getInt16(44 + 2 * n, true) / 32768), rateHz }
}

/** Half the length of the filter, in periods of the lower rate: 3.4 kHz passes, 4 kHz does not. */
const FILTER_HALF = 24

/** Takes samples at another rate through a windowed sinc that cuts off below half of the lower rate. */
function resample(samples: Float64Array, fromHz: number, toHz: number): Float64Array {
  const cutoff = (0.46 * toHz) / fromHz
  const reach = Math.ceil((FILTER_HALF * fromHz) / toHz)
  return Float64Array.from({ length: Math.floor((samples.length * toHz) / fromHz) }, (_, n) => {
    const centre = (n * fromHz) / toHz
    let sum = 0
    for (let i = Math.ceil(centre - reach); i <= centre + reach; i++) {
      const distance = i - centre
      const turn = 2 * Math.PI * cutoff * distance
      const sinc = turn === 0 ? 1 : Math.sin(turn) / turn
      const hann = 0.5 + 0.5 * Math.cos((Math.PI * distance) / reach)
      sum += (samples[i] ?? 0) * 2 * cutoff * sinc * hann
    }
    return sum
  })
}

/** Without silence before and after. */
function trimmed(samples: Float64Array): Float64Array {
  const isLoud = (sample: number): boolean => Math.abs(sample) > 0.01
  return samples.subarray(samples.findIndex(isLoud), samples.findLastIndex(isLoud) + 1)
}

function levelled(samples: Float64Array): Float64Array {
  const powers: number[] = []
  for (let at = 0; at < samples.length; at += FRAME) {
    const frame = samples.subarray(at, at + FRAME)
    const power = frame.reduce((sum, sample) => sum + sample * sample, 0) / frame.length
    if (power > 1e-5) powers.push(power)
  }
  const rms = Math.sqrt(powers.reduce((sum, power) => sum + power, 0) / powers.length)
  return samples.map((sample) => PEAK * Math.tanh((sample * LOUDNESS) / rms / PEAK))
}

/** 16-bit samples with a breath before and a pause after. */
function padded(samples: Float64Array): Int16Array {
  const [before, after] = [0.1 * RATE_HZ, 0.3 * RATE_HZ]
  const out = new Int16Array(before + samples.length + after)
  samples.forEach((sample, n) => (out[before + n] = Math.round(sample * 32767)))
  return out
}
