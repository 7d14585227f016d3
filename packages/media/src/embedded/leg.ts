import { MediaError } from '../engine.ts'
import { partyAddresses } from './address.ts'
import { random32 } from '../random.ts'
import type { Codec } from '../sdp/codec.ts'
import { receives, type Description, type Direction, type Section } from '../sdp/description.ts'
import { routeTo, type Agreed, type Offered, type TypeNumbers } from '../sdp/negotiation.ts'
import { writeBody, writeOrigin } from '../sdp/write.ts'
import type { Forks, LegState, ReceivedType } from './protocol.ts'

/** One party of a session on the main thread: what it described, what was agreed, and the SDP we show it. */
export type Leg = {
  readonly name: string
  readonly index: number
  readonly port: number
  /** Its latest offer that has no answer yet. */
  pendingOffer: Description | undefined
  /** What stands: its description, the codecs agreed on it, and how often that changed. */
  remote: Description | undefined
  agreed: readonly Agreed[]
  epoch: number
  /** Other forks of the call it is a party of. */
  others: Forks | undefined
  /** Our latest offer to it, kept for a repeated or another fork's answer. */
  offered: readonly Offered[] | undefined
  readonly numbers: TypeNumbers
  peer: Leg | undefined
  /** Digits are looked for in its audio. */
  inBand: boolean
  /** m-lines of our SDP to it: once there, they stay (RFC 3264 §8). */
  sections: readonly Section[]
  audioIndex: number
  readonly sessionId: string
  version: number
  lastBody: string | undefined
}

const OWN_SECTIONS: readonly Section[] = [{ media: 'audio', protocol: 'RTP/AVP', format: '8' }]

export const createLeg = (name: string, index: number, port: number): Leg => ({
  name,
  index,
  port,
  pendingOffer: undefined,
  remote: undefined,
  agreed: [],
  epoch: 0,
  others: undefined,
  offered: undefined,
  numbers: new Map(),
  peer: undefined,
  inBand: false,
  sections: OWN_SECTIONS,
  audioIndex: 0,
  sessionId: `${random32()}${random32() % 1000}`,
  version: 0,
  lastBody: undefined,
})

/** Lets a description stand with the codecs agreed on it. The same again keeps the latch closed. */
export function settle(leg: Leg, description: Description, agreed: readonly Agreed[]): void {
  const before = leg.remote
  if (before === undefined || !isRepetition(before, description)) {
    leg.epoch++
    leg.remote = description
  }
  leg.agreed = agreed
  leg.pendingOffer = undefined
}

/**
 * The other forks of the call are not heard. One gateway may listen for several of its phones in one place; then nothing tells
 * them apart.
 */
export function shutOut(leg: Leg, party: Description, forks: readonly Description[]): void {
  const isSameParty = leg.remote !== undefined && isRepetition(leg.remote, party)
  const others = forks.filter(({ address, port }) => address !== party.address || port !== party.port)
  const replaces = !isSameParty && others.length === forks.length
  leg.others = {
    replaced: (leg.others?.replaced ?? 0) + (replaces ? 1 : 0),
    places: others.map(({ address, port, rtcpPort }) => ({ address, port, rtcpPort })),
  }
}

/** The same text from the same place, or from an untold one. */
export const isRepetition = (before: Description, description: Description): boolean =>
  before.text === description.text &&
  (description.cameFrom === undefined || description.cameFrom === before.cameFrom)

/** A new offer of the party: our SDPs to it follow its m-lines from now on. */
export function takeOffer(leg: Leg, description: Description): void {
  leg.pendingOffer = description
  leg.sections = description.sections
  leg.audioIndex = description.audioIndex
}

export type Timing = Pick<Description, 'ptime' | 'maxptime'>

/** Writes our SDP for the leg; the version of its o-line goes up when the rest changes (RFC 3264 §8). */
export function describeTo(
  leg: Leg,
  own: { readonly address: string; readonly ipv6: boolean },
  codecs: readonly Codec[],
  direction: Direction,
  timing: Timing | undefined,
): Buffer {
  const description = {
    address: own.address,
    ipv6: own.ipv6,
    port: leg.port,
    codecs,
    direction,
    ptime: timing?.ptime,
    maxptime: timing?.maxptime,
    sections: leg.sections,
    audioIndex: leg.audioIndex,
  }
  const body = writeBody(description)
  if (body !== leg.lastBody) leg.version++
  const origin = writeOrigin(leg.sessionId, leg.version, description)
  // Callers keep the SDP as long as the call: from Node's pool it would keep a slab of 64 KB alive with it. Likewise
  // `body` as it is now would keep every piece it was joined from.
  const bytes = Buffer.allocUnsafeSlow(origin.length + body.length)
  bytes.write(origin + body, 'latin1')
  leg.lastBody = bytes.toString('latin1', origin.length)
  return bytes
}

/** The codecs as the party knows them: our numbers, for offers and answers to it. */
export const ownCodecs = (agreed: readonly Agreed[]): Codec[] =>
  agreed.map(({ codec, receiveType }) =>
    codec.payloadType === receiveType ? codec : { ...codec, payloadType: receiveType },
  )

/** Whom the media of a leg is taken from: `EmbeddedOptions.latching`. */
export type Latching = 'strict' | 'any'

/** The state the worker is told. */
export function stateOf(leg: Leg, latching: Latching): LegState {
  const { remote, agreed, peer } = leg
  const strict = latching === 'strict' ? partyAddresses(remote?.address, remote?.cameFrom) : undefined
  const address = strict ? strict.described : remote?.address
  const playable = agreed.find(({ codec }) => codec.g711)
  return {
    port: leg.port,
    epoch: leg.epoch,
    remote: remote && { address, port: remote.port, rtcpPort: remote.rtcpPort },
    sources: strict?.sources,
    ...(leg.others && { others: leg.others }),
    hears: remote !== undefined && receives(remote.direction),
    speaks: remote?.direction === 'sendrecv',
    peer: peer?.index ?? -1,
    types: receivedTypes(agreed, peer?.agreed),
    inBand: leg.inBand,
    playAs: playable?.codec.g711 && { payloadType: playable.sendType, law: playable.codec.g711 },
  }
}

/** What the party may send under our numbers, and where that goes. */
const receivedTypes = (agreed: readonly Agreed[], peer: readonly Agreed[] | undefined): ReceivedType[] =>
  agreed.map(({ codec, receiveType }) => ({
    payloadType: receiveType,
    clockRateHz: codec.clockRateHz,
    isEvent: codec.isEvent,
    law: codec.g711,
    route: peer && routeTo(codec, peer),
  }))

export function requireOffer(leg: Leg): readonly Offered[] {
  if (leg.offered === undefined) throw new MediaError('NO_SUCH_LEG', `leg ${leg.name} got no offer to answer`)
  return leg.offered
}
