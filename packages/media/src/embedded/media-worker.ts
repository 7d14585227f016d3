import { isIPv6 } from 'node:net'
import { Worker } from 'node:worker_threads'
import {
  MediaError,
  type LegStats,
  type MediaSession,
  type PlayAudio,
  type RecordingOptions,
  type RecordingResult,
  type SessionOptions,
} from '../engine.ts'
import { recoverWav } from '../recording/recover.ts'
import type { Latching } from './leg.ts'
import { ownSockets } from './own-sockets.ts'
import { PortPool } from './port-pool.ts'
import type { Command, Post, Report } from './protocol.ts'
import { EmbeddedSession, type SessionHost } from './session.ts'
import type { WorkerData } from './worker.ts'

/** `EmbeddedOptions`, which see. */
export type MediaWorkerOptions = Omit<WorkerData, 'timeoutMs'> & {
  readonly publicHost?: string
  readonly latching?: Latching
  readonly timeoutSec: number
}

/** Pairs taken when a session opens, so that a call that was let in never fails for want of ports. */
const PAIRS_PER_CALL = 2

/** Least time between two messages to the worker; waking it costs more than what a message says. */
const MIN_FLUSH_MS = 4
/** How long what nobody waits for, the end of a session, may wait for a message that goes out anyway. */
const LAZY_FLUSH_MS = 50

/**
 * Packets leave nothing but young garbage, and binding sockets a lot of it at once: with a young generation of V8's
 * choice the worker grows by 3.5 KB a socket, with a small one by 2.4 KB.
 */
const WORKER_YOUNG_MB = 6

/** A session is told to the worker as it is when its turn ends, however often it changed. */
type Queued = Command | EmbeddedSession

/**
 * One worker thread with the sessions, ports and announcements it knows; when it ends, all of that ends with it, and
 * `failure` says why. The engine starts another.
 */
