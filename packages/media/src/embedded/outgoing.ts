import { random32 } from '../random.ts'

/**
 * The one RTP stream a party hears, whoever feeds it. Its SSRC stays; sequence and time stamp go on without a step
 * back or a jump when the source changes: another leg, another SSRC, announcement and back.
 */
export type Outgoing = {
  readonly ssrc: number
  readonly cname: string
  /** What feeds it now: the sending leg's number and SSRC, or -1 for an announcement. */
  sourceLeg: number
  sourceSsrc: number
  sequenceOffset: number
  timestampOffset: number
  lastSequence: number
  lastTimestamp: number
  lastSentAtMs: number
  packets: number
  octets: number
}

export const ANNOUNCEMENT = -1
export const NOBODY = -2

export const createOutgoing = (): Outgoing => ({
  ssrc: random32(),
  cname: random32().toString(36) + random32().toString(36),
  sourceLeg: NOBODY,
  sourceSsrc: 0,
  sequenceOffset: 0,
  timestampOffset: 0,
  // RFC 3550 §5.1: both start at random.
  lastSequence: random32() & 0xffff,
  lastTimestamp: random32(),
  lastSentAtMs: -1,
  packets: 0,
  octets: 0,
})

/**
 * Takes over the stream for a new source whose next packet has `sequence` and `timestamp`; true when it did (that
 * packet carries the marker), false when the source already feeds it.
 */
export function takeOver(
  out: Outgoing,
  sourceLeg: number,
  sourceSsrc: number,
  sequence: number,
  timestamp: number,
  clockRateHz: number,
  nowMs: number,
): boolean {
  if (out.sourceLeg === sourceLeg && out.sourceSsrc === sourceSsrc) return false
  out.sourceLeg = sourceLeg
  out.sourceSsrc = sourceSsrc
  // The listener's clock went on while nothing was sent; at least one frame lies between two packets.
  const silentMs = out.lastSentAtMs < 0 ? 20 : Math.max(20, Math.round(nowMs - out.lastSentAtMs))
  out.sequenceOffset = (out.lastSequence + 1 - sequence) & 0xffff
  out.timestampOffset = (out.lastTimestamp + Math.round((silentMs * clockRateHz) / 1000) - timestamp) >>> 0
  return true
}

/** Books a packet that was sent under `sequence` and `timestamp` (of the outgoing stream). */
export function sent(
  out: Outgoing,
  sequence: number,
  timestamp: number,
  octets: number,
  nowMs: number,
): void {
  out.packets++
  out.octets += octets
  // A packet that overtook another does not move the stream back.
  if (((sequence - out.lastSequence) & 0xffff) < 0x8000) {
    out.lastSequence = sequence
    out.lastTimestamp = timestamp
    out.lastSentAtMs = nowMs
  }
}
