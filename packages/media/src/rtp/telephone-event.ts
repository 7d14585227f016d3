/**
 * Digits as RTP events (RFC 4733 §2.3).
 *
 *   |     event     |E|R| volume    |          duration             |
 */
export type TelephoneEvent = {
  /** `0`–`9`, `*`, `#`, `A`–`D`. */
  readonly digit: string
  readonly end: boolean
  /** -dBm0, 0…63. */
  readonly volume: number
  /** Since the begin of the event, in timestamp units. */
  readonly duration: number
}

const DIGITS = '0123456789*#ABCD'

export function buildTelephoneEvent(event: TelephoneEvent): Buffer {
  const code = DIGITS.indexOf(event.digit.toUpperCase())
  if (code < 0 || event.digit.length !== 1) throw new RangeError(`"${event.digit}" is not a telephone digit`)
  const payload = Buffer.allocUnsafe(4)
  payload[0] = code
  payload[1] = (event.end ? 0x80 : 0) | (event.volume & 0x3f)
  payload.writeUInt16BE(Math.min(event.duration, 0xffff), 2)
  return payload
}

/** The event in a payload; undefined for events that are no digits (flash, tones) and for short payloads. */
export function parseTelephoneEvent(payload: Buffer): TelephoneEvent | undefined {
  const digit = payload.length >= 4 ? DIGITS[payload[0] ?? 0xff] : undefined
  if (digit === undefined) return undefined
  const flags = payload[1] ?? 0
  return { digit, end: (flags & 0x80) !== 0, volume: flags & 0x3f, duration: payload.readUInt16BE(2) }
}

/**
 * Finds digits in one party's events and reports each once. A digit is its RTP timestamp: the three copies of the
 * end packet share it (RFC 4733 §2.5.1.4). When every end packet is lost, the digit is reported at the next one or
 * by `flush` after `LOST_END_MS` without a packet.
 */
export type DigitDetector = {
  timestamp: number
  digit: string
  duration: number
  clockRateHz: number
  seenAtMs: number
  reported: boolean
}

export type SeenDigit = { readonly digit: string; readonly durationMs: number }

export const LOST_END_MS = 200

export const createDigitDetector = (): DigitDetector => ({
  timestamp: -1,
  digit: '',
  duration: 0,
  clockRateHz: 8000,
  seenAtMs: 0,
  reported: true,
})

/** Takes one event packet; calls `report` for each digit that is complete by it. */
export function detectDigit(
  state: DigitDetector,
  event: TelephoneEvent,
  timestamp: number,
  clockRateHz: number,
  nowMs: number,
  report: (digit: SeenDigit) => void,
): void {
  if (timestamp !== state.timestamp) {
    // A packet of an earlier event that comes late is not a new key press.
    if (state.timestamp >= 0 && ((timestamp - state.timestamp) | 0) < 0 && nowMs - state.seenAtMs < 1000)
      return
    flushDigit(state, report)
    state.timestamp = timestamp
    state.digit = event.digit
    state.duration = 0
    state.clockRateHz = clockRateHz
    state.reported = false
  }
  state.duration = Math.max(state.duration, event.duration)
  state.seenAtMs = nowMs
  if (event.end) flushDigit(state, report)
}

/** Reports a digit whose end never came; call when `LOST_END_MS` have passed since its last packet. */
export function flushDigit(state: DigitDetector, report: (digit: SeenDigit) => void): void {
  if (state.reported) return
  state.reported = true
  report({ digit: state.digit, durationMs: Math.round((state.duration * 1000) / state.clockRateHz) })
}
