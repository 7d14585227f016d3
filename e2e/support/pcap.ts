/** One UDP datagram over IPv4 as captured. */
export type CapturedDatagram = {
  /** Microseconds since the first packet of the capture: differences are exact. */
  readonly atUs: number
  readonly source: string
  readonly destination: string
  readonly payload: Buffer
}

const MAGIC_MICROSECONDS = 0xa1b2c3d4
const MAGIC_NANOSECONDS = 0xa1b23c4d
const ETHERNET = 1
const IPV4 = 0x0800
const UDP = 17

/**
 * Reads a capture file in the classic format (`dumpcap -P`, `tcpdump -w`) of an Ethernet-like interface such as
 * loopback. A last packet that was cut off is left out. Throws when it is not such a file.
 *
 *     file:   magic(4) version(4) zone(4) accuracy(4) snaplen(4) linktype(4) record*
 *     record: seconds(4) fraction(4) captured(4) length(4) bytes
 */
export function parsePcap(file: Buffer): CapturedDatagram[] {
  if (file.length < 24) throw new Error('no capture file: shorter than its header')
  const little = [MAGIC_MICROSECONDS, MAGIC_NANOSECONDS].includes(file.readUInt32LE(0))
  const u32 = (at: number): number => (little ? file.readUInt32LE(at) : file.readUInt32BE(at))
  const magic = u32(0)
  if (magic !== MAGIC_MICROSECONDS && magic !== MAGIC_NANOSECONDS)
    throw new Error('no capture file in pcap format')
  if (u32(20) !== ETHERNET) throw new Error(`capture has link type ${u32(20)}, need Ethernet (1)`)
  const perUs = magic === MAGIC_NANOSECONDS ? 1_000 : 1

  const datagrams: CapturedDatagram[] = []
  let firstSecond: number | undefined
  for (let at = 24; at + 16 <= file.length;) {
    const seconds = u32(at)
    const fraction = u32(at + 4)
    const end = at + 16 + u32(at + 8)
    if (end > file.length) break
    firstSecond ??= seconds
    const atUs = (seconds - firstSecond) * 1e6 + fraction / perUs
    const datagram = udpDatagram(file.subarray(at + 16, end), atUs)
    if (datagram !== undefined) datagrams.push(datagram)
    at = end
  }
  return datagrams
}

function udpDatagram(frame: Buffer, atUs: number): CapturedDatagram | undefined {
  if (frame.length < 14 + 20 || frame.readUInt16BE(12) !== IPV4) return undefined
  const ip = frame.subarray(14)
  const headerLength = ((ip[0] ?? 0) & 0x0f) * 4
  if (ip[9] !== UDP || ip.length < headerLength + 8) return undefined
  return {
    atUs,
    source: `${ip.subarray(12, 16).join('.')}:${ip.readUInt16BE(headerLength)}`,
    destination: `${ip.subarray(16, 20).join('.')}:${ip.readUInt16BE(headerLength + 2)}`,
    payload: ip.subarray(headerLength + 8),
  }
}
