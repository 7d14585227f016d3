import type { LookupFunction } from 'node:net'
import type { Clock, EpochMs, Timer } from '../shared/time.ts'
import { createHostNames } from './host-names.ts'
import type { Post, PostOutcome } from './post.ts'
import { Connection, endpointOf } from './push-connection.ts'
import type { ConnectionOwner, Endpoint } from './push-connection.ts'

export type PushClientOptions = {
  readonly clock: Clock
  /** POSTs in flight to one origin at a time. */
  readonly concurrency: number
  /** POSTs that may wait for one origin; more are skipped as `behind`. */
  readonly maxWaiting: number
  readonly connectTimeoutMs: number
  /** From the start of a POST to the last byte of its answer. */
  readonly answerTimeoutMs: number
}

export type PushClient = {
  post(post: Post): void
  /** Breaks what is in flight (it settles as failed) and closes all connections. */
  close(): void
}

/** Failures in a row, none with an answer, after which a server counts as dead. */
const DEAD_AFTER = 32
/** While a server is dead one POST per pause is sent to see whether it is back; the pause doubles up to the limit. */
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 10_000
/** How often idle connections are looked at. */
const IDLE_SWEEP_MS = 1_000
/** Origins kept without traffic before idle ones are forgotten. */
const MAX_ORIGINS = 2_000

/** How long a skipped POST is put off when no probe is to come: the server is behind, or dead with all hands full. */
const SKIP_PAUSE_MS = 1_000
/** Skipped POSTs come back at least this far apart, so that a long queue is not read and written over and over. */
const SPREAD_MS = 2

const WHY_SKIPPED = {
  dead: 'not sent: the server gave no answer to the last attempts',
  behind: 'not sent: the server answers more slowly than its notifications arrive',
} as const

/**
 * Sends POSTs over kept-alive connections, a bounded number per origin (docs/adr/0004-push-connections.md).
 */
export function createPushClient(options: PushClientOptions): PushClient {
  const origins = new Map<string, Origin>()
  const deadlines = new Deadlines(options.clock, options.answerTimeoutMs)
  const lookup = createHostNames(options.clock)
  let sweepTimer: Timer | undefined

  /** Closes connections that had nothing to do; rests when there are none. */
  function sweep(): void {
    sweepTimer = undefined
    let open = false
    for (const origin of origins.values()) if (origin.closeIdle()) open = true
    if (open) keepSweeping()
  }
  function keepSweeping(): void {
    sweepTimer ??= options.clock.setTimer(IDLE_SWEEP_MS, sweep)
  }

  function originOf(post: Post): Origin {
    const verify = post.app.verifyPushCertificate
    const key = verify ? post.target.origin : `${post.target.origin} unverified`
    let origin = origins.get(key)
    if (origin === undefined) {
      if (origins.size >= MAX_ORIGINS) forgetIdle()
      origin = new Origin(post.target.origin, verify, options, deadlines, lookup)
      origins.set(key, origin)
    }
    return origin
  }

  function forgetIdle(): void {
    for (const [key, origin] of origins) {
      if (!origin.isIdle) continue
      origins.delete(key)
      origin.close()
    }
  }

  return {
    post(post) {
      originOf(post).post(post)
      keepSweeping()
    },
    close() {
      sweepTimer?.cancel()
      for (const origin of origins.values()) origin.close()
      origins.clear()
      deadlines.close()
    },
  }
}

/** One customer server: its connections, its waiting POSTs, and whether it is alive. */
class Origin implements ConnectionOwner {
  readonly clock: Clock
  readonly connectTimeoutMs: number
  readonly lookup: LookupFunction
  readonly #endpoint: Endpoint
  readonly #options: PushClientOptions
  readonly #deadlines: Deadlines
  readonly #free: Connection[] = []
  readonly #connections = new Set<Connection>()
  /** FIFO; entries before `#head` are gone. */
  #waiting: Post[] = []
  #head = 0
  #silentFailures = 0
  #pauseMs = FIRST_PAUSE_MS
  #probeAt: EpochMs = 0
  /** The one POST that tries a dead server, while it is on its way. */
  #probe: Post | undefined
  /** When the POST skipped last comes back. */
  #lastBackAt: EpochMs = 0
  #closed = false

  constructor(
    url: string,
    verify: boolean,
    options: PushClientOptions,
    deadlines: Deadlines,
    lookup: LookupFunction,
  ) {
    this.clock = options.clock
    this.connectTimeoutMs = options.connectTimeoutMs
    this.lookup = lookup
    this.#endpoint = endpointOf(url, verify)
    this.#options = options
    this.#deadlines = deadlines
  }

  get isIdle(): boolean {
    return this.#free.length === this.#connections.size && this.#head === this.#waiting.length
  }

