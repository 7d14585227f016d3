import { decodeSample, type G711 } from './g711.ts'
import { DTMF_HIGH_HZ, DTMF_KEYS, DTMF_LOW_HZ } from './call-tones.ts'
import { SAMPLE_RATE_HZ } from './tones.ts'

/**
 * Finds keys in G.711 audio (ITU-T Q.24): the audio is cut into blocks of 12.75 ms; a block is a key when one tone of
 * each group stands out, the two are about as loud as each other, and next to nothing else is there (speech and music
 * have harmonics). Two such blocks in a row are a key press, two others end it, so 40 ms of tone are always enough, and
 * 40 ms of pause always tell two presses apart.
 */
export type DtmfDetector = {
  readonly block: Float32Array
  filled: number
  /** Key of the last block; '' when it was none. */
  lastKey: string
  /** The press under way; '' when none is. Blocks since it began, and those at the end that were not it. */
  key: string
  blocks: number
  misses: number
}

export type PressedKey = { readonly digit: string; readonly durationMs: number }

/** Its bins are 78 Hz wide: less than the 73 Hz between 697 and 770 are not told apart, more misses keys that are off. */
const BLOCK = 102
const BLOCK_MS = (BLOCK * 1000) / SAMPLE_RATE_HZ
/** Amplitude (of 16 bits) below which a tone is none: about −37 dBm0. */
const LEAST_AMPLITUDE = 330
/** How much louder the high tone may be than the low one, and the low one than the high one (Q.24: 4 and 8 dB). */
const MAX_HIGH_OVER_LOW = 4
const MAX_LOW_OVER_HIGH = 8
/** 8 dB: how far a tone stands out of the rest of its group. */
const MIN_OVER_GROUP = 6.3
/** Share of the two tones in all energy; the far end of the tolerance of ±1.5 % costs up to a fifth. */
const MIN_SHARE = 0.72

/** 2 cos ω, low group then high group. */
const COEFFICIENTS = Float64Array.from(
  [...DTMF_LOW_HZ, ...DTMF_HIGH_HZ],
  (frequencyHz) => 2 * Math.cos((2 * Math.PI * frequencyHz) / SAMPLE_RATE_HZ),
)
const LEAST_ENERGY = (LEAST_AMPLITUDE ** 2 / 2) * BLOCK

export const createDtmfDetector = (): DtmfDetector => ({
  block: new Float32Array(BLOCK),
  filled: 0,
  lastKey: '',
  key: '',
  blocks: 0,
  misses: 0,
})

/** Takes the samples `octets[start…end)`; calls `report` for each key press that has ended. */
export function detectDtmf(
  state: DtmfDetector,
  law: G711,
  octets: Uint8Array,
  start: number,
  end: number,
  report: (key: PressedKey) => void,
): void {
  const { block } = state
  for (let at = start; at < end; at++) {
    block[state.filled++] = decodeSample(law, octets[at] ?? 0)
    if (state.filled < BLOCK) continue
    state.filled = 0
    takeBlock(state, keyOf(block), report)
  }
}

/** The audio broke off: ends a key press that is under way. */
export function flushDtmf(state: DtmfDetector, report: (key: PressedKey) => void): void {
  state.filled = 0
  takeBlock(state, '', report)
  takeBlock(state, '', report)
}

function takeBlock(state: DtmfDetector, key: string, report: (key: PressedKey) => void): void {
  const isSecond = key !== '' && key === state.lastKey
  state.lastKey = key
  if (state.key !== '') {
    if (key === state.key) {
      state.blocks += state.misses + 1
      state.misses = 0
      return
    }
    state.misses++
    if (state.misses < 2 && !isSecond) return
    const durationMs = Math.round(state.blocks * BLOCK_MS)
    const digit = state.key
    state.key = ''
    report({ digit, durationMs })
  }
  if (!isSecond) return
  state.key = key
  state.blocks = 2
  state.misses = 0
}

/** The key that sounds in the whole of a block; '' when none does. */
function keyOf(block: Float32Array): string {
  let energy = 0
  for (let i = 0; i < BLOCK; i++) energy += (block[i] ?? 0) ** 2
  if (energy < LEAST_ENERGY) return ''
  const low = strongest(block, 0)
  if (low < 0) return ''
  const lowPower = best
  const high = strongest(block, 4)
  if (high < 0) return ''
  const highPower = best
  if (highPower > lowPower * MAX_HIGH_OVER_LOW || lowPower > highPower * MAX_LOW_OVER_HIGH) return ''
  // A sine of the whole block has a power of its energy × BLOCK / 2.
  return (lowPower + highPower) * 2 >= MIN_SHARE * energy * BLOCK ? (DTMF_KEYS[low * 4 + high - 4] ?? '') : ''
}

/** Power of the tone that `strongest` found. */
let best = 0

/** Index of the tone of a group, from `first` on, that stands out; -1 when none does. */
function strongest(block: Float32Array, first: number): number {
  let index = -1
  let next = 0
  best = 0
  for (let tone = first; tone < first + 4; tone++) {
    const power = powerOf(block, COEFFICIENTS[tone] ?? 0)
    if (power > best) {
      next = best
      best = power
      index = tone
    } else if (power > next) next = power
  }
  return best >= LEAST_POWER && best >= next * MIN_OVER_GROUP ? index : -1
}

const LEAST_POWER = (LEAST_AMPLITUDE * BLOCK * 0.5) ** 2

/** Goertzel. */
function powerOf(block: Float32Array, coefficient: number): number {
  let previous = 0
  let beforePrevious = 0
  for (let i = 0; i < BLOCK; i++) {
    const current = (block[i] ?? 0) + coefficient * previous - beforePrevious
    beforePrevious = previous
    previous = current
  }
  return previous * previous + beforePrevious * beforePrevious - coefficient * previous * beforePrevious
}
