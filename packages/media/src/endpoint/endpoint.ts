import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { dtmfSamples } from '../audio/call-tones.ts'
import { decodeG711, encodeG711, type G711 } from '../audio/g711.ts'
import { Players, frameAt, framesOf, monotonicClock, type Player } from '../audio/players.ts'
import { generateTone } from '../audio/tones.ts'
import { random32 } from '../random.ts'
import { FRAME_MS, FRAME_SAMPLES, buildRtp, parseRtp, type RtpPacket } from '../rtp/rtp.ts'
import {
  buildTelephoneEvent,
  createDigitDetector,
  detectDigit,
  parseTelephoneEvent,
} from '../rtp/telephone-event.ts'

/** Where and how to send, as `readRemote` takes it from a party's SDP. */
export type RtpRemote = {
  readonly address: string
  readonly port: number
  /** 0 (PCMU) or 8 (PCMA). */
  readonly payloadType: number
  /** Of telephone events; default 101. */
  readonly eventPayloadType?: number
}

export type RtpEndpointOptions = {
  readonly host: string
  /** Default 0: any free port. */
  readonly port?: number
  /** Every packet that comes, before it is decoded. */
  readonly onPacket?: (packet: RtpPacket, from: { readonly address: string; readonly port: number }) => void
}

/** A party's media: speaks and hears G.711 over UDP. For softphones, tests and load. */
export type RtpEndpoint = {
  readonly host: string
  readonly localPort: number
  setRemote(remote: RtpRemote): void
  /** Sends 8 kHz samples once, in 20 ms packets; resolves after the last, or on `stop`. Ends what is being sent. */
  sendAudio(samples: Int16Array): Promise<void>
  sendTone(frequencyHz: number, seconds: number): Promise<void>
  /** Sends samples over and over until `stop` or `close`. */
  startLoop(samples: Int16Array): void
  stop(): void
  /** One key press (RFC 4733): an event each 20 ms, the end three times. Audio pauses meanwhile. */
  sendDigit(digit: string, durationMs?: number): Promise<void>
  /** One key press as tones in the audio, and the pause after it; a loop goes on afterwards. */
  sendDigitInBand(digit: string, durationMs?: number): Promise<void>
  /** All audio heard since `clear`, in order of arrival. */
  received(): Int16Array
  /** Digits heard since `clear`. */
  receivedDigits(): string
  clear(): void
  readonly packetsReceived: number
  readonly packetsSent: number
  close(): Promise<void>
}

const LAWS: Readonly<Record<number, G711>> = { 0: 'ulaw', 8: 'alaw' }
const EVENT_TYPE = 101
const END_COPIES = 3
/** Pause after tones, ms: 40 tell two presses apart (ITU-T Q.24). */
const KEY_PAUSE_MS = 80

