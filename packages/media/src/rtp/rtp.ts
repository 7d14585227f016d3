/**
 * RTP packets (RFC 3550 §5.1) over buffers.
 *
 *   0                   1                   2                   3
 *   |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 *   |                           timestamp                           |
 *   |                             SSRC                              |
 *   |            CSRC × CC, header extension if X, payload          |
 */
export const RTP_HEADER_BYTES = 12
/** Audio of one packet at 20 ms and 8 kHz. */
export const FRAME_SAMPLES = 160
export const FRAME_MS = 20

export type RtpHeader = {
  readonly payloadType: number
  readonly marker: boolean
  readonly sequence: number
  readonly timestamp: number
  readonly ssrc: number
}
export type RtpPacket = RtpHeader & { readonly payload: Buffer }

/** The packet, its payload a view of `packet` without padding; undefined when it is not RTP version 2. */
export function parseRtp(packet: Buffer): RtpPacket | undefined {
  const start = payloadStart(packet)
  if (start < 0) return undefined
  const second = packet.readUInt8(1)
  return {
    payloadType: second & 0x7f,
    marker: (second & 0x80) !== 0,
    sequence: packet.readUInt16BE(2),
    timestamp: packet.readUInt32BE(4),
    ssrc: packet.readUInt32BE(8),
    payload: packet.subarray(start, payloadEnd(packet, start)),
  }
}

export function buildRtp(header: RtpHeader, payload: Uint8Array): Buffer {
  const packet = Buffer.allocUnsafe(RTP_HEADER_BYTES + payload.length)
  writeHeader(packet, 0, header.payloadType, header.marker, header.sequence, header.timestamp, header.ssrc)
  packet.set(payload, RTP_HEADER_BYTES)
  return packet
}

/** Writes a plain 12-byte header at `at`. Numbers are taken modulo their width. */
export function writeHeader(
  packet: Buffer,
  at: number,
  payloadType: number,
  marker: boolean,
  sequence: number,
  timestamp: number,
  ssrc: number,
): void {
  packet[at] = 0x80
  packet[at + 1] = payloadType | (marker ? 0x80 : 0)
  packet.writeUInt16BE(sequence & 0xffff, at + 2)
  packet.writeUInt32BE(timestamp >>> 0, at + 4)
  packet.writeUInt32BE(ssrc >>> 0, at + 8)
}

/** Offset of the payload behind CSRCs and extension, or -1 when `packet` is not a whole RTP packet. */
export function payloadStart(packet: Buffer): number {
  if (packet.length < RTP_HEADER_BYTES) return -1
  const first = packet[0] ?? 0
  if (first >> 6 !== 2) return -1
  let start = RTP_HEADER_BYTES + (first & 0x0f) * 4
  if (first & 0x10) {
    if (start + 4 > packet.length) return -1
    start += 4 + packet.readUInt16BE(start + 2) * 4
  }
  return start <= packet.length ? start : -1
}

/** End of the payload before padding. A padding count that makes no sense is taken as none. */
export function payloadEnd(packet: Buffer, start: number): number {
  if (((packet[0] ?? 0) & 0x20) === 0) return packet.length
  const padding = packet[packet.length - 1] ?? 0
  return padding > 0 && packet.length - padding >= start ? packet.length - padding : packet.length
}
