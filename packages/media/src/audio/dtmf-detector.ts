import { decodeInto, type G711 } from './g711.ts'
import { DTMF_HIGH_HZ, DTMF_KEYS, DTMF_LOW_HZ } from './call-tones.ts'
import { SAMPLE_RATE_HZ } from './tones.ts'

/**
 * Finds keys in G.711 audio (ITU-T Q.24). The audio is cut into blocks of 12.75 ms; a block may be a key when one tone of
 * each group stands out, the two are about as loud as each other, and little else is there. Two such blocks in a row begin
 * a key press when two steady tones at the frequencies of the key (which the step of their phase tells to a few Hz) are all
 * that is in both, but for a little noise; voices and music seldom are so plain. Two other blocks end it. So 40 ms of tone
 * are always enough, and 40 ms of pause always tell two presses apart.
 */
export type DtmfDetector = {
  /** The last block and the one that is being filled. */
  readonly samples: Float32Array
  filled: number
  /** The block before the last, and the last. */
  seen: readonly [before: Block, last: Block]
  /** The press under way; '' when none is. Blocks since it began, and those at the end that were not it. */
  key: string
  blocks: number
  misses: number
}

/** A block in which tones `low` and `high` (indexes of `TONES_HZ`) may be a key; `low` < 0: it is none. */
type Block = { low: number; high: number; readonly lowTone: Tone; readonly highTone: Tone }
/** What Goertzel found at a frequency. */
type Tone = { power: number; phase: number }

export type PressedKey = { readonly digit: string; readonly durationMs: number }

/** Samples. Its bins are 78 Hz wide; 697 and 770 Hz are 73 Hz apart, and a key may be 1.5 % off. */
const BLOCK = 102
const BLOCK_MS = (BLOCK * 1000) / SAMPLE_RATE_HZ
const TONES_HZ = [...DTMF_LOW_HZ, ...DTMF_HIGH_HZ]
const COSINES = Float64Array.from(TONES_HZ, (hz) => Math.cos((2 * Math.PI * hz) / SAMPLE_RATE_HZ))
const SINES = Float64Array.from(TONES_HZ, (hz) => Math.sin((2 * Math.PI * hz) / SAMPLE_RATE_HZ))

/** Amplitude (of 16 bits) below which a tone is none: about −37 dBm0. */
const LEAST_AMPLITUDE = 330
const LEAST_ENERGY = (LEAST_AMPLITUDE ** 2 / 2) * BLOCK
const LEAST_POWER = (LEAST_AMPLITUDE * BLOCK * 0.5) ** 2
/** How much louder the high tone may be than the low one, and the low one than the high one: 6 and 9 dB. */
const MAX_HIGH_OVER_LOW = 4
const MAX_LOW_OVER_HIGH = 8
/** 6 dB: how far a tone stands out of the rest of its group. */
const MIN_OVER_GROUP = 4
/** Share of the two tones in all energy at the nominal frequencies; being 1.5 % off costs up to a fifth. */
const MIN_SHARE = 0.72
/** Share of what the two tones of a press leave over: a noise of 12 dB below them. */
const MAX_REST = 0.06
/** Q.24: up to 1.5 % off is a key, 3.5 % off is none. */
const MAX_OFF = 0.022

export const createDtmfDetector = (): DtmfDetector => ({
  samples: new Float32Array(2 * BLOCK),
  filled: 0,
  seen: [createBlock(), createBlock()],
  key: '',
  blocks: 0,
  misses: 0,
})