/** Binds a UDP socket; rejects when the port is taken. */
export async function createRtpEndpoint(options: RtpEndpointOptions): Promise<RtpEndpoint> {
  const socket = createSocket(isIPv6(options.host) ? 'udp6' : 'udp4')
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(options.port ?? 0, options.host, () => resolve())
  })
  socket.removeAllListeners('error')
  // A peer that hung up answers with ICMP errors: normal at the end of a call.
  socket.on('error', () => undefined)

  const clock = monotonicClock
  const players = new Players(clock)
  const ssrc = random32()
  let sequence = random32() & 0xffff
  let timestamp = random32()
  let lastSentAtMs = clock.now()
  let remote: RtpRemote | undefined
  let current: { readonly player: Player; readonly done: () => void } | undefined
  let loop: Int16Array | undefined
  let pressing = 0
  let closed = false
  let heard: Int16Array[] = []
  let digits = ''
  let detector = createDigitDetector()
  let packetsReceived = 0
  let packetsSent = 0

  socket.on('message', (message, from) => {
    const packet = parseRtp(message)
    if (packet === undefined) return
    packetsReceived++
    options.onPacket?.(packet, from)
    const law = LAWS[packet.payloadType]
    if (law !== undefined) heard.push(decodeG711(law, packet.payload))
    else if (packet.payloadType === (remote?.eventPayloadType ?? EVENT_TYPE)) hearEvent(packet)
  })

  function hearEvent(packet: RtpPacket): void {
    const event = parseTelephoneEvent(packet.payload)
    if (event === undefined) return
    detectDigit(detector, event, packet.timestamp, 8000, clock.now(), ({ digit }) => {
      digits += digit
    })
  }

  function send(payloadType: number, payload: Uint8Array, marker: boolean): void {
    if (remote === undefined || closed) return
    const packet = buildRtp({ payloadType, marker, sequence, timestamp, ssrc }, payload)
    sequence = (sequence + 1) & 0xffff
    lastSentAtMs = clock.now()
    packetsSent++
    socket.send(packet, remote.port, remote.address)
  }

  /** Moves the media clock over the time in which nothing was sent. */
  function skipSilence(): void {
    const frames = Math.max(1, Math.round((clock.now() - lastSentAtMs) / FRAME_MS))
    timestamp = (timestamp + frames * FRAME_SAMPLES) >>> 0
  }

  function start(samples: Int16Array, repeat: number): Promise<void> {
    stop()
    if (remote === undefined) throw new Error('set the remote before sending audio')
    const law = LAWS[remote.payloadType]
    if (law === undefined)
      throw new RangeError(`payload type ${remote.payloadType} is neither PCMU (0) nor PCMA (8)`)
    const octets = encodeG711(law, samples)
    return new Promise((resolve) => {
      const player: Player = {
        frame: (index) => frameAt(octets, index),
        frames: octets.length === 0 ? 0 : framesOf(octets.length) * repeat,
        startAtMs: 0,
        sent: 0,
        send: (frame, first) => {
          if (pressing > 0) return
          if (first) skipSilence()
          else timestamp = (timestamp + FRAME_SAMPLES) >>> 0
          if (remote !== undefined) send(remote.payloadType, frame, first)
        },
        finish: () => {
          current = undefined
          resolve()
        },
      }
      current = { player, done: resolve }
      players.start(player)
    })
  }

  function stop(): void {
    loop = undefined
    if (current === undefined) return
    players.stop(current.player)
    current.done()
    current = undefined
  }

  async function sendDigit(digit: string, durationMs = 100): Promise<void> {
    const type = remote?.eventPayloadType ?? EVENT_TYPE
    const frames = Math.max(1, Math.ceil(durationMs / FRAME_MS))
    pressing++
    try {
      skipSilence()
      const startAtMs = clock.now()
      for (let frame = 1; frame <= frames; frame++) {
        const end = frame === frames
        const event = buildTelephoneEvent({ digit, end, volume: 10, duration: frame * FRAME_SAMPLES })
        for (let copy = 0; copy < (end ? END_COPIES : 1); copy++) send(type, event, frame === 1 && copy === 0)
        const waitMs = startAtMs + frame * FRAME_MS - clock.now()
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, waitMs)))
      }
      timestamp = (timestamp + (frames - 1) * FRAME_SAMPLES) >>> 0
    } finally {
      pressing--
    }
  }

  function startLoop(samples: Int16Array): void {
    void start(samples, Infinity)
    loop = samples
  }

  async function sendDigitInBand(digit: string, durationMs = 100): Promise<void> {
    const spoken = loop
    const press = new Int16Array((durationMs + KEY_PAUSE_MS) * 8)
    press.set(dtmfSamples(digit, durationMs))
    await start(press, 1)
    if (spoken !== undefined && current === undefined && !closed) startLoop(spoken)
  }

  return {
    host: options.host,
    localPort: socket.address().port,
    setRemote(next) {
      remote = next
    },
    sendAudio: (samples) => start(samples, 1),
    sendTone: (frequencyHz, seconds) => start(generateTone(frequencyHz, seconds), 1),
    startLoop,
    stop,
    sendDigit,
    sendDigitInBand,
    received: () => concat(heard),
    receivedDigits: () => digits,
    clear() {
      heard = []
      digits = ''
      detector = createDigitDetector()
      packetsReceived = 0
    },
    get packetsReceived() {
      return packetsReceived
    },
    get packetsSent() {
      return packetsSent
    },
    async close() {
      if (closed) return
      stop()
      closed = true
      players.close()
      await new Promise<void>((resolve) => socket.close(() => resolve()))
    },
  }
}

function concat(parts: readonly Int16Array[]): Int16Array {
  const all = new Int16Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
