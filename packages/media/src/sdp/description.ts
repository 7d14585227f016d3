import { isIPv6 } from 'node:net'
import { MediaError } from '../engine.ts'
import { makeCodec, staticCodec, type Codec } from './codec.ts'
import { CLOCK_RATES_HZ, canonicalName, cleanParameters } from './codec-names.ts'

/** Direction of media from the side of the party that wrote it (RFC 3264 §5.1). */
export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'

/** An m-line as far as it is echoed to its own author when refused. */
export type Section = { readonly media: string; readonly protocol: string; readonly format: string }

/** What one party's SDP says about its audio. Everything else in it is never kept, so that it cannot leak. */
export type Description = {
  /** All m-lines in order; an answer must have as many (RFC 3264 §6). */
  readonly sections: readonly Section[]
  /** Which of them is the audio that is used. */
  readonly audioIndex: number
  /** Where to send. Undefined for a host name: such a party is found by the packets it sends. */
  readonly address: string | undefined
  readonly port: number
  readonly rtcpPort: number
  readonly codecs: readonly Codec[]
  /** `c=0.0.0.0` (hold as in RFC 2543) is folded in. */
  readonly direction: Direction
  readonly ptime: number | undefined
  readonly maxptime: number | undefined
  /** The text itself, to recognise a repeated SDP. */
  readonly text: string
  /** Address its SIP message came from, as a socket writes it; undefined when not told. */
  readonly cameFrom: string | undefined
}

