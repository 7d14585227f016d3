import { isIPv6 } from 'node:net'
import { MediaError } from '../engine.ts'
import { PCMA, PCMU, TELEPHONE_EVENT, type Codec } from '../sdp/codec.ts'
import { directionOf, parseDescription, receives, sends, type Direction } from '../sdp/description.ts'
import { agreeLocally } from '../sdp/negotiation.ts'
import { writeBody, writeOrigin } from '../sdp/write.ts'
import type { RtpRemote } from './endpoint.ts'

export type EndpointSdp = {
  readonly host: string
  readonly port: number
  /** In order of preference; default PCMA then PCMU. */
  readonly codecs?: readonly ('PCMA' | 'PCMU')[]
  /** Default `sendrecv`; for hold `sendonly` or `inactive`. */
  readonly direction?: Direction
  /** Of the o-line; raise it with each new description. Default 1. */
  readonly version?: number
}

/** A softphone's offer: G.711 and telephone events. */
export function endpointOffer(endpoint: EndpointSdp): Buffer {
  const laws = (endpoint.codecs ?? ['PCMA', 'PCMU']).map((name) => (name === 'PCMA' ? PCMA : PCMU))
  return write(endpoint, [...laws, TELEPHONE_EVENT], endpoint.direction ?? 'sendrecv')
}

/**
 * A softphone's answer to `offer`: its first G.711 law that the phone speaks, and where to send. Throws a `MediaError`
 * as the engine does.
 */
export function endpointAnswer(
  offer: Uint8Array,
  endpoint: EndpointSdp,
): { readonly sdp: Buffer; readonly remote: RtpRemote } {
  const description = parseDescription(offer)
  const speaks = endpoint.codecs ?? ['PCMA', 'PCMU']
  const usable = description.codecs.filter(
    (codec) => !codec.g711 || speaks.includes(codec.g711 === 'alaw' ? 'PCMA' : 'PCMU'),
  )
  const codecs = agreeLocally(usable).map(({ codec }) => codec)
  const wanted = endpoint.direction ?? 'sendrecv'
  const direction = directionOf(
    sends(wanted) && receives(description.direction),
    receives(wanted) && sends(description.direction),
  )
  return { sdp: write(endpoint, codecs, direction), remote: readRemote(offer, codecs) }
}

/** Where to send after an answer (or offer) came. */
export function readRemote(
  sdp: Uint8Array,
  codecs: readonly Codec[] = parseDescription(sdp).codecs,
): RtpRemote {
  const { address, port } = parseDescription(sdp)
  const speech = codecs.find((codec) => codec.g711)
  const events = codecs.find((codec) => codec.isEvent)
  if (address === undefined || speech === undefined) {
    throw new MediaError('NO_COMMON_CODEC', 'the SDP has no address or no G.711 to send to')
  }
  const remote = { address, port, payloadType: speech.payloadType }
  return events ? { ...remote, eventPayloadType: events.payloadType } : remote
}

function write(endpoint: EndpointSdp, codecs: readonly Codec[], direction: Direction): Buffer {
  const own = {
    address: endpoint.host,
    ipv6: isIPv6(endpoint.host),
    port: endpoint.port,
    codecs,
    direction,
    ptime: 20,
    maxptime: undefined,
    sections: [{ media: 'audio', protocol: 'RTP/AVP', format: '8' }],
    audioIndex: 0,
  }
  return Buffer.from(writeOrigin('1', endpoint.version ?? 1, own) + writeBody(own), 'latin1')
}
