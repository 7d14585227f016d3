import { FRAME_MS, FRAME_SAMPLES } from '../rtp/rtp.ts'

/**
 * Announcements paced by an absolute schedule: frame n is due at start + n × 20 ms, so that a late timer never
 * adds up. One timer serves all players. A stall longer than `MAX_LATE_MS` moves the schedule, because a burst of
 * old frames would only be thrown away by the listener's jitter buffer.
 */
export type PlayerClock = {
  /** Milliseconds, never going back; fractions count. */
  now(): number
  setTimer(delayMs: number, run: () => void): unknown
  clearTimer(handle: unknown): void
}

export type Player = {
  /** The samples of frame `index`, 0 … `frames` − 1. */
  readonly frame: (index: number) => Uint8Array
  /** Frames of all repetitions; may be Infinity. */
  readonly frames: number
  startAtMs: number
  sent: number
  /** Sends one frame of the audio; `first` asks for the marker. */
  readonly send: (frame: Uint8Array, first: boolean, nowMs: number) => void
  readonly finish: () => void
}

export const MAX_LATE_MS = 100

/** Real time. */
export const monotonicClock: PlayerClock = {
  now: () => performance.now(),
  setTimer: (delayMs, run) => setTimeout(run, delayMs),
  clearTimer: (handle) => clearTimeout(handle as NodeJS.Timeout),
}
/** Starts are rounded up to this grid, so that hundreds of players share few wake-ups. */
const START_GRID_MS = 5

export const framesOf = (samples: number): number => Math.ceil(samples / FRAME_SAMPLES)

/** Frame `index` of audio that is played over and over. */
export function frameAt(samples: Uint8Array, index: number): Uint8Array {
  const at = (index % Math.max(1, framesOf(samples.length))) * FRAME_SAMPLES
  return samples.subarray(at, at + FRAME_SAMPLES)
}

/** Frame `index` of audios that are played one after another, over and over; each is whole frames. */
export function frameOfMany(audios: readonly Uint8Array[], index: number): Uint8Array {
  let at = (index * FRAME_SAMPLES) % Math.max(1, samplesOf(audios))
  for (const audio of audios) {
    if (at < audio.length) return audio.subarray(at, at + FRAME_SAMPLES)
    at -= audio.length
  }
  return new Uint8Array(0)
}

export const samplesOf = (audios: readonly Uint8Array[]): number =>
  audios.reduce((sum, audio) => sum + audio.length, 0)

export class Players {
  readonly #clock: PlayerClock
  readonly #players = new Set<Player>()
  #timer: unknown
  #timerAtMs = Infinity

  constructor(clock: PlayerClock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#players.size
  }

  /** Starts `player` at the next grid point; an empty audio finishes at once. */
  start(player: Player): void {
    player.startAtMs = Math.ceil(this.#clock.now() / START_GRID_MS) * START_GRID_MS
    this.#players.add(player)
    this.#schedule(player.startAtMs)
  }

  /** Ends it without `finish`. */
  stop(player: Player): void {
    this.#players.delete(player)
    if (this.#players.size === 0) this.close()
  }

  close(): void {
    this.#players.clear()
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer)
    this.#timer = undefined
    this.#timerAtMs = Infinity
  }

  #schedule(atMs: number): void {
    if (atMs >= this.#timerAtMs) return
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer)
    this.#timerAtMs = atMs
    this.#timer = this.#clock.setTimer(Math.max(0, atMs - this.#clock.now()), () => this.#tick())
  }

  #tick(): void {
    this.#timer = undefined
    this.#timerAtMs = Infinity
    const now = this.#clock.now()
    let nextMs = Infinity
    for (const player of this.#players) {
      const dueMs = this.#advance(player, now)
      if (dueMs < nextMs) nextMs = dueMs
    }
    if (nextMs !== Infinity) this.#schedule(nextMs)
  }

  /** Sends what is due; returns when the next frame is, Infinity when done. */
  #advance(player: Player, now: number): number {
    let dueMs = player.startAtMs + player.sent * FRAME_MS
    if (now - dueMs > MAX_LATE_MS) {
      player.startAtMs += now - dueMs
      dueMs = now
    }
    for (; dueMs <= now && player.sent < player.frames; dueMs += FRAME_MS) {
      player.send(player.frame(player.sent), player.sent === 0, now)
      player.sent++
    }
    // The last frame sounds for its 20 ms too.
    if (player.sent < player.frames || dueMs > now) return dueMs
    this.#players.delete(player)
    player.finish()
    return Infinity
  }
}
