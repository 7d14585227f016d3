import { MediaError, type MediaEngine, type MediaSession, type SessionOptions } from '../engine.ts'
import type { Latching } from './leg.ts'
import { MediaWorker } from './media-worker.ts'

export type EmbeddedOptions = {
  /** Local address the media sockets are bound to. */
  readonly host: string
  /** Address told to the parties (behind NAT); default `host`. */
  readonly publicHost?: string
  /** UDP ports, inclusive. A call takes four: RTP and RTCP of two legs. */
  readonly portMin: number
  readonly portMax: number
  /**
   * Milliseconds a port rests after a call and after the last packet that still came to it (2000 is usual), so that a
   * late packet never reaches the next call.
   */
  readonly portRestMs: number
  /**
   * Whom a party's media is taken from: `strict` (default) from the address in its SDP and the one its SIP came from,
   * any port; `any` from whoever sends first, for carriers whose media comes from hosts that neither names. With `any`
   * a stranger who guesses a port in time takes the leg.
   */
  readonly latching?: Latching
  /** Seconds without RTP from a leg that is expected to send until `media-timeout`; 0: never. */
  readonly timeoutSec: number
}

/**
 * Starts the engine: SDP on this thread, packets in a worker thread. Resolves when the first ports are bound; rejects
 * with NO_PORTS when none can be (wrong host, range in use).
 */
export async function createEmbeddedEngine(options: EmbeddedOptions): Promise<MediaEngine> {
  if (!(options.portMin > 0 && options.portMax <= 65535 && options.portMax > options.portMin)) {
    throw new RangeError(`media port range ${options.portMin}–${options.portMax} is not within 1–65535`)
  }
  const engine = new EmbeddedEngine(options)
  try {
    await engine.started
  } catch (error) {
    await engine.close()
    throw error
  }
  return engine
}

/** Wait before a worker that ended unexpectedly is replaced: doubled each time, short again after a good while. */
const FIRST_RESTART_MS = 100
const MAX_RESTART_MS = 10_000
const GOOD_WHILE_MS = 60_000

/** Keeps a worker running. While none runs, `open` rejects with ENGINE_DOWN. */
class EmbeddedEngine implements MediaEngine {
  readonly started: Promise<void>
  readonly #options: EmbeddedOptions
  #worker: MediaWorker
  #restartMs = FIRST_RESTART_MS
  #restart: NodeJS.Timeout | undefined
  #closing: Promise<void> | undefined

  constructor(options: EmbeddedOptions) {
    this.#options = options
    this.#worker = this.#startWorker()
    this.started = this.#worker.started
  }

  get sessionCount(): number {
    return this.#worker.sessionCount
  }

  async open(options: SessionOptions): Promise<MediaSession> {
    if (this.#closing) throw new MediaError('CLOSED', 'the media engine is closed')
    return this.#worker.open(options)
  }

  close(): Promise<void> {
    clearTimeout(this.#restart)
    this.#closing ??= this.#worker.close()
    return this.#closing
  }

  #startWorker(): MediaWorker {
    const startedAtMs = performance.now()
    const worker = new MediaWorker(this.#options)
    // Whoever opens a call is told why; a first start that fails, `createEmbeddedEngine` tells.
    worker.started.catch(() => undefined)
    void worker.ended.then(() => {
      if (this.#closing) return
      if (performance.now() - startedAtMs > GOOD_WHILE_MS) this.#restartMs = FIRST_RESTART_MS
      this.#restart = setTimeout(() => (this.#worker = this.#startWorker()), this.#restartMs)
      this.#restartMs = Math.min(this.#restartMs * 2, MAX_RESTART_MS)
    })
    return worker
  }
}
