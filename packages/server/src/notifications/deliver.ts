import { randomUUID } from 'node:crypto'
import type { Clock, EpochMs, Timer } from '../shared/time.ts'
import type { App, AppStore } from '../tenants/app.ts'
import { bodyOf, createBatches, inOrder } from './batches.ts'
import type { Batches } from './batches.ts'
import { nextTryAt, patienceEndsAt } from './ladder.ts'
import { createLedger } from './ledger.ts'
import type { Ledger } from './ledger.ts'
import type { OutboxItem, OutboxStore } from './outbox.ts'
import type { Post, PostOutcome } from './post.ts'
import { createPushClient } from './push-client.ts'
import type { PushClient } from './push-client.ts'
import { parsePushUrl } from './push-url.ts'
import type { PushTarget, PushUrlFault } from './push-url.ts'

/**
 * One attempt, for the delivery log and metrics; also the first time a push was skipped, not every further one.
 * Carries no number and no body.
 */
export type DeliveryReport = {
  readonly items: readonly OutboxItem[]
  readonly outcome: PostOutcome
  /** When it is tried again; undefined: delivered, or given up after the last retry. */
  readonly nextTryAt: EpochMs | undefined
}

export type DelivererOptions = {
  readonly outbox: OutboxStore
  readonly apps: AppStore
  readonly clock: Clock
  /** POSTs in flight to one customer server (default 64). */
  readonly concurrency?: number
  /** POSTs that may wait in memory for one customer server (default 5000). */
  readonly maxWaitingPerServer?: number
  /** Rows held in memory; further ones wait in the outbox (default 20000). */
  readonly maxInMemory?: number
  /** How long CDRs and number states gather into one message, ms (default 1000). */
  readonly feeFlushMs?: number
  readonly connectTimeoutMs?: number
  readonly answerTimeoutMs?: number
  readonly onAttempt?: (report: DeliveryReport) => void
  /** The outbox could not be read or written; it is tried again. */
  readonly onStorageError?: (error: unknown) => void
}

/**
 * Delivers the outbox to customers (spec/notifications.md sections 2, 3 and 5). Every row is delivered at least
 * once or tried seven times over five hours; while its server is dead it waits, and that is not a
 * try. A row whose address is none is reported and given up at once. Rows of one call go out one after another, different calls side by
 * side; one slow or dead server delays nobody else.
 */
export type Deliverer = {
  /** Takes rows that have just been committed, in the order of commit. Never waits, never throws. */
  enqueue(items: readonly OutboxItem[]): void
  /** Picks up what an earlier run left behind and begins to retry. */
  start(): Promise<void>
  /** Sends what gathers at once; resolves when nothing is in memory and the outbox knows every outcome. */
  drain(): Promise<void>
  /** Stops at once. What is not delivered stays in the outbox for the next start. */
  close(): Promise<void>
}

export function createDeliverer(options: DelivererOptions): Deliverer {
  return new OutboxDeliverer(options)
}

/** Rows read at a time beyond those already in memory. */
const CHUNK = 1_000
/** Reads of the outbox are at least this far apart, and take at most a tenth of the time. */
const READ_GAP_MS = 250
const READ_AGAIN_MS = 1_000
/** Targets of customers' URLs kept parsed. */
const MAX_TARGETS = 10_000

class OutboxDeliverer implements Deliverer {
  readonly #outbox: OutboxStore
  readonly #apps: AppStore
  readonly #clock: Clock
  readonly #maxInMemory: number
  readonly #onAttempt: ((report: DeliveryReport) => void) | undefined
  readonly #onStorageError: (error: unknown) => void
  readonly #client: PushClient
  readonly #ledger: Ledger
  readonly #batches: Batches
  readonly #targets = new Map<string, PushTarget | PushUrlFault>()

  /** Rows in memory, from taking until the outbox knows their outcome. */
  readonly #owned = new Set<number>()
  /** Calls with a row on its way, and the rows that wait behind it. */
  readonly #sessions = new Map<string, OutboxItem[] | undefined>()

