import { Client } from 'undici'
import type { Dispatcher } from 'undici'
import type { Clock, EpochMs, Timer } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import { signingHeaders } from './signing.ts'
import type { PushTarget } from './push-url.ts'

/** One POST to a customer. `settle` is called exactly once. */
export type Post = {
  readonly target: PushTarget
  readonly app: App
  readonly body: string
  settle(outcome: PostOutcome): void
}

/**
 * `delivered`: a whole answer with a 2xx status. `failed`: another status, a time-out, a broken connection.
 * `skipped`: not sent, because the server has just been seen dead (`dead`) or is far behind (`behind`).
 */
export type PostOutcome =
  | { readonly kind: 'delivered'; readonly status: number; readonly latencyMs: number }
  | { readonly kind: 'failed'; readonly status: number; readonly error: string; readonly latencyMs: number }
  | { readonly kind: 'skipped'; readonly reason: 'dead' | 'behind'; readonly error: string }

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
  close(): Promise<void>
}

/** Failures in a row, none with an answer, after which a server counts as dead. */
const DEAD_AFTER = 32
/** While a server is dead one POST per pause is sent to see whether it is back; the pause doubles up to the limit. */
const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 10_000
/** The body of an answer is not wanted; a longer one costs the connection, not the delivery. */
const MAX_ANSWER_BYTES = 64 * 1024
/** Origins kept without traffic before idle ones are forgotten. */
const MAX_ORIGINS = 2_000

const SKIPPED_DEAD: PostOutcome = {
  kind: 'skipped',
  reason: 'dead',
  error: 'not sent: the server gave no answer to the last attempts',
}
const SKIPPED_BEHIND: PostOutcome = {
  kind: 'skipped',
  reason: 'behind',
  error: 'not sent: the server answers more slowly than its notifications arrive',
}

/**
 * Sends POSTs over kept-alive connections, a bounded number per origin (docs/adr/0004-push-connections.md). Each
 * slot owns one undici Client, hence one connection, so it is known whether a request went out on a used one.
 */
export function createPushClient(options: PushClientOptions): PushClient {
  const origins = new Map<string, Origin>()
  const deadlines = new Deadlines(options.clock, options.answerTimeoutMs)

  function originOf(post: Post): Origin {
    const verify = post.app.verifyPushCertificate
    const key = verify ? post.target.origin : `${post.target.origin} unverified`
    let origin = origins.get(key)
    if (origin === undefined) {
      if (origins.size >= MAX_ORIGINS) forgetIdle()
      origin = new Origin(post.target.origin, verify, options, deadlines)
      origins.set(key, origin)
    }
    return origin
  }

  function forgetIdle(): void {
    for (const [key, origin] of origins) {
      if (!origin.isIdle) continue
      origins.delete(key)
      void origin.close() // Nothing is in flight, so nothing can fail.
    }
  }

  return {
    post: (post) => originOf(post).post(post),
    async close() {
      deadlines.close()
      await Promise.all([...origins.values()].map((origin) => origin.close()))
      origins.clear()
    },
  }
}

/** One customer server: its connections, its waiting POSTs, and whether it is alive. */
class Origin {
  readonly #url: string
  readonly #verify: boolean
  readonly #options: PushClientOptions
  readonly #deadlines: Deadlines
  readonly #free: Slot[] = []
  readonly #slots = new Set<Slot>()
  /** FIFO; entries before `#head` are gone. */
  #waiting: Post[] = []
  #head = 0
  #silentFailures = 0
  #pauseMs = FIRST_PAUSE_MS
  #probeAt: EpochMs = 0
  /** The one POST that tries a dead server is on its way. */
  #probing = false
  #closed = false

  constructor(url: string, verify: boolean, options: PushClientOptions, deadlines: Deadlines) {
    this.#url = url
    this.#verify = verify
    this.#options = options
    this.#deadlines = deadlines
  }

  get isIdle(): boolean {
    return this.#free.length === this.#slots.size && this.#head === this.#waiting.length
  }