const MAX_BYTES = 16_384
const MAX_SECTIONS = 16
const MAX_FORMATS = 64
const TOKEN = /^[!#-'*+\-.0-9A-Z^-~]{1,32}$/
const PROTOCOL = /^[0-9A-Za-z/]{1,32}$/
const DIRECTIONS: ReadonlySet<string> = new Set(['sendrecv', 'sendonly', 'recvonly', 'inactive'])

/** Lines that count while one m-line (or the part before the first) is read. */
type Block = {
  connection: string | undefined
  direction: Direction | undefined
  ptime: number | undefined
  maxptime: number | undefined
  rtcpPort: number | undefined
  /** By payload type; absent until the first. */
  rtpmaps: Map<number, string> | undefined
  fmtps: Map<number, string> | undefined
}
type MediaBlock = Block & {
  readonly media: string
  readonly port: number
  readonly protocol: string
  readonly formats: readonly string[]
}

/**
 * Reads an SDP body (RFC 8866): the first usable `m=audio` over plain RTP and nothing else.
 * Throws `MediaError` BAD_SDP when it is not SDP, NO_COMMON_CODEC when it has no audio to work with.
 */
export function parseDescription(sdp: Uint8Array, cameFrom?: string): Description {
  if (sdp.length > MAX_BYTES) throw bad(`it has ${sdp.length} bytes, more than ${MAX_BYTES}`)
  const text = Buffer.from(sdp.buffer, sdp.byteOffset, sdp.byteLength).toString('latin1')
  if (!text.startsWith('v=0')) throw bad('it does not begin with v=0')
  const session = emptyBlock()
  const blocks: MediaBlock[] = []
  let block: Block = session
  for (let at = 0; at < text.length;) {
    const newline = text.indexOf('\n', at)
    const next = newline < 0 ? text.length : newline
    const end = next > at && text.charCodeAt(next - 1) === 13 ? next - 1 : next
    if (end - at >= 2 && text[at + 1] === '=') {
      const kind = text[at]
      if (kind === 'a') readAttribute(block, text.slice(at + 2, end))
      else if (kind === 'm') {
        if (blocks.length === MAX_SECTIONS) throw bad(`it has more than ${MAX_SECTIONS} m-lines`)
        const media = readMediaLine(text.slice(at + 2, end))
        blocks.push(media)
        block = media
      } else if (kind === 'c') block.connection ??= text.slice(at + 2, end)
    }
    at = next + 1
  }
  return describe(session, blocks, text, cameFrom)
}

function describe(
  session: Block,
  blocks: readonly MediaBlock[],
  text: string,
  cameFrom: string | undefined,
): Description {
  if (blocks.length === 0) throw bad('it has no m-line')
  const audioIndex = blocks.findIndex(isUsableAudio)
  const audio = blocks[audioIndex]
  if (audio === undefined) {
    throw new MediaError('NO_COMMON_CODEC', 'the SDP has no active m=audio over RTP/AVP')
  }
  const codecs = readCodecs(audio)
  if (!codecs.some((codec) => codec.carriesSpeech)) {
    throw new MediaError('NO_COMMON_CODEC', 'the SDP offers no audio codec that is known here')
  }
  const connection = audio.connection ?? session.connection
  if (connection === undefined) throw bad('its audio has no c-line')
  const address = readConnection(connection)
  const direction = audio.direction ?? session.direction ?? 'sendrecv'
  const held = address === '0.0.0.0' || address === '::'
  return {
    sections: blocks.map(({ media, protocol, formats }) => ({ media, protocol, format: formats[0] ?? '0' })),
    audioIndex,
    address: held ? undefined : address,
    port: audio.port,
    rtcpPort: audio.rtcpPort ?? audio.port + 1,
    codecs,
    direction: held ? withoutReceiving(direction) : direction,
    ptime: audio.ptime ?? session.ptime,
    maxptime: audio.maxptime ?? session.maxptime,
    text,
    cameFrom,
  }
}

const emptyBlock = (): Block => ({
  connection: undefined,
  direction: undefined,
  ptime: undefined,
  maxptime: undefined,
  rtcpPort: undefined,
  rtpmaps: undefined,
  fmtps: undefined,
})

/** `audio 49170 RTP/AVP 0 8 101`; `49170/2` is taken as its first port. */
function readMediaLine(line: string): MediaBlock {
  const [media = '', portText = '', protocol = '', ...formats] = line.split(' ').filter((part) => part !== '')
  const port = Number.parseInt(portText, 10)
  if (!TOKEN.test(media) || !PROTOCOL.test(protocol) || !(port >= 0 && port <= 65535)) {
    throw bad('an m-line is not "media port protocol formats"')
  }
  if (
    formats.length === 0 ||
    formats.length > MAX_FORMATS ||
    !formats.every((format) => TOKEN.test(format))
  ) {
    throw bad('an m-line has no formats, or too many')
  }
  return { ...emptyBlock(), media, port, protocol, formats }
}

function readAttribute(block: Block, attribute: string): void {
  const colon = attribute.indexOf(':')
  const name = colon < 0 ? attribute : attribute.slice(0, colon)
  if (colon < 0) {
    if (DIRECTIONS.has(name)) block.direction = name as Direction
    return
  }
  const value = attribute.slice(colon + 1)
  if (name === 'rtpmap' || name === 'fmtp') {
    const space = value.indexOf(' ')
    const payloadType = Number(value.slice(0, space))
    const map = (block[name === 'rtpmap' ? 'rtpmaps' : 'fmtps'] ??= new Map<number, string>())
    if (space > 0 && map.size < MAX_FORMATS) map.set(payloadType, value.slice(space + 1).trim())
  } else if (name === 'ptime') block.ptime = milliseconds(value)
  else if (name === 'maxptime') block.maxptime = milliseconds(value)
  else if (name === 'rtcp') {
    // "53020" or "53020 IN IP4 …" (RFC 3605); the address is taken to be the one of the audio.
    const port = Number.parseInt(value, 10)
    if (port > 0 && port <= 65535) block.rtcpPort = port
  }
}

function milliseconds(value: string): number | undefined {
  const ms = Number.parseInt(value, 10)
  return ms > 0 && ms <= 200 ? ms : undefined
}

const isUsableAudio = (block: MediaBlock): boolean =>
  block.media === 'audio' && block.port > 0 && (block.protocol === 'RTP/AVP' || block.protocol === 'RTP/AVPF')

function readCodecs(audio: MediaBlock): Codec[] {
  const codecs: Codec[] = []
  for (const format of audio.formats) {
    const payloadType = /^\d{1,3}$/.test(format) ? Number(format) : 128
    // 64…95 collide with RTCP (RFC 5761 §4).
    if (payloadType > 127 || (payloadType >= 64 && payloadType < 96)) continue
    if (codecs.some((codec) => codec.payloadType === payloadType)) continue
    const codec = knownCodec(payloadType, audio.rtpmaps?.get(payloadType), audio.fmtps?.get(payloadType))
    if (codec !== undefined) codecs.push(codec)
  }
  return codecs
}

/** Phones say the same few lines again and again: each is read once. Bounded, as anyone can say anything. */
const KNOWN_CODECS = new Map<string, Codec>()
const MAX_KNOWN_CODECS = 256

function knownCodec(
  payloadType: number,
  rtpmap: string | undefined,
  fmtp: string | undefined,
): Codec | undefined {
  const line = `${payloadType} ${rtpmap} ${fmtp}`
  const known = KNOWN_CODECS.get(line)
  if (known !== undefined) return known
  const codec = readCodec(payloadType, rtpmap, fmtp)
  if (codec !== undefined && KNOWN_CODECS.size < MAX_KNOWN_CODECS) KNOWN_CODECS.set(line, codec)
  return codec
}

/** `rtpmap` is `opus/48000/2`. */
function readCodec(
  payloadType: number,
  rtpmap: string | undefined,
  fmtp: string | undefined,
): Codec | undefined {
  if (rtpmap === undefined) return staticCodec(payloadType, fmtp)
  const [told = '', rateText = '', channelText = '1'] = rtpmap.split('/')
  const name = canonicalName(told)
  const clockRateHz = Number(rateText)
  const channels = Number(channelText)
  if (name === undefined || !CLOCK_RATES_HZ.has(clockRateHz)) return undefined
  if (!(channels >= 1 && channels <= 8) || !Number.isInteger(channels)) return undefined
  return makeCodec({ payloadType, name, clockRateHz, channels, fmtp: cleanParameters(name, fmtp) })
}

/** `IN IP4 192.0.2.1`; undefined for a host name. */
function readConnection(line: string): string | undefined {
  const [network, family, rawAddress = ''] = line.trim().split(/ +/)
  // A multicast "/ttl" is cut off; the address itself is refused below.
  const address = rawAddress.split('/')[0] ?? ''
  if (network !== 'IN' || (family !== 'IP4' && family !== 'IP6') || address === '') {
    throw bad('a c-line is not "IN IP4 address" or "IN IP6 address"')
  }
  if (family === 'IP6' && address.includes(':')) {
    if (!isIPv6(address) || address.includes('%')) throw bad('the address of its c-line is not IPv6')
    if (/^ff/i.test(address)) throw bad('it asks for multicast')
    // As the socket will write it, so that the latch knows the party's packets.
    const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1)
    if (canonical.startsWith('::ffff:')) throw bad('the address of its c-line is IPv4 in IPv6 form')
    return canonical
  }
  if (!/^\d+\.\d+\.\d+\.\d+$/.test(address)) return undefined
  const octets = address.split('.').map(Number)
  if (octets.some((octet) => octet > 255)) throw bad('the address of its c-line is not IPv4')
  if ((octets[0] ?? 0) >= 224) throw bad('it asks for multicast or broadcast')
  return octets.join('.')
}

/** The same hold seen from a party that cannot receive. */
const withoutReceiving = (direction: Direction): Direction =>
  direction === 'sendrecv' || direction === 'sendonly' ? 'sendonly' : 'inactive'

export const sends = (direction: Direction): boolean => direction === 'sendrecv' || direction === 'sendonly'
export const receives = (direction: Direction): boolean =>
  direction === 'sendrecv' || direction === 'recvonly'

export function directionOf(sending: boolean, receiving: boolean): Direction {
  if (sending) return receiving ? 'sendrecv' : 'sendonly'
  return receiving ? 'recvonly' : 'inactive'
}

const bad = (why: string): MediaError => new MediaError('BAD_SDP', `the SDP cannot be used: ${why}`)
