import { createDtmfDetector, detectDtmf, type DtmfDetector } from '../audio/dtmf-detector.ts'
import { ALAW_TO_ULAW, ULAW_TO_ALAW, type G711 } from '../audio/g711.ts'
import { isRtcp, translateRtcp } from '../rtp/rtcp.ts'
import { RTP_HEADER_BYTES, buildRtp, payloadEnd, payloadStart, writeHeader } from '../rtp/rtp.ts'
import {
  createDigitDetector,
  detectDigit,
  parseTelephoneEvent,
  type SeenDigit,
} from '../rtp/telephone-event.ts'
import { isSameHost } from './address.ts'
import { createIncoming, received } from './incoming.ts'
import { admit, createLatch, describeSource, shutOut } from './latch.ts'
import { ANNOUNCEMENT, NOBODY, createOutgoing, sent, takeOver } from './outgoing.ts'
import type { Player } from '../audio/players.ts'
import type { Recorder } from '../recording/recorder.ts'
import type { LegState, ReceivedType, RemoteAddress } from './protocol.ts'
import type { PairReceiver, SocketPair } from './socket-pairs.ts'

/** What the legs of one session share. */
export type RelaySession = {
  now(): number
  onDigit(leg: RelayLeg, digit: SeenDigit): void
}

/**
 * One party in the worker: checks what it sends, passes it to its peer, and holds the stream it hears. The hot path is
 * `onRtp`: no allocation besides what dgram does; headers are rewritten where they lie.
 */
export class RelayLeg implements PairReceiver {
  readonly index: number
  readonly pair: SocketPair
  readonly incoming = createIncoming()
  readonly digits = createDigitDetector()
  readonly #session: RelaySession
  readonly #latch = createLatch()
  readonly #out = createOutgoing()
  #state: LegState | undefined
  #types: readonly ReceivedType[] = []
  #remote: RemoteAddress | undefined
  #peer: RelayLeg | undefined
  readonly #rtcpLatch = createLatch()
  /** When its last packet came, RTP or RTCP, or waiting for it began. */
  lastHeardAtMs: number
  /** The announcement it hears; mutes the peer. */
  player: Player | undefined
  /** Takes what it sends. */
  recorder: Recorder | undefined
  /** Looks for digits in its audio; none once it sends them as events. */
  ear: DtmfDetector | undefined

  constructor(session: RelaySession, index: number, pair: SocketPair) {
    this.#session = session
    this.index = index
    this.pair = pair
    this.lastHeardAtMs = session.now()
    pair.receiver = this
  }

  /** Both sides are in the call for talking: neither holds the other. */
  get isExpectedToSend(): boolean {
    return this.#state?.speaks === true && (this.#peer === undefined || this.#peer.#hears())
  }

