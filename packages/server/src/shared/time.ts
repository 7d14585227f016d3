/** Milliseconds since 1970-01-01T00:00:00Z. */
export type EpochMs = number

/** The one clock. Rules take instants as arguments; edges and timers take a Clock, so tests turn the hands. */
export type Clock = {
  now(): EpochMs
  setTimer(delayMs: number, run: () => void): Timer
}
export type Timer = { cancel(): void }

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(delayMs, run) {
    const handle = setTimeout(run, delayMs)
    return { cancel: () => clearTimeout(handle) }
  },
}

/**
 * Milliseconds to the next whole multiple of `beatMs`. Work that gathers on one beat wakes the process once for all of it,
 * and what several gather for one database goes into one commit.
 */
export function toNextBeat(now: EpochMs, beatMs: number): number {
  return beatMs <= 0 ? 0 : beatMs - (now % beatMs)
}

const two = (n: number) => (n < 10 ? `0${n}` : `${n}`)

let wireSecond = Number.NaN
let wireText = ''

/** `yyyy-MM-dd HH:mm:ss` in UTC: every time on the wire except `Created` (spec/notifications.md section 5.2). */
export function formatWireTime(at: EpochMs): string {
  const second = Math.floor(at / 1000)
  // Most of what is told in a second happened in it.
  if (second !== wireSecond) {
    wireText = wireTimeOf(new Date(at))
    wireSecond = second
  }
  return wireText
}

function wireTimeOf(d: Date): string {
  return `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())} ${two(d.getUTCHours())}:${two(d.getUTCMinutes())}:${two(d.getUTCSeconds())}`
}

/** `yyyy-MM-ddTHH:mm:ssZ` in UTC, the form of `Created` (spec/auth-and-errors.md section 3.3). */
export function formatCreated(at: EpochMs): string {
  return formatWireTime(at).replace(' ', 'T') + 'Z'
}

/** `2024-01-24T09:06:16.450Z`: `timeStamp` of SMS pushes (spec/sms.md section 3). */
export const formatMillis = (at: EpochMs): string => new Date(at).toISOString()
