import { QueueProbe } from './queue-probe.ts'

/** What can be seen of the event loop from within it. */
export type LoopView = {
  /** Milliseconds, monotonic. */
  now(): number
  /** Milliseconds that the loop has slept so far, because no socket had anything to read and no timer was due. */
  idleMs(): number
  /** Runs something once the sockets that had something to read were read in this turn of the loop. */
  afterRound(run: () => void): void
}

/** The loop that we run in. `idleTime` is a number that libuv keeps (50 ns to read). */
export const thisLoop: LoopView = {
  now: () => performance.now(),
  idleMs: () => performance.nodeTiming.idleTime,
  afterRound: (run) => void setImmediate(run),
}

export type OverloadOptions = {
  /** New calls are refused when a message may have waited longer to be read, milliseconds; default 20. */
  readonly targetMs?: number
  readonly loop?: LoopView
}

/** Datagrams that libuv reads of one socket before it looks at the others; a round of fewer has emptied it. */
const FULL_ROUND = 32
/** How much of the time the loop is awake is measured over so long: longer than it takes to catch up with a hiccup. */
const WINDOW_MS = 1000
/** Awake so much of it: a queue that stands is no hiccup. */
const SATURATED = 0.97
const RELAXED = 0.85
/**
 * A loop that has time to spare may stand still for so many targets (a collection of garbage, a large file): with the default
 * less than T1, after which messages are repeated. Where datagrams to ourselves do not arrive half of it.
 */
const HICCUP = 20
const UNSEEN_HICCUP = 10
/** A wait that grows so often in a row, at last to so many targets, is no hiccup either: those are over by the second time. */
const ALARM_GROWTHS = 3
const ALARM = 3
/** Of the target: a probe that took less found no queue. */
const SHORT_WAIT = 0.25
/** So many dropped messages cost about what one does that is served. */
const DROPPED_COST = 10
const TICKS_STOPPED_MS = 100
/** Between two ticks nothing was waiting for a timer, when they are further apart. */
const LONGEST_TICK_MS = 1000

/**
 * Says when messages wait too long to be read. Two things are known of what waits in the kernel. That the loop slept, or read
 * fewer datagrams in a turn than it may, means that nothing waited then: what is read now came later. And while that is long
 * ago, datagrams to ourselves take as long as messages do (`QueueProbe`). As long as the loop is idle now and then, all this
 * costs a look at each tick of the timers, and nothing for a message.
 *
 * A queue that the loop left behind by standing still (a collection of garbage, a commit) is worked off in time, and nobody is
 * refused for it. Calls are refused when the loop has not slept for a second, or sooner when the queue grows: of datagrams to
 * ourselves each takes as many times as long as the one before as more comes than can be served, while after a hiccup each is
 * quicker. Then a queue is worked off at once, and some calls are taken again: under any load those that fit are taken, and
 * the others hear so before they have waited for long.
 */
export class Overload {
  readonly #targetMs: number
  readonly #loop: LoopView
  #idleMs: number
  #tickAt: number
  /** The loop has not slept lately: rounds are counted. */
  #isBusy = false
  /** The last instant at which nothing is known to have waited. */
  #emptyAt: number
  #readSince = 0
  #droppedSince = 0
  #readInRound = 0
  #windowAt: number
  #windowIdleMs: number
  #isSaturated = false
  readonly #probes: QueueProbe[] = []

  constructor({ targetMs = 20, loop = thisLoop }: OverloadOptions = {}) {
    this.#targetMs = targetMs
    this.#loop = loop
    this.#tickAt = this.#emptyAt = this.#windowAt = loop.now()
    this.#idleMs = this.#windowIdleMs = loop.idleMs()
  }

