import { G711_SILENCE, convertG711, type G711 } from '../audio/g711.ts'
import type { PlayAudio, RecordingResult } from '../engine.ts'
import { FRAME_SAMPLES } from '../rtp/rtp.ts'
import { LOST_END_MS, flushDigit, type SeenDigit } from '../rtp/telephone-event.ts'
import { statsOf } from './incoming.ts'
import { flushDtmf } from '../audio/dtmf-detector.ts'
import { Players, frameOfMany, framesOf, samplesOf, type Player, type PlayerClock } from '../audio/players.ts'
import type { AudioPost, Command, Report, SessionState } from './protocol.ts'
import { Recordings, type Recording } from './recordings.ts'
import { RelayLeg, type RelaySession } from './relay-leg.ts'
import type { SocketPair } from './socket-pairs.ts'

type Session = RelaySession & {
  readonly id: number
  readonly legs: RelayLeg[]
  active: boolean
  /** Index of the leg that the first leg talks with, or -1. */
  partner: number
  recording: Recording | undefined
}

export type RelayOptions = {
  readonly clock: PlayerClock
  readonly timeoutMs: number
  /** The bound pair of an RTP port. */
  readonly pairOf: (port: number) => SocketPair | undefined
  readonly report: (report: Report) => void
}

/** All sessions of the worker: carries out commands, reports what happened. Knows sockets only through their pairs. */
export class Relay {
  readonly #options: RelayOptions
  readonly #sessions = new Map<number, Session>()
  readonly #players: Players
  readonly #recordings = new Recordings()
  readonly #audios = new Map<number, Record<G711, Uint8Array>>()

  constructor(options: RelayOptions) {
    this.#options = options
    this.#players = new Players(options.clock)
  }

