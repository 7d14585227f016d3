import type { Codec } from './codec.ts'
import type { Direction, Section } from './description.ts'

/** Everything an SDP of ours says. Built from these values and nothing else. */
export type OwnDescription = {
  readonly address: string
  readonly ipv6: boolean
  readonly port: number
  readonly codecs: readonly Codec[]
  readonly direction: Direction
  readonly ptime: number | undefined
  readonly maxptime: number | undefined
  /** The m-lines this party knows from before; all but the audio are refused with port 0 (RFC 3264 §6). */
  readonly sections: readonly Section[]
  readonly audioIndex: number
}

/** The part of an SDP body behind the o-line; its change is what increments the o-line's version. */
export function writeBody(own: OwnDescription): string {
  let body = `s=-\r\nc=IN ${own.ipv6 ? 'IP6' : 'IP4'} ${own.address}\r\nt=0 0\r\n`
  for (let i = 0; i < own.sections.length; i++) {
    const section = own.sections[i]
    if (section === undefined) continue
    body += i === own.audioIndex ? writeAudio(own, section) : writeRefused(section)
  }
  return body
}

export const writeOrigin = (sessionId: string, version: number, own: OwnDescription): string =>
  `v=0\r\no=- ${sessionId} ${version} IN ${own.ipv6 ? 'IP6' : 'IP4'} ${own.address}\r\n`

const writeRefused = (section: Section): string =>
  `m=${section.media} 0 ${section.protocol} ${section.format}\r\n`

/** RTCP is always on the next port, so that a=rtcp is not needed (RFC 3605). */
function writeAudio(own: OwnDescription, section: Section): string {
  let line = `m=audio ${own.port} ${section.protocol}`
  let attributes = ''
  for (const codec of own.codecs) {
    line += ` ${codec.payloadType}`
    // Static types need no rtpmap (RFC 8866 §6.6), but some phones insist on it.
    attributes += writeCodec(codec)
  }
  if (own.ptime !== undefined) attributes += `a=ptime:${own.ptime}\r\n`
  if (own.maxptime !== undefined) attributes += `a=maxptime:${own.maxptime}\r\n`
  return `${line}\r\n${attributes}a=${own.direction}\r\n`
}

function writeCodec(codec: Codec): string {
  const channels = codec.channels === 1 ? '' : `/${codec.channels}`
  const rtpmap = `a=rtpmap:${codec.payloadType} ${codec.name}/${codec.clockRateHz}${channels}\r\n`
  return codec.fmtp === undefined ? rtpmap : `${rtpmap}a=fmtp:${codec.payloadType} ${codec.fmtp}\r\n`
}
