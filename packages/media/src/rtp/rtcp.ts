/**
 * RTCP on its way from one party to the other (RFC 3550 §6). Reports pass with their SSRCs translated; descriptions
 * are replaced by ours; everything else (APP, extended reports, feedback, a BYE's reason) is left out, because it may
 * tell who the party is.
 *
 *   |V=2|P|   RC    |      PT       |   length in words minus one   |
 *   SR  200: SSRC  NTP(8)  RTP time(4)  packets(4)  octets(4)  report block × RC
 *   RR  201: SSRC  report block × RC
 *   SDES 202, BYE 203: SSRC × RC  [reason]
 *   report block: SSRC  lost(4)  highest sequence(4)  jitter(4)  last SR(4)  delay(4)
 */
export type RtcpTranslation = {
  /** The stream the receiving party hears. */
  readonly ssrc: number
  readonly cname: string
  readonly timestampOffset: number
  readonly packets: number
  readonly octets: number
  /** The stream the reporting party hears, what feeds it, and how its sequence numbers were shifted. */
  readonly reportedSsrc: number
  readonly reportedSource: number
  readonly reportedSequenceOffset: number
}

const SR = 200
const RR = 201
const BYE = 203
const BLOCK_BYTES = 24

export const isRtcp = (packet: Buffer): boolean =>
  packet.length >= 8 && (packet[0] ?? 0) >> 6 === 2 && (packet[1] === SR || packet[1] === RR)

/** The compound packet for the other party; undefined when nothing of it may pass. */
export function translateRtcp(packet: Buffer, translation: RtcpTranslation): Buffer | undefined {
  if (!isRtcp(packet)) return undefined
  const parts: Buffer[] = []
  let bye = false
  for (let at = 0; at + 4 <= packet.length;) {
    const end = at + (packet.readUInt16BE(at + 2) + 1) * 4
    if (end > packet.length || (packet[at] ?? 0) >> 6 !== 2) break
    const type = packet[at + 1]
    const part = packet.subarray(at, end)
    if ((type === SR || type === RR) && parts.length === 0) {
      const report = translateReport(part, type === SR ? 28 : 8, translation)
      if (report === undefined) return undefined
      parts.push(report)
    } else if (type === BYE) bye = true
    at = end
  }
  if (parts.length === 0) return undefined
  parts.push(describeSource(translation))
  if (bye) parts.push(sourcePacket(1, BYE, translation.ssrc))
  return Buffer.concat(parts)
}

function translateReport(part: Buffer, headBytes: number, translation: RtcpTranslation): Buffer | undefined {
  if (part.length < headBytes) return undefined
  const report = Buffer.allocUnsafe(part.length)
  part.copy(report, 0, 0, headBytes)
  report.writeUInt32BE(translation.ssrc, 4)
  if (headBytes === 28) {
    report.writeUInt32BE((part.readUInt32BE(16) + translation.timestampOffset) >>> 0, 16)
    report.writeUInt32BE(translation.packets >>> 0, 20)
    report.writeUInt32BE(translation.octets >>> 0, 24)
  }
  let end = headBytes
  const count = (part[0] ?? 0) & 0x1f
  for (let i = 0, at = headBytes; i < count && at + BLOCK_BYTES <= part.length; i++, at += BLOCK_BYTES) {
    if (part.readUInt32BE(at) !== translation.reportedSsrc) continue
    part.copy(report, end, at, at + BLOCK_BYTES)
    report.writeUInt32BE(translation.reportedSource, end)
    report.writeUInt32BE((part.readUInt32BE(at + 8) - translation.reportedSequenceOffset) >>> 0, end + 8)
    end += BLOCK_BYTES
  }
  report[0] = 0x80 | ((end - headBytes) / BLOCK_BYTES)
  report.writeUInt16BE(end / 4 - 1, 2)
  return report.subarray(0, end)
}

/** SDES with one chunk: our CNAME for this stream. Items end with at least one zero octet (§6.5). */
function describeSource(translation: RtcpTranslation): Buffer {
  const name = Buffer.from(translation.cname, 'latin1')
  const packet = Buffer.alloc(8 + ((2 + name.length + 1 + 3) & ~3))
  packet[0] = 0x81
  packet[1] = 202
  packet.writeUInt16BE(packet.length / 4 - 1, 2)
  packet.writeUInt32BE(translation.ssrc, 4)
  packet[8] = 1
  packet[9] = name.length
  name.copy(packet, 10)
  return packet
}

function sourcePacket(count: number, type: number, ssrc: number): Buffer {
  const packet = Buffer.allocUnsafe(8)
  packet[0] = 0x80 | count
  packet[1] = type
  packet.writeUInt16BE(1, 2)
  packet.writeUInt32BE(ssrc, 4)
  return packet
}