  /** Rows were left to the outbox: until they are read, new ones wait there too, or they would overtake. */
  #spilling = false
  #leftSinceRead = false
  #reading = false
  #readAgain = false
  #chunk = CHUNK
  /** Rows whose outcome was written while a read was under way: what the read says of them is old. */
  readonly #releasedSinceRead = new Set<number>()
  #readAfter: EpochMs = 0
  #wakeAt = Number.POSITIVE_INFINITY
  #wakeTimer: Timer | undefined
  #started = false
  #closed = false
  #drainers: (() => void)[] = []

  constructor(options: DelivererOptions) {
    this.#outbox = options.outbox
    this.#apps = options.apps
    this.#clock = options.clock
    this.#maxInMemory = options.maxInMemory ?? 20_000
    this.#onAttempt = options.onAttempt
    this.#onStorageError = options.onStorageError ?? (() => {})
    this.#client = createPushClient({
      clock: options.clock,
      concurrency: options.concurrency ?? 64,
      maxWaiting: options.maxWaitingPerServer ?? 5_000,
      connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
      answerTimeoutMs: options.answerTimeoutMs ?? 10_000,
    })
    this.#ledger = createLedger(
      options.outbox,
      options.clock,
      (ids, dueAt) => this.#release(ids, dueAt),
      this.#onStorageError,
    )
    this.#batches = createBatches(options.clock, options.feeFlushMs ?? 1_000, (items) => this.#send(items))
  }

  enqueue(items: readonly OutboxItem[]): void {
    for (const item of items) {
      if (this.#closed || this.#spilling || this.#owned.size >= this.#maxInMemory) {
        this.#spilling = true
        this.#leftSinceRead = true
      } else {
        this.#take(item)
      }
    }
    if (this.#spilling && this.#hasRoom()) this.#wake(this.#clock.now())
  }

  async start(): Promise<void> {
    this.#started = true
    await this.#read()
  }

  async drain(): Promise<void> {
    if (this.#owned.size === 0) return
    const drained = new Promise<void>((resolve) => this.#drainers.push(resolve))
    this.#flushLast()
    this.#ledger.flush()
    await drained
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#wakeTimer?.cancel()
    this.#batches.close()
    this.#client.close()
    await this.#ledger.close()
    for (const resolve of this.#drainers.splice(0)) resolve()
  }

  /** A row enters memory: behind the rows of its call, if one is on its way. */
  #take(item: OutboxItem): void {
    if (this.#owned.has(item.id)) return
    this.#owned.add(item.id)
    const { sessionId } = item
    const waiting = this.#sessions.get(sessionId)
    if (waiting !== undefined) waiting.push(item)
    else if (this.#sessions.has(sessionId)) this.#sessions.set(sessionId, [item])
    else {
      this.#sessions.set(sessionId, undefined)
      this.#begin(item)
    }
  }

  #begin(item: OutboxItem): void {
    if (item.kind === 'event') return this.#send([item])
    this.#batches.add(item)
    this.#advance(item.sessionId)
  }

  /** The row at the head of a call was tried: the next one goes, whatever became of it. */
  #advance(sessionId: string): void {
    const waiting = this.#sessions.get(sessionId)
    const next = waiting?.shift()
    if (next === undefined) this.#sessions.delete(sessionId)
    else this.#begin(next)
    this.#flushLast()
  }

  /** While draining: once no event is left, nothing can join the batches any more. */
  #flushLast(): void {
    if (this.#drainers.length > 0 && this.#sessions.size === 0) this.#batches.flushAll()
  }

  #send(items: readonly OutboxItem[]): void {
    void this.#post(items) // Never rejects: every fault becomes an outcome.
  }

  async #post(items: readonly OutboxItem[]): Promise<void> {
    const first = items[0]
    if (first === undefined) return
    const target = this.#targetOf(first.url)
    if ('fault' in target) return this.#settle(items, { kind: 'impossible', error: target.fault })
    let app: App | undefined
    try {
      app = await this.#apps.findApp(first.appKey)
    } catch (error) {
      this.#onStorageError(error)
      return this.settled(items, notReadable(this.#clock.now() + READ_AGAIN_MS))
    }
    if (this.#closed) return
    if (app === undefined) return this.#settle(items, failedBefore('the application does not exist'))
    const { firstFailedAt } = first
    const isUrgent = firstFailedAt !== undefined && this.#clock.now() >= patienceEndsAt(firstFailedAt)
    this.#client.post(new Delivery(target, app, items, isUrgent, this))
  }

  /** Called by a Delivery when its attempt is over. */
  settled(items: readonly OutboxItem[], outcome: PostOutcome): void {
    if (!this.#closed) this.#settle(items, outcome)
  }

  #settle(items: readonly OutboxItem[], outcome: PostOutcome): void {
    const first = items[0]
    if (first === undefined) return
    const ids = items.length === 1 ? [first.id] : items.map((item) => item.id)
    const isOver = outcome.kind === 'delivered' || outcome.kind === 'impossible'
    const retryAt = isOver ? undefined : this.#retry(ids, first, outcome)
    if (retryAt === undefined) this.#ledger.remove(ids)
    const isSkippedAgain = outcome.kind === 'skipped' && first.firstFailedAt !== undefined
    if (!isSkippedAgain) this.#onAttempt?.({ items, outcome, nextTryAt: retryAt })
    if (this.#drainers.length > 0) this.#ledger.flush()
    if (first.kind === 'event') this.#advance(first.sessionId)
  }

  /** Puts a push off that failed or was skipped; undefined when it was the last attempt. Skipping is no attempt. */
  #retry(ids: readonly number[], first: OutboxItem, outcome: FailedOrSkipped) {
    const now = this.#clock.now()
    const isSkipped = outcome.kind === 'skipped'
    // The ladder begins with the first attempt that failed; before it, waiting has a beginning too.
    const firstFailedAt = (first.attempts > 0 || isSkipped ? first.firstFailedAt : undefined) ?? now
    const attempts = isSkipped ? first.attempts : first.attempts + 1
    const dueAt = isSkipped ? outcome.retryAt : nextTryAt(attempts, firstFailedAt, now)
    if (dueAt === undefined) return undefined
    const change = { attempts, firstFailedAt, dueAt, error: outcome.error }
    const batchId = first.kind === 'event' ? undefined : (first.batchId ?? randomUUID())
    this.#ledger.postpone(ids, batchId === undefined ? change : { ...change, batchId })
    return dueAt
  }

  /**
   * The outbox knows what became of these rows: memory may forget them. A row that was put off to `dueAt` may be due
   * by now, and a read that met it while it was in memory has passed it over: only from here on a read can find it.
   */
  #release(ids: readonly number[], dueAt: EpochMs | undefined): void {
    for (const id of ids) {
      this.#owned.delete(id)
      if (this.#reading) this.#releasedSinceRead.add(id)
    }
    if (dueAt !== undefined) this.#wake(dueAt)
    if (this.#spilling && this.#hasRoom()) this.#wake(this.#clock.now())
    if (this.#owned.size === 0) for (const resolve of this.#drainers.splice(0)) resolve()
  }

  /** Makes sure the outbox is read at this instant, or as soon after as reads may follow each other. */
  #wake(at: EpochMs): void {
    if (!this.#started || this.#closed) return
    const when = Math.max(at, this.#readAfter)
    if (when >= this.#wakeAt) return
    this.#wakeTimer?.cancel()
    this.#wakeAt = when
    this.#wakeTimer = this.#clock.setTimer(Math.max(0, when - this.#clock.now()), () => {
      this.#wakeAt = Number.POSITIVE_INFINITY
      void this.#read() // Faults are reported and tried again inside.
    })
  }

  async #read(): Promise<void> {
    if (this.#closed) return
    if (this.#reading) {
      this.#readAgain = true
      return
    }
    this.#reading = true
    this.#readAgain = false
    const begunAt = this.#clock.now()
    let next: EpochMs | undefined
    try {
      next = await this.#readDue(begunAt)
    } catch (error) {
      this.#onStorageError(error)
      next = this.#clock.now() + READ_AGAIN_MS
    }
    this.#reading = false
    this.#releasedSinceRead.clear()
    const now = this.#clock.now()
    this.#readAfter = now + Math.max(READ_GAP_MS, (now - begunAt) * 9)
    if (this.#readAgain) next = now
    if (next !== undefined) this.#wake(next)
  }

  /** Takes due rows that fit into memory; answers when to read again. */
  async #readDue(at: EpochMs): Promise<EpochMs | undefined> {
    if (this.#owned.size >= this.#maxInMemory) {
      this.#spilling = true // Woken when there is room.
      return undefined
    }
    this.#leftSinceRead = false
    const limit = this.#owned.size + this.#chunk
    const rows = await this.#outbox.due(at, limit)
    if (this.#closed) return undefined
    const isFull = rows.length >= limit
    const fresh = rows.filter((row) => !this.#owned.has(row.id) && !this.#releasedSinceRead.has(row.id))
    const whole = isFull ? withoutCutBatches(fresh) : fresh
    this.#chunk = isFull && whole.length === 0 ? this.#chunk * 2 : CHUNK
    this.#takeRows(whole)
    this.#spilling = isFull || this.#leftSinceRead
    if (this.#spilling) return this.#hasRoom() ? this.#clock.now() : undefined
    return this.#outbox.nextDueAt(at)
  }

  #hasRoom(): boolean {
    return this.#owned.size <= this.#maxInMemory / 4
  }

  /** Rows of the outbox enter memory; those of a failed batch go out together again, exactly as before. */
  #takeRows(rows: readonly OutboxItem[]): void {
    const batches = new Map<string, OutboxItem[]>()
    for (const row of rows) {
      if (row.batchId === undefined) {
        this.#take(row)
        continue
      }
      this.#owned.add(row.id)
      const batch = batches.get(row.batchId)
      if (batch) batch.push(row)
      else batches.set(row.batchId, [row])
    }
    for (const batch of batches.values()) this.#send(inOrder(batch))
  }

  #targetOf(url: string): PushTarget | PushUrlFault {
    let target = this.#targets.get(url)
    if (target === undefined) {
      if (this.#targets.size >= MAX_TARGETS) this.#targets.clear()
      target = parsePushUrl(url)
      this.#targets.set(url, target)
    }
    return target
  }
}

type FailedOrSkipped = Extract<PostOutcome, { kind: 'failed' | 'skipped' }>

/** One attempt on its way. */
class Delivery implements Post {
  readonly target: PushTarget
  readonly app: App
  readonly body: string
  readonly isUrgent: boolean
  readonly #items: readonly OutboxItem[]
  readonly #deliverer: OutboxDeliverer

  constructor(
    target: PushTarget,
    app: App,
    items: readonly OutboxItem[],
    isUrgent: boolean,
    deliverer: OutboxDeliverer,
  ) {
    this.target = target
    this.app = app
    this.body = bodyOf(items)
    this.isUrgent = isUrgent
    this.#items = items
    this.#deliverer = deliverer
  }

  settle(outcome: PostOutcome): void {
    this.#deliverer.settled(this.#items, outcome)
  }
}

const failedBefore = (error: string): PostOutcome => ({ kind: 'failed', status: 0, error, latencyMs: 0 })

const notReadable = (retryAt: EpochMs): PostOutcome => ({
  kind: 'skipped',
  reason: 'storage',
  error: 'not sent: the application could not be read',
  retryAt,
})

/**
 * A read that hit its limit may have cut a batch in two. Rows of a batch share their due instant, so only batches due
 * together with the last row can be cut: they are left for the next read.
 */
function withoutCutBatches(rows: readonly OutboxItem[]): readonly OutboxItem[] {
  const lastDueAt = rows.at(-1)?.dueAt
  return rows.filter((row) => row.batchId === undefined || row.dueAt !== lastDueAt)
}
