import { G711_SILENCE, ULAW_TO_ALAW, decodeSample, encodeSample, type G711 } from '../audio/g711.ts'
import { JITTER_WINDOW, createPlacement, place } from './placement.ts'

/** Samples kept per party: the jitter window, what an early packet may be ahead, and a second of late draining. */
const RING = 16384
const MASK = RING - 1
const SILENCE = G711_SILENCE.alaw
const SAMPLES_PER_MS = 8

export type Track = 0 | 1
export type RecorderOptions = {
  readonly layout: 'mixed' | 'stereo'
  readonly startMs: number
  /** Takes audio as it becomes final: A-law, interleaved when stereo. */
  readonly write: (audio: Uint8Array) => void
}

/**
 * What two parties say, side by side in the recorder's own time, silence where nothing came. Pure: packets and time go
 * in, A-law comes out `JITTER_WINDOW` later. Keeps 32 KB a call.
 */
export class Recorder {
  readonly #options: RecorderOptions
  readonly #rings = [silence(), silence()] as const
  readonly #placements = [createPlacement(), createPlacement()] as const
  /** Samples given out so far. */
  #written = 0

  constructor(options: RecorderOptions) {
    this.#options = options
  }

  /** Takes the samples `packet[start…end)` of a party. */
  put(
    track: Track,
    law: G711,
    ssrc: number,
    timestamp: number,
    packet: Uint8Array,
    start: number,
    end: number,
    nowMs: number,
  ): void {
    const length = end - start
    if (length > RING / 2) return
    const at = place(this.#placements[track], ssrc, timestamp, length, this.#timeOf(nowMs))
    if (at + length > this.#written + RING) this.#drainTo(at + length - RING)
    const late = Math.max(0, this.#written - at)
    if (late < length) copyIn(this.#rings[track], (at + late) & MASK, law, packet, start + late, end)
  }

  /** Gives out what no packet can change any more. */
  drain(nowMs: number): void {
    this.#drainTo(this.#timeOf(nowMs) - JITTER_WINDOW)
  }

  /** Gives out the rest. */
  finish(nowMs: number): void {
    this.#drainTo(this.#timeOf(nowMs))
  }

  #timeOf(nowMs: number): number {
    return Math.round((nowMs - this.#options.startMs) * SAMPLES_PER_MS)
  }

  #drainTo(end: number): void {
    while (this.#written < end) {
      const from = this.#written
      // After a long stall: the ring holds no more than its size, the rest is silence.
      const to = Math.min(end, from + RING)
      const [left, right] = this.#rings
      this.#options.write(
        this.#options.layout === 'mixed' ? mix(left, right, from, to) : interleave(left, right, from, to),
      )
      for (const ring of this.#rings) clear(ring, from, to)
      this.#written = to
    }
  }
}

function copyIn(
  ring: Uint8Array,
  at: number,
  law: G711,
  packet: Uint8Array,
  start: number,
  end: number,
): void {
  const wrap = start + RING - at
  if (wrap < end) {
    copyIn(ring, 0, law, packet, wrap, end)
    end = wrap
  }
  if (law === 'alaw') for (let i = start; i < end; i++) ring[at++] = packet[i] ?? 0
  else for (let i = start; i < end; i++) ring[at++] = ULAW_TO_ALAW[packet[i] ?? 0] ?? 0
}

const silence = (): Uint8Array => new Uint8Array(RING).fill(SILENCE)

function clear(ring: Uint8Array, from: number, to: number): void {
  const [start, end] = [from & MASK, to & MASK]
  if (start < end) ring.fill(SILENCE, start, end)
  else ring.fill(SILENCE, start).fill(SILENCE, 0, end)
}

function mix(left: Uint8Array, right: Uint8Array, from: number, to: number): Uint8Array {
  const table = mixTable()
  const out = new Uint8Array(to - from)
  for (let i = 0; i < out.length; i++) {
    const at = (from + i) & MASK
    out[i] = table[((left[at] ?? 0) << 8) | (right[at] ?? 0)] ?? 0
  }
  return out
}

function interleave(left: Uint8Array, right: Uint8Array, from: number, to: number): Uint8Array {
  const out = new Uint8Array(2 * (to - from))
  for (let i = 0; i < out.length; i += 2) {
    const at = (from + i / 2) & MASK
    out[i] = left[at] ?? 0
    out[i + 1] = right[at] ?? 0
  }
  return out
}

let table: Uint8Array | undefined

/** The A-law sum of any two A-law octets, 64 KB, made when first needed (2 ms). Clips. */
function mixTable(): Uint8Array {
  table ??= Uint8Array.from({ length: 65536 }, (_, pair) => mixed(pair >> 8, pair & 0xff))
  return table
}

function mixed(one: number, other: number): number {
  // A-law has no zero: silence is ±8, which must not move what is added to it.
  if (isSilence(one)) return other
  if (isSilence(other)) return one
  const sum = decodeSample('alaw', one) + decodeSample('alaw', other)
  return encodeSample('alaw', Math.max(-32768, Math.min(32767, sum)))
}

const isSilence = (octet: number): boolean => (octet & 0x7f) === (SILENCE & 0x7f)