export class MediaWorker implements SessionHost {
  readonly address: string
  readonly ipv6: boolean
  readonly latching: Latching
  readonly isOurs: (address: string, port: number) => boolean
  readonly started: Promise<void>
  readonly #worker: Worker
  readonly #pool: PortPool
  readonly #sessions = new Map<number, EmbeddedSession>()
  readonly #audioIds = new WeakMap<Uint8Array, number>()
  readonly #audioKeeper = new FinalizationRegistry<number>((audio) =>
    this.#send({ op: 'forget-audio', audio }),
  )
  readonly #statsWaiters = new Map<number, (legs: readonly LegStats[]) => void>()
  readonly #recordingWaiters = new Map<number, (result: RecordingResult | 'lost' | undefined) => void>()
  #queue: Queued[] = []
  #lastFlushMs = 0
  /** A message is on its way to go out; `#lazyFlush` only after a while. */
  #flushing = false
  #lazyFlush: NodeJS.Timeout | undefined
  readonly #touched = new Set<EmbeddedSession>()
  #nextId = 1
  #failure: MediaError | undefined

  /** Resolves when the thread has ended. */
  readonly ended: Promise<void>

  constructor(options: MediaWorkerOptions) {
    this.address = options.publicHost ?? options.host
    this.isOurs = ownSockets({ ...options, publicHost: this.address })
    this.ipv6 = isIPv6(options.host)
    this.latching = options.latching ?? 'strict'
    const workerData: WorkerData = {
      host: options.host,
      portMin: options.portMin,
      portMax: options.portMax,
      portRestMs: options.portRestMs,
      timeoutMs: options.timeoutSec > 0 ? options.timeoutSec * 1000 : Infinity,
    }
    this.#worker = new Worker(new URL('./worker.ts', import.meta.url), {
      workerData,
      name: 'maskline-media',
      resourceLimits: { maxYoungGenerationSizeMb: WORKER_YOUNG_MB },
    })
    this.#worker.on('message', (report: Report) => this.#onReport(report))
    let fault: unknown
    this.#worker.on('error', (error) => (fault = error))
    this.ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#onExit(fault)
        resolve()
      })
    })
    this.#pool = new PortPool((pairs) => this.#send({ op: 'grow', pairs }))
    this.started = this.#pool.take().then((port) => this.#pool.release(port))
  }

  /** Sessions open now. */
  get sessionCount(): number {
    return this.#sessions.size
  }

  /** Why nothing can be done with it any more: ENGINE_DOWN or CLOSED. */
  get failure(): MediaError | undefined {
    return this.#failure
  }

  async open(options: SessionOptions): Promise<MediaSession> {
    if (this.#failure) throw this.#failure
    const ports: number[] = []
    try {
      while (ports.length < PAIRS_PER_CALL) ports.push(this.#pool.takeNow() ?? (await this.#pool.take()))
    } catch (error) {
      for (const port of ports) this.#pool.release(port)
      throw error
    }
    const session = new EmbeddedSession(this.#nextId++, options, this, ports)
    this.#sessions.set(session.id, session)
    return session
  }

  /** Closes its sessions and ends the thread. */
  async close(): Promise<void> {
    for (const session of this.#sessions.values()) void session.close()
    if (this.#failure === undefined) {
      this.#flush()
      this.#end(new MediaError('CLOSED', 'the media engine is closed'))
      this.#post('close')
    }
    await this.ended
  }

  takePort(): number | Promise<number> {
    return this.#pool.takeNow() ?? this.#pool.take()
  }

  releasePort(port: number): void {
    this.#pool.release(port)
  }

  touch(session: EmbeddedSession): void {
    if (this.#touched.has(session)) return
    this.#touched.add(session)
    this.#send(session)
  }

  play(
    session: EmbeddedSession,
    leg: number,
    playId: number,
    audios: readonly PlayAudio[],
    repeat: number,
  ): void {
    const times = repeat === Infinity ? undefined : Math.max(1, Math.floor(repeat))
    const ids = audios.map((audio) => this.#audioId(audio))
    this.#send({ op: 'play', id: session.id, leg, playId, audios: ids, repeat: times })
  }

  stop(session: EmbeddedSession, leg: number): void {
    this.#send({ op: 'stop', id: session.id, leg })
  }

  record(session: EmbeddedSession, options: RecordingOptions): void {
    this.#send({ op: 'record', id: session.id, options })
  }

  async stopRecording(session: EmbeddedSession, file: string): Promise<RecordingResult | undefined> {
    const request = this.#nextId++
    const result = await new Promise<RecordingResult | 'lost' | undefined>((resolve) => {
      if (this.#failure) return resolve('lost')
      this.#recordingWaiters.set(request, resolve)
      this.#send({ op: 'stop-recording', id: session.id, request })
    })
    // The worker died with the file half written.
    return result === 'lost' ? recoverWav(file).catch(() => undefined) : result
  }

  stats(session: EmbeddedSession): Promise<readonly LegStats[]> {
    const request = this.#nextId++
    return new Promise((resolve) => {
      this.#statsWaiters.set(request, resolve)
      this.#send({ op: 'stats', id: session.id, request })
    })
  }

  closed(session: EmbeddedSession, exposed: readonly number[]): void {
    this.#sessions.delete(session.id)
    if (exposed.length === 0 || this.#failure) return
    this.#pool.rest(exposed.length)
    // Its ports rest for longer than this takes.
    this.#queue.push({ op: 'close', id: session.id, ports: exposed })
    if (!this.#flushing) this.#lazyFlush ??= setTimeout(() => this.#flush(), LAZY_FLUSH_MS)
  }

  /** Announcements are few and played often: the worker gets each array once and keeps it while we do. */
  #audioId(content: PlayAudio): number {
    const known = this.#audioIds.get(content.samples)
    if (known !== undefined) return known
    const audio = this.#nextId++
    this.#audioIds.set(content.samples, audio)
    this.#audioKeeper.register(content.samples, audio)
    this.#post({ audio, content })
    return audio
  }

  /** The first change goes out at the end of this turn; under load the next ones wait for company. */
  #send(item: Queued): void {
    if (this.#failure) return
    this.#queue.push(item)
    if (this.#flushing) return
    this.#flushing = true
    const waitMs = this.#lastFlushMs + MIN_FLUSH_MS - performance.now()
    if (waitMs <= 0) setImmediate(() => this.#flush())
    else setTimeout(() => this.#flush(), waitMs)
  }

  #flush(): void {
    this.#flushing = false
    clearTimeout(this.#lazyFlush)
    this.#lazyFlush = undefined
    if (this.#queue.length === 0 || this.#failure) return
    const commands: Command[] = []
    for (const item of this.#queue) {
      if (!(item instanceof EmbeddedSession)) commands.push(item)
      else if (!item.isClosed) commands.push({ op: 'session', session: item.state() })
    }
    this.#queue = []
    this.#touched.clear()
    this.#lastFlushMs = performance.now()
    this.#post(JSON.stringify(commands))
  }

  #post(post: Post): void {
    this.#worker.postMessage(post)
  }

  #onReport(report: Report): void {
    if (report.op === 'ready') return this.#pool.add(report.ports, report.exhausted)
    if (report.op === 'rested') return this.#pool.rested(report.ports)
    if (report.op === 'stats') {
      this.#statsWaiters.get(report.request)?.(report.legs)
      this.#statsWaiters.delete(report.request)
      return
    }
    if (report.op === 'recorded') {
      this.#recordingWaiters.get(report.request)?.(report.result)
      this.#recordingWaiters.delete(report.request)
      return
    }
    this.#sessions.get(report.id)?.onReport(report)
  }

  #end(failure: MediaError): void {
    this.#failure = failure
    clearTimeout(this.#lazyFlush)
    this.#pool.close(failure)
  }

  /** The thread ended: by close, or by a fault, which ends the media of its calls. */
  #onExit(fault: unknown): void {
    for (const resolve of this.#statsWaiters.values()) resolve([])
    this.#statsWaiters.clear()
    for (const resolve of this.#recordingWaiters.values()) resolve('lost')
    this.#recordingWaiters.clear()
    if (this.#failure) return
    this.#end(new MediaError('ENGINE_DOWN', 'the media worker has ended unexpectedly', { cause: fault }))
    for (const session of this.#sessions.values()) {
      session.onReport({ op: 'media-timeout', id: session.id, leg: undefined })
    }
  }
}