const createBlock = (): Block => ({
  low: -1,
  high: -1,
  lowTone: { power: 0, phase: 0 },
  highTone: { power: 0, phase: 0 },
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
  const { samples } = state
  for (let at = start; at < end;) {
    const to = Math.min(end, at + BLOCK - state.filled)
    decodeInto(samples, BLOCK + state.filled, law, octets, at, to)
    state.filled += to - at
    at = to
    if (state.filled === BLOCK) takeBlock(state, report)
  }
}

/** The audio broke off: ends a key press that is under way. */
export function flushDtmf(state: DtmfDetector, report: (key: PressedKey) => void): void {
  state.filled = 0
  for (const block of state.seen) block.low = -1
  endPress(state, report)
}

function takeBlock(state: DtmfDetector, report: (key: PressedKey) => void): void {
  const { samples } = state
  const [block, last] = state.seen
  lookAt(samples, block)
  const key = keyOf(block)
  if (state.key !== '' && key === state.key) {
    state.blocks += state.misses + 1
    state.misses = 0
  } else {
    const begins = key !== '' && key === keyOf(last) && isPress(samples, last, block)
    if (state.key !== '' && (begins || ++state.misses === 2)) endPress(state, report)
    if (begins) {
      state.key = key
      state.blocks = 2
      state.misses = 0
    }
  }
  state.seen = [last, block]
  samples.copyWithin(0, BLOCK)
  state.filled = 0
}

function endPress(state: DtmfDetector, report: (key: PressedKey) => void): void {
  if (state.key === '') return
  const press = { digit: state.key, durationMs: Math.round(state.blocks * BLOCK_MS) }
  state.key = ''
  report(press)
}

const keyOf = ({ low, high }: Block): string => (low < 0 ? '' : (DTMF_KEYS[low * 4 + high - 4] ?? ''))

/** Whether two steady tones, at the frequencies of the key that both blocks may be, are all that is in them. */
function isPress(samples: Float32Array, before: Block, block: Block): boolean {
  const lowHz = frequencyOf(before.lowTone, block.lowTone, TONES_HZ[block.low] ?? 0)
  const highHz = frequencyOf(before.highTone, block.highTone, TONES_HZ[block.high] ?? 0)
  if (lowHz === undefined || highHz === undefined) return false
  const rest = Float32Array.from(samples)
  // Each hides a little of the other: twice is near enough to both at once.
  for (const hz of [lowHz, highHz, lowHz, highHz]) removeTone(rest, hz)
  return energyOf(rest, 0) <= MAX_REST * energyOf(samples, 0)
}

/** The frequency of a tone near `hz`, by the step of its phase from one block to the next; undefined: too far off. */
function frequencyOf(before: Tone, now: Tone, hz: number): number | undefined {
  const turns = (now.phase - before.phase) / (2 * Math.PI) - (hz * BLOCK) / SAMPLE_RATE_HZ
  const offHz = (turns - Math.round(turns)) * (SAMPLE_RATE_HZ / BLOCK)
  return Math.abs(offHz) <= hz * MAX_OFF ? hz + offHz : undefined
}

/** Takes the sine of frequency `hz` out of the samples. */
function removeTone(samples: Float32Array, hz: number): void {
  const turn = (2 * Math.PI * hz) / SAMPLE_RATE_HZ
  let cosines = 0
  let sines = 0
  for (let i = 0; i < samples.length; i++) {
    cosines += (samples[i] ?? 0) * Math.cos(turn * i)
    sines += (samples[i] ?? 0) * Math.sin(turn * i)
  }
  cosines *= 2 / samples.length
  sines *= 2 / samples.length
  for (let i = 0; i < samples.length; i++) {
    samples[i] = (samples[i] ?? 0) - cosines * Math.cos(turn * i) - sines * Math.sin(turn * i)
  }
}

/** Of the samples from `first` on. */
function energyOf(samples: Float32Array, first: number): number {
  let energy = 0
  for (let i = first; i < samples.length; i++) energy += (samples[i] ?? 0) ** 2
  return energy
}

/** Writes into `found` what the newer half of the samples may be. */
function lookAt(samples: Float32Array, found: Block): void {
  found.low = -1
  const energy = energyOf(samples, BLOCK)
  if (energy < LEAST_ENERGY) return
  const low = strongest(samples, 0, found.lowTone)
  if (low < 0) return
  found.high = strongest(samples, 4, found.highTone)
  if (found.high < 0) return
  const lowPower = found.lowTone.power
  const highPower = found.highTone.power
  if (highPower > lowPower * MAX_HIGH_OVER_LOW || lowPower > highPower * MAX_LOW_OVER_HIGH) return
  if ((lowPower + highPower) * 2 >= MIN_SHARE * energy * BLOCK) found.low = low
}

/** Index of the tone of a group, from `first` on, that stands out; -1 when none does. */
function strongest(samples: Float32Array, first: number, found: Tone): number {
  let index = -1
  let next = 0
  found.power = 0
  for (let tone = first; tone < first + 4; tone++) {
    const cosine = COSINES[tone] ?? 0
    const coefficient = 2 * cosine
    let previous = 0
    let beforePrevious = 0
    for (let i = BLOCK; i < 2 * BLOCK; i++) {
      const current = (samples[i] ?? 0) + coefficient * previous - beforePrevious
      beforePrevious = previous
      previous = current
    }
    const real = previous - beforePrevious * cosine
    const imaginary = beforePrevious * (SINES[tone] ?? 0)
    const power = real * real + imaginary * imaginary
    if (power > found.power) {
      next = found.power
      found.power = power
      found.phase = Math.atan2(imaginary, real)
      index = tone
    } else if (power > next) next = power
  }
  return found.power >= LEAST_POWER && found.power >= next * MIN_OVER_GROUP ? index : -1
}