  post(post: Post): void {
    const isDead = this.#isDead
    if (isDead && !post.isUrgent) {
      if (this.#probe) return this.#wait(post) // For what becomes of the probe.
      if (this.clock.now() < this.#probeAt) return this.#skip(post, 'dead')
    }
    const connection = this.#free.pop() ?? this.#newConnection()
    if (connection) {
      if (isDead) this.#probe ??= post
      connection.send(post)
    } else if (isDead) this.#skip(post, 'dead')
    else this.#wait(post)
  }

  #wait(post: Post): void {
    if (this.#waiting.length - this.#head >= this.#options.maxWaiting) this.#skip(post, 'behind')
    else this.#waiting.push(post)
  }

  #skip(post: Post, reason: keyof typeof WHY_SKIPPED): void {
    const now = this.clock.now()
    const earliest = reason === 'dead' && this.#probeAt > now ? this.#probeAt : now + SKIP_PAUSE_MS
    this.#lastBackAt = Math.max(earliest, this.#lastBackAt + SPREAD_MS)
    post.settle({ kind: 'skipped', reason, error: WHY_SKIPPED[reason], retryAt: this.#lastBackAt })
  }

  started(connection: Connection): void {
    this.#deadlines.start(connection)
  }

  /** Connections get their next POSTs before the outcome is told, as that may bring another. */
  finished(connection: Connection, post: Post, outcome: PostOutcome, answered: boolean): void {
    this.#deadlines.stop(connection)
    this.#learn(post, answered)
    this.#free.push(connection)
    if (!this.#isDead && !this.#closed) this.#sendWaiting()
    post.settle(outcome)
    if (this.#isDead && this.#probe === undefined) this.#skipWaiting()
  }

  /** On as many connections as are free: after a probe that is one, and the rest may be opened. */
  #sendWaiting(): void {
    while (this.#head < this.#waiting.length) {
      const connection = this.#free.pop() ?? this.#newConnection()
      if (connection === undefined) return
      const post = this.#shift()
      if (post) connection.send(post)
    }
  }

  /** Closes connections without work; answers whether any is left open. */
  closeIdle(): boolean {
    const now = this.clock.now()
    let open = false
    for (const connection of this.#connections) {
      connection.closeIfIdle(now)
      if (connection.isOpen) open = true
    }
    return open
  }

  close(): void {
    this.#closed = true
    this.#skipWaiting()
    for (const connection of this.#connections) connection.close()
  }

  #learn(post: Post, answered: boolean): void {
    const wasProbe = post === this.#probe
    if (wasProbe || answered) this.#probe = undefined
    if (answered) {
      this.#silentFailures = 0
      this.#pauseMs = FIRST_PAUSE_MS
      return
    }
    this.#silentFailures++
    if (this.#silentFailures !== DEAD_AFTER && !wasProbe) return
    this.#probeAt = this.clock.now() + this.#pauseMs
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS)
  }

  get #isDead(): boolean {
    return this.#silentFailures >= DEAD_AFTER
  }

  #newConnection(): Connection | undefined {
    if (this.#closed || this.#connections.size >= this.#options.concurrency) return undefined
    const connection = new Connection(this.#endpoint, this)
    this.#connections.add(connection)
    return connection
  }

  #shift(): Post | undefined {
    if (this.#head === this.#waiting.length) return undefined
    const post = this.#waiting[this.#head++]
    if (this.#head === this.#waiting.length) {
      this.#waiting = []
      this.#head = 0
    } else if (this.#head >= 1024) {
      this.#waiting = this.#waiting.slice(this.#head)
      this.#head = 0
    }
    return post
  }

  #skipWaiting(): void {
    const waiting = this.#waiting.slice(this.#head)
    this.#waiting = []
    this.#head = 0
    for (const post of waiting) this.#skip(post, 'dead')
  }
}

/** Aborts POSTs whose answer is late. All have the same patience, so the Set is in the order of the deadlines. */
class Deadlines {
  readonly #clock: Clock
  readonly #patienceMs: number
  readonly #busy = new Set<Connection>()
  #timer: Timer | undefined

  constructor(clock: Clock, patienceMs: number) {
    this.#clock = clock
    this.#patienceMs = patienceMs
  }

  start(connection: Connection): void {
    this.#busy.add(connection)
    this.#timer ??= this.#clock.setTimer(this.#patienceMs, this.#sweep)
  }

  stop(connection: Connection): void {
    this.#busy.delete(connection)
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  readonly #sweep = (): void => {
    this.#timer = undefined
    const now = this.#clock.now()
    for (const connection of this.#busy) {
      const leftMs = connection.startedAt + this.#patienceMs - now
      if (leftMs > 0) {
        this.#timer = this.#clock.setTimer(leftMs, this.#sweep)
        return
      }
      this.#busy.delete(connection)
      connection.expire()
    }
  }
}