  post(post: Post): void {
    if (this.#isDead()) return post.settle(SKIPPED_DEAD)
    const slot = this.#free.pop() ?? this.#newSlot()
    if (slot) return slot.send(post)
    if (this.#waiting.length - this.#head >= this.#options.maxWaiting) return post.settle(SKIPPED_BEHIND)
    this.#waiting.push(post)
  }

  /** A slot is done with its POST. The slot is free before the outcome is told, as that may bring the next POST. */
  finished(slot: Slot, post: Post, outcome: PostOutcome, answered: boolean): void {
    this.#learn(answered)
    const usable = this.#slots.has(slot) ? slot : this.#newSlot()
    const next = usable && this.#shift()
    if (usable && next) usable.send(next)
    else if (usable) this.#free.push(usable)
    post.settle(outcome)
    if (this.#silentFailures >= DEAD_AFTER) this.#skipWaiting()
  }

  retire(slot: Slot): void {
    this.#slots.delete(slot)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#skipWaiting()
    const slots = [...this.#slots]
    this.#slots.clear()
    this.#free.length = 0
    await Promise.all(slots.map((slot) => slot.close()))
  }

  #learn(answered: boolean): void {
    if (answered) {
      this.#silentFailures = 0
      this.#probing = false
      this.#pauseMs = FIRST_PAUSE_MS
      return
    }
    this.#silentFailures++
    if (this.#silentFailures !== DEAD_AFTER && !this.#probing) return
    this.#probing = false
    this.#probeAt = this.#options.clock.now() + this.#pauseMs
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS)
  }

  #isDead(): boolean {
    if (this.#silentFailures < DEAD_AFTER) return false
    const now = this.#options.clock.now()
    if (now < this.#probeAt) return true
    if (this.#probing) return true
    this.#probing = true
    return false
  }

  #newSlot(): Slot | undefined {
    if (this.#closed || this.#slots.size >= this.#options.concurrency) return undefined
    const slot = new Slot(this, this.#url, this.#verify, this.#options, this.#deadlines)
    this.#slots.add(slot)
    return slot
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
    for (const post of waiting) post.settle(SKIPPED_DEAD)
  }
}

/**
 * One connection and the POST on it. It is itself the undici handler, so a POST allocates none. The handler methods
 * are undici's plain ones (onConnect, onHeaders, …), which it calls without wrapping.
 */
class Slot implements Dispatcher.DispatchHandler {
  readonly #origin: Origin
  readonly #clock: Clock
  readonly #deadlines: Deadlines
  readonly #client: Client
  #post: Post | undefined
  #abort: ((error?: Error) => void) | undefined
  #startedAt: EpochMs = 0
  #status = 0
  #answerBytes = 0
  #answerBegan = false
  #timedOut = false
  #resent = false
  /** Whole answers seen on the present connection. */
  #served = 0

  constructor(
    origin: Origin,
    url: string,
    verify: boolean,
    options: PushClientOptions,
    deadlines: Deadlines,
  ) {
    this.#origin = origin
    this.#clock = options.clock
    this.#deadlines = deadlines
    this.#client = new Client(url, {
      pipelining: 1,
      allowH2: false,
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: options.connectTimeoutMs, rejectUnauthorized: verify },
    })
    const fresh = () => {
      this.#served = 0
    }
    this.#client.on('connect', fresh)
    this.#client.on('disconnect', fresh)
  }

  send(post: Post): void {
    this.#post = post
    this.#resent = false
    this.#timedOut = false
    this.#startedAt = this.#clock.now()
    this.#deadlines.start(this)
    this.#dispatch(post)
  }

  get startedAt(): EpochMs {
    return this.#startedAt
  }

  /** The answer took too long. Before there is a connection nothing can be aborted, so the client goes. */
  expire(): void {
    this.#timedOut = true
    if (this.#abort) return this.#abort(new Error('no whole answer in time'))
    this.#origin.retire(this)
    void this.close()
  }

  async close(): Promise<void> {
    await this.#client.destroy(new Error('the platform closed the connection'))
  }

  #dispatch(post: Post): void {
    this.#abort = undefined
    this.#status = 0
    this.#answerBytes = 0
    this.#answerBegan = false
    const headers = signingHeaders(post.app, this.#clock.now())
    headers.push('Content-Type', 'application/json;charset=UTF-8')
    this.#client.dispatch({ method: 'POST', path: post.target.path, headers, body: post.body }, this)
  }

  #finish(outcome: PostOutcome, answered: boolean): void {
    const post = this.#post
    if (post === undefined) return
    this.#post = undefined
    this.#abort = undefined
    this.#deadlines.stop(this)
    this.#origin.finished(this, post, outcome, answered)
  }

  #finishAnswered(): void {
    const status = this.#status
    const latencyMs = this.#clock.now() - this.#startedAt
    if (status >= 200 && status < 300) this.#finish({ kind: 'delivered', status, latencyMs }, true)
    else this.#finish({ kind: 'failed', status, error: `HTTP ${status}`, latencyMs }, true)
  }

  onConnect(abort: (error?: Error) => void): void {
    this.#abort = abort
  }

  onResponseStarted(): void {
    this.#answerBegan = true
  }

  onHeaders(status: number): boolean {
    if (status >= 200) this.#status = status
    return true
  }

  onData(chunk: Buffer): boolean {
    this.#answerBytes += chunk.length
    if (this.#answerBytes > MAX_ANSWER_BYTES) {
      this.#served = 0
      this.#abort?.(new Error('the answer is too long'))
    }
    return true
  }

  onComplete(): void {
    this.#served++
    this.#finishAnswered()
  }

  onError(error: Error): void {
    const post = this.#post
    if (post === undefined) return
    if (this.#answerBytes > MAX_ANSWER_BYTES) return this.#finishAnswered()
    const wasStale = this.#served > 0 && !this.#answerBegan && !this.#timedOut && isReset(error)
    if (wasStale && !this.#resent) {
      // The server closed an idle connection while the POST was on its way: it never saw it (or will see it twice).
      this.#resent = true
      this.#served = 0
      setImmediate(() => this.#dispatch(post))
      return
    }
    const text = this.#timedOut ? 'no whole answer in time' : describe(error)
    const latencyMs = this.#clock.now() - this.#startedAt
    this.#finish({ kind: 'failed', status: this.#status, error: text, latencyMs }, this.#answerBegan)
  }
}

/** Aborts POSTs whose answer is late. All have the same patience, so the Set is in the order of the deadlines. */
class Deadlines {
  readonly #clock: Clock
  readonly #patienceMs: number
  readonly #busy = new Set<Slot>()
  #timer: Timer | undefined

  constructor(clock: Clock, patienceMs: number) {
    this.#clock = clock
    this.#patienceMs = patienceMs
  }

  start(slot: Slot): void {
    this.#busy.add(slot)
    this.#timer ??= this.#clock.setTimer(this.#patienceMs, this.#sweep)
  }

  stop(slot: Slot): void {
    this.#busy.delete(slot)
  }

  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  readonly #sweep = (): void => {
    this.#timer = undefined
    const now = this.#clock.now()
    for (const slot of this.#busy) {
      const leftMs = slot.startedAt + this.#patienceMs - now
      if (leftMs > 0) {
        this.#timer = this.#clock.setTimer(leftMs, this.#sweep)
        return
      }
      this.#busy.delete(slot)
      slot.expire()
    }
  }
}

const codeOf = (error: Error): string => ('code' in error && typeof error.code === 'string' ? error.code : '')

function isReset(error: Error): boolean {
  const code = codeOf(error)
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE' || code === 'ECONNABORTED'
}

/** What went wrong, for the delivery log: a code where there is one, never a payload. */
function describe(error: Error): string {
  const code = codeOf(error)
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return 'no connection in time'
  return code === '' ? error.message : `${code}: ${error.message}`
}