  run(command: Command): void {
    switch (command.op) {
      case 'session':
        return this.#update(command.session)
      case 'close':
        return this.#close(command.id)
      case 'play':
        return this.#play(command)
      case 'stop':
        return this.#stop(this.#sessions.get(command.id)?.legs[command.leg])
      case 'forget-audio':
        return void this.#audios.delete(command.audio)
      case 'record':
        return this.#record(command)
      case 'stop-recording':
        return void this.#stopRecording(command.id).then((result) =>
          this.#options.report({ op: 'recorded', request: command.request, result }),
        )
      case 'stats':
        return this.#stats(command.id, command.request)
      case 'grow':
        // Sockets are the worker's.
        return
      default:
        command satisfies never
    }
  }

  /** Keeps an announcement for later plays. */
  keep({ audio, content }: AudioPost): void {
    this.#audios.set(audio, bothLaws(content))
  }

  /** Looks for silent calls and digits without an end; call a few times per second. */
  sweep(): void {
    const now = this.#options.clock.now()
    for (const session of this.#sessions.values()) {
      for (const leg of session.legs) {
        if (now - leg.digits.seenAtMs >= LOST_END_MS) {
          flushDigit(leg.digits, (digit) => session.onDigit(leg, digit))
        }
        if (leg.ear !== undefined && now - leg.lastHeardAtMs >= LOST_END_MS) {
          flushDtmf(leg.ear, (digit) => session.onDigit(leg, digit))
        }
      }
      this.#watch(session, now)
    }
  }

  /** Lets recordings write. Apart from `sweep`: after a stall the packets that wait must come first. */
  sweepRecordings(): void {
    this.#recordings.sweep(this.#options.clock.now())
  }

  /** Each leg by itself, or one dead party would live as long as the other talks. */
  #watch(session: Session, now: number): void {
    // Nobody is expected to send on hold, and an announcement shows that the call is at work.
    const isAtWork = !session.active || session.legs.some((leg) => leg.player)
    for (const leg of session.legs) {
      if (isAtWork || !leg.isExpectedToSend) leg.lastHeardAtMs = now
      else if (now - leg.lastHeardAtMs >= this.#options.timeoutMs) {
        leg.lastHeardAtMs = now
        this.#options.report({ op: 'media-timeout', id: session.id, leg: leg.index })
      }
    }
  }

  close(): void {
    for (const id of this.#sessions.keys()) this.#close(id)
    this.#players.close()
  }

  #update(state: SessionState): void {
    const session = this.#sessions.get(state.id) ?? this.#open(state.id)
    for (const [index, leg] of state.legs.entries()) {
      const pair = this.#options.pairOf(leg.port)
      if (pair !== undefined) session.legs[index] ??= new RelayLeg(session, index, pair)
    }
    for (const [index, leg] of state.legs.entries())
      session.legs[index]?.configure(leg, session.legs[leg.peer])
    session.active = state.active
    session.partner = state.legs[0]?.peer ?? -1
    this.#placeRecorder(session)
  }

  #open(id: number): Session {
    const { clock, report } = this.#options
    const session: Session = {
      id,
      legs: [],
      active: false,
      partner: -1,
      recording: undefined,
      now: clock.now,
      onDigit: (leg: RelayLeg, digit: SeenDigit) => report({ op: 'digit', id, leg: leg.index, ...digit }),
    }
    this.#sessions.set(id, session)
    return session
  }

  #close(id: number): void {
    const session = this.#sessions.get(id)
    if (session === undefined) return
    // Reads its time before the session is gone; the file is finished on its own.
    void this.#stopRecording(id)
    this.#sessions.delete(id)
    for (const leg of session.legs) {
      this.#stop(leg)
      leg.detach()
    }
  }

  #play({ id, leg: index, playId, audios, repeat }: Extract<Command, { op: 'play' }>): void {
    const leg = this.#sessions.get(id)?.legs[index]
    if (leg === undefined) return
    const laws = audios.flatMap((audio) => this.#audios.get(audio) ?? [])
    const inLaw = { alaw: laws.map(({ alaw }) => alaw), ulaw: laws.map(({ ulaw }) => ulaw) }
    this.#stop(leg)
    const frames = framesOf(samplesOf(inLaw.alaw))
    const player: Player = {
      frame: (n) => frameOfMany(inLaw[leg.playLaw ?? 'alaw'], n),
      frames: frames === 0 ? 0 : frames * (repeat ?? Infinity),
      startAtMs: 0,
      sent: 0,
      send: (frame, first, now) => leg.play(frame, first, now),
      finish: () => {
        leg.player = undefined
        this.#options.report({ op: 'play-finished', id, leg: index, playId })
      },
    }
    leg.player = player
    this.#players.start(player)
  }

  #stop(leg: RelayLeg | undefined): void {
    if (leg?.player === undefined) return
    this.#players.stop(leg.player)
    leg.player = undefined
  }

  #record({ id, options }: Extract<Command, { op: 'record' }>): void {
    const session = this.#sessions.get(id)
    if (session === undefined) return
    session.recording = this.#recordings.start(options, this.#options.clock.now(), (error) =>
      this.#options.report({ op: 'recording-failed', id, error: error.message }),
    )
    this.#placeRecorder(session)
  }

  /** The first leg and the one it talks with are recorded. */
  #placeRecorder(session: Session): void {
    for (const leg of session.legs) {
      const isHeard = leg.index === 0 || leg.index === session.partner
      leg.recorder = isHeard ? session.recording?.recorder : undefined
    }
  }

  async #stopRecording(id: number): Promise<RecordingResult | undefined> {
    const session = this.#sessions.get(id)
    const recording = session?.recording
    if (session === undefined || recording === undefined) return undefined
    session.recording = undefined
    this.#placeRecorder(session)
    return this.#recordings.finish(recording, this.#options.clock.now())
  }

  #stats(id: number, request: number): void {
    const legs = this.#sessions.get(id)?.legs ?? []
    this.#options.report({ op: 'stats', request, legs: legs.map((leg) => statsOf(leg.incoming)) })
  }
}

/** In either law, filled up to whole frames with silence. */
function bothLaws({ encoding, samples }: PlayAudio): Record<G711, Uint8Array> {
  const inLaw = (law: G711): Uint8Array => {
    const whole = new Uint8Array(framesOf(samples.length) * FRAME_SAMPLES).fill(G711_SILENCE[law])
    whole.set(convertG711(encoding, law, samples))
    return whole
  }
  return { alaw: inLaw('alaw'), ulaw: inLaw('ulaw') }
}