  /** Adds a queue that messages wait in; `send` sends a datagram to it. */
  addQueue(send: (probe: Uint8Array) => void): void {
    const probe = new QueueProbe(send)
    this.#probes.push(probe)
    probe.send(this.#loop.now())
  }

  /** A datagram that is no message; a probe of ours, perhaps. */
  onShort(datagram: Uint8Array): void {
    if (this.#probes.length === 0) return
    this.#countRead()
    const now = this.#loop.now()
    for (const probe of this.#probes) {
      if (!probe.take(datagram, now)) continue
      // While there is a queue one is always under way: a turn of the loop may be long.
      if (this.#isBusy && probe.waitMs(now)! > this.#targetMs * SHORT_WAIT) probe.send(now)
      return
    }
  }

  /** At each tick of the timers. */
  onTick(): void {
    const now = this.#loop.now()
    const idleMs = this.#loop.idleMs()
    const elapsedMs = now - this.#tickAt
    const sleptMs = idleMs - this.#idleMs
    this.#tickAt = now
    this.#idleMs = idleMs
    if (sleptMs > 0) {
      const awakeMs = elapsedMs > LONGEST_TICK_MS ? 0 : Math.max(0, elapsedMs - sleptMs)
      this.#empty(now - awakeMs)
      this.#isBusy = awakeMs > this.#targetMs / 2
    } else if (elapsedMs > 0) this.#isBusy = true
    if (this.#isBusy) this.#sendProbes(now)
    this.#measureLoad(now, idleMs)
  }

  /** At each message, before anything is done about it; `isAdmitted`: it is not a stranger's that was dropped. */
  onMessage(isAdmitted: boolean): void {
    if (!this.#isBusy) return
    if (isAdmitted) this.#readSince++
    else this.#droppedSince++
    this.#countRead()
  }

  /** Whether a new call would make those that are on late. */
  get isOver(): boolean {
    if (!this.#isBusy || this.#readSince < FULL_ROUND) return false
    // Of a flood that is dropped calls are not the cause, and the next carrier's call would not be better off.
    if (this.#readSince * DROPPED_COST < this.#droppedSince) return false
    const now = this.#loop.now()
    // No timer waits: the ticks have stopped.
    if (now - this.#tickAt > TICKS_STOPPED_MS) this.onTick()
    const mostMs = now - this.#emptyAt
    if (!this.#isSaturated && mostMs > this.#targetMs * ALARM && this.#isGrowing()) this.#saturate(now)
    const waitMs = this.#waitMs(now)
    const hiccup = waitMs === undefined ? UNSEEN_HICCUP : HICCUP
    const limitMs = this.#isSaturated ? this.#targetMs : this.#targetMs * hiccup
    return mostMs > limitMs && (waitMs ?? mostMs) > limitMs
  }

  #isGrowing(): boolean {
    return this.#probes.some((probe) => probe.growthsTo(this.#targetMs * ALARM) >= ALARM_GROWTHS)
  }

  /** The longest of the queues; undefined when none is known. */
  #waitMs(now: number): number | undefined {
    let longest: number | undefined
    for (const probe of this.#probes) {
      const waitMs = probe.waitMs(now)
      if (waitMs !== undefined && waitMs >= (longest ?? 0)) longest = waitMs
    }
    return longest
  }

  #countRead(): void {
    if (this.#isBusy && this.#readInRound++ === 0) this.#loop.afterRound(this.#onRoundEnd)
  }

  #onRoundEnd = (): void => {
    const now = this.#loop.now()
    if (this.#readInRound < FULL_ROUND) this.#empty(now)
    else this.#sendProbes(now)
    this.#readInRound = 0
  }

  #sendProbes(now: number): void {
    for (const probe of this.#probes) probe.send(now)
  }

  #empty(at: number): void {
    this.#emptyAt = at
    this.#readSince = 0
    this.#droppedSince = 0
    for (const probe of this.#probes) probe.onEmpty(at)
  }

  #measureLoad(now: number, idleMs: number): void {
    const elapsedMs = now - this.#windowAt
    if (elapsedMs < WINDOW_MS) return
    const awake = 1 - (idleMs - this.#windowIdleMs) / elapsedMs
    this.#isSaturated = awake >= (this.#isSaturated ? RELAXED : SATURATED)
    this.#windowAt = now
    this.#windowIdleMs = idleMs
  }

  /** For a window at least. */
  #saturate(now: number): void {
    this.#isSaturated = true
    this.#windowAt = now
    this.#windowIdleMs = this.#loop.idleMs()
  }
}

/** See `Overload`. */
export const createOverload = (options: OverloadOptions = {}): Overload => new Overload(options)