  /** Takes the wished state. `peer` is the leg it talks with. */
  configure(state: LegState, peer: RelayLeg | undefined): void {
    this.#state = state
    this.#remote = state.remote
    this.#types = state.types
    this.#peer = peer
    if (!state.inBand || this.digits.timestamp >= 0) this.ear = undefined
    else this.ear ??= createDtmfDetector()
    const { epoch, remote, sources, others } = state
    if (others !== undefined) {
      const { replaced, places } = others
      shutOut(this.#latch, replaced, places)
      shutOut(
        this.#rtcpLatch,
        replaced,
        places.map(({ address, rtcpPort }) => ({ address, port: rtcpPort })),
      )
    }
    describeSource(this.#latch, epoch, remote?.address, remote?.port ?? 0, sources)
    describeSource(this.#rtcpLatch, epoch, remote?.address, remote?.rtcpPort ?? 0, sources)
  }

  /** Leaves the socket pair to rest. */
  detach(): void {
    this.pair.receiver = undefined
    this.#peer = undefined
  }

  onRtp(packet: Buffer, address: string, port: number): void {
    const start = payloadStart(packet)
    if (start < 0) return
    const type = this.#typeOf((packet[1] ?? 0) & 0x7f)
    if (type === undefined || !admit(this.#latch, address, port)) return
    const now = this.#session.now()
    const end = payloadEnd(packet, start)
    this.lastHeardAtMs = now
    received(this.incoming, packet.readUInt32BE(8), packet.readUInt16BE(2), end - start)
    if (type.isEvent) this.#onEvent(packet, start, end, type.clockRateHz, now)
    else if (type.law !== undefined) this.#onSpeech(packet, start, end, type.law, now)
    const peer = this.#peer
    const route = type.route
    if (peer === undefined || route === undefined || peer.player !== undefined || !peer.#hears()) return
    if (route.convertTo !== undefined) {
      const table = route.convertTo === 'alaw' ? ULAW_TO_ALAW : ALAW_TO_ULAW
      for (let i = start; i < end; i++) packet[i] = table[packet[i] ?? 0] ?? 0
    }
    peer.#forward(packet, start, end, route.sendType, this.index, type.clockRateHz, now)
  }

  /** A party has a handful of types: a look along the list is the fastest. */
  #typeOf(payloadType: number): ReceivedType | undefined {
    for (const type of this.#types) if (type.payloadType === payloadType) return type
    return undefined
  }

  /** Before it is converted for the peer. */
  #onSpeech(packet: Buffer, start: number, end: number, law: G711, now: number): void {
    if (this.recorder !== undefined) {
      const ssrc = packet.readUInt32BE(8)
      this.recorder.put(this.index === 0 ? 0 : 1, law, ssrc, packet.readUInt32BE(4), packet, start, end, now)
    }
    if (this.ear !== undefined) {
      detectDtmf(this.ear, law, packet, start, end, (digit) => this.#session.onDigit(this, digit))
    }
  }

  #onEvent(packet: Buffer, start: number, end: number, clockRateHz: number, now: number): void {
    const event = parseTelephoneEvent(packet.subarray(start, end))
    if (event === undefined) return
    this.ear = undefined
    detectDigit(this.digits, event, packet.readUInt32BE(4), clockRateHz, now, (digit) =>
      this.#session.onDigit(this, digit),
    )
  }

  /** Sends a packet of leg `from` to this party. CSRCs and extensions end here: the header moves up to the payload. */
  #forward(
    packet: Buffer,
    start: number,
    end: number,
    type: number,
    from: number,
    clockRateHz: number,
    now: number,
  ): void {
    const out = this.#out
    const inSequence = packet.readUInt16BE(2)
    const inTimestamp = packet.readUInt32BE(4)
    const changed = takeOver(out, from, packet.readUInt32BE(8), inSequence, inTimestamp, clockRateHz, now)
    const sequence = (inSequence + out.sequenceOffset) & 0xffff
    const timestamp = (inTimestamp + out.timestampOffset) >>> 0
    const marker = changed || ((packet[1] ?? 0) & 0x80) !== 0
    const head = start - RTP_HEADER_BYTES
    writeHeader(packet, head, type, marker, sequence, timestamp, out.ssrc)
    this.#send(packet, head, end - head)
    sent(out, sequence, timestamp, end - start, now)
  }

  /** Sends one frame of an announcement; without a G.711 codec or on hold the time passes silently. */
  play(frame: Uint8Array, first: boolean, now: number): void {
    const playAs = this.#state?.playAs
    if (playAs === undefined || !this.#hears()) return
    const out = this.#out
    if (first) out.sourceLeg = NOBODY
    const begins = takeOver(out, ANNOUNCEMENT, 0, 0, 0, 8000, now)
    const sequence = begins ? out.sequenceOffset : (out.lastSequence + 1) & 0xffff
    const timestamp = begins ? out.timestampOffset : (out.lastTimestamp + 160) >>> 0
    const header = { payloadType: playAs.payloadType, marker: begins, sequence, timestamp, ssrc: out.ssrc }
    const packet = buildRtp(header, frame)
    this.#send(packet, 0, packet.length)
    sent(out, sequence, timestamp, frame.length, now)
  }

  /** The law announcements are sent in. */
  get playLaw(): 'alaw' | 'ulaw' | undefined {
    return this.#state?.playAs?.law
  }

  #hears(): boolean {
    return this.#state?.hears ?? false
  }

  #send(packet: Buffer, at: number, length: number): void {
    const latch = this.#latch
    const address = latch.sourceAddress ?? this.#remote?.address
    const port = latch.sourceAddress === undefined ? this.#remote?.port : latch.sourcePort
    if (address === undefined || port === undefined) return
    this.pair.rtp.send(packet, at, length, port, address)
  }

  onRtcp(packet: Buffer, address: string, port: number): void {
    if (!isRtcp(packet) || !this.#admitRtcp(address, port)) return
    // A muted phone may send nothing else.
    this.lastHeardAtMs = this.#session.now()
    const peer = this.#peer
    if (peer === undefined || peer.player !== undefined || peer.#out.sourceLeg !== this.index) return
    peer.#forwardRtcp(packet, this)
  }

  /** A candidate besides the described address must be the host its RTP comes from, once that is known. */
  #admitRtcp(address: string, port: number): boolean {
    const latch = this.#rtcpLatch
    const rtpHost = this.#latch.sourceAddress ?? this.#remote?.address
    const described = port === latch.port && address === latch.address
    if (!described && (rtpHost === undefined || !isSameHost(address, rtpHost))) return false
    return admit(latch, address, port)
  }

  #forwardRtcp(packet: Buffer, from: RelayLeg): void {
    const translated = translateRtcp(packet, {
      ssrc: this.#out.ssrc,
      cname: this.#out.cname,
      timestampOffset: this.#out.timestampOffset,
      packets: this.#out.packets,
      octets: this.#out.octets,
      // While it hears an announcement, its reports are about that: nothing for the peer.
      reportedSsrc: from.#out.sourceLeg === this.index ? from.#out.ssrc : -1,
      reportedSource: from.#out.sourceSsrc,
      reportedSequenceOffset: from.#out.sequenceOffset,
    })
    if (translated === undefined) return
    // The RTCP port of a party behind NAT is known once it sent; until then its RTP's next port is the best guess.
    const heard = this.#rtcpLatch
    const address = heard.sourceAddress ?? this.#latch.sourceAddress ?? this.#remote?.address
    const port = heard.sourceAddress !== undefined ? heard.sourcePort : this.#guessedRtcpPort()
    if (address !== undefined && port > 0)
      this.pair.rtcp.send(translated, 0, translated.length, port, address)
  }

  #guessedRtcpPort(): number {
    const latch = this.#latch
    const remote = this.#remote
    if (latch.sourceAddress === undefined) return remote?.rtcpPort ?? 0
    const asDescribed = latch.sourceAddress === remote?.address && latch.sourcePort === remote.port
    return asDescribed ? remote.rtcpPort : latch.sourcePort + 1
  }
}
