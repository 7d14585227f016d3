import type { RouteStore } from '../bindings/ports.ts'
import { AppError } from '../shared/app-error.ts'
import { normaliseDialled, type E164 } from '../shared/e164.ts'
import { createGate } from '../shared/gate.ts'
import type { Log } from '../shared/log.ts'
import type { Clock, EpochMs, Timer } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import type { CarrierHandlers, DeliveryReceipt, IncomingPart, KnownOutcome, SmsRoutes } from './carrier.ts'
import { createHandler, type Handled, type Handler, type SmsPolicy } from './handler.ts'
import { type MtPart, readPartId } from './message.ts'
import type { Arrived, LatePart, Received, SmsCustomers, SmsStore, SmsText, StoredSms } from './ports.ts'
import type { ContentFilter } from './rules/content-filter.ts'
import { createRepeats, type Repeats } from './repeats.ts'
import { createSender } from './sender.ts'

export type RelayOptions = {
  readonly store: SmsStore
  readonly routes: Pick<RouteStore, 'lookup'>
  readonly carriers: SmsRoutes
  readonly customers: SmsCustomers
  readonly text: SmsText
  readonly filterOf: (app: App) => ContentFilter
  readonly clock: Clock
  readonly log: Log
  readonly policy: SmsPolicy & {
    /** What numbers without a country code belong to: digits. */
    readonly countryCode: string
    /** How long the parts of a text are waited for. */
    readonly gatherMs: number
    /** How long one that comes again is known as a repeat, when the network may not know that it was taken; 0: never. */
    readonly repeatMs: number
    /** Messages that are with the carriers at a time. */
    readonly maxSending: number
  }
}

/**
 * Carries SMS from senders through X to receivers (spec/sms.md). What a carrier hands in is stored before it is acknowledged, and from
 * then on is forwarded once or reported once as failed, whatever happens to this process.
 */
export type SmsRelay = {
  /** What a carrier hands in goes here; `name` is the carrier's. */
  handlersOf(name: string): CarrierHandlers
  /** Picks up what an earlier run left. */
  start(): Promise<void>
  /** Resolves when nothing is being worked on; what waits for a retry or for parts stays. */
  drain(): Promise<void>
  /**
   * Takes nothing more and stops. Resolves when what is under way has come to a stop: the carriers and the asker are to be closed
   * meanwhile, which ends their waiting.
   */
  close(): Promise<void>
}

/** Messages in memory; others wait in storage. */
const MOST_HELD = 10_000
const CHUNK = 1_000
/** Receipts without a part that are remembered; the network may also tell of what is none of ours. */
const MOST_EARLY = 10_000
/**
 * An acknowledgement that leaves so late, or that nothing shows to be read for so long, may have come too late, ms. SMSCs wait for 5
 * (Osmocom's) to 60 seconds (SMPP 3.4 §7.2, `response_timer`).
 */
const DOUBT_AFTER_MS = 5_000
/** Before storage that refused is asked again, ms. */
const AGAIN_MS = 1_000

export function createRelay(options: RelayOptions): SmsRelay {
  return new Relay(options)
}

class Relay implements SmsRelay {
  readonly #options: RelayOptions
  readonly #handler: Handler
  readonly #repeats: Repeats
  /** Messages that are being worked on, by id. */
  readonly #held = new Set<string>()
  /** Messages that were let go while storage was being read: what the read says of them is old. */
  readonly #releasedSinceRead = new Set<string>()
  #started = false
  #closed = false
  #reading: Promise<void> | undefined
  #readAgain = false
  /** Something was left to storage for want of room. */
  #spilling = false
  /** Receipts that came before the outcome of their part was stored, by carrier and id. */
  readonly #early = new Map<string, DeliveryReceipt['state']>()
  #wakeAt = Number.POSITIVE_INFINITY
  #wakeTimer: Timer | undefined
  #waiters: (() => void)[] = []

  constructor(options: RelayOptions) {
    this.#options = options
    const { store, carriers, text, clock, policy } = options
    this.#handler = createHandler({
      ...options,
      store: { save: (...change) => this.#save(...change) },
      sender: createSender({ routes: carriers, text, clock }),
      gate: createGate(policy.maxSending),
    })
    this.#repeats = createRepeats({
      store: {
        acknowledged: (ids) => this.#persist(() => store.acknowledged(ids)),
        doubt: (ids, until) => this.#persist(() => store.doubt(ids, until)),
      },
      now: () => clock.now(),
      doubtAfterMs: DOUBT_AFTER_MS,
      repeatMs: policy.repeatMs,
    })
  }

  handlersOf(carrier: string): CarrierHandlers {
    return {
      onPart: (part) => this.#receive(carrier, part),
      onReceipt: (receipt) => this.#note(carrier, receipt),
      onLateOutcome: (partId, outcome) => this.#noteLate(carrier, partId, outcome),
    }
  }

  async start(): Promise<void> {
    const { store, clock, policy } = this.#options
    this.#started = true
    const open = this.#persist(() => store.doubtOpen(clock.now() + policy.repeatMs))
    await this.#read()
    await open
  }

  async drain(): Promise<void> {
    while (this.#reading || this.#held.size > 0) {
      await this.#reading
      if (this.#held.size > 0) await new Promise<void>((resolve) => this.#waiters.push(resolve))
    }
    await this.#repeats.flushed()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#handler.stop()
    this.#wakeTimer?.cancel()
    await this.drain()
    await this.#repeats.settled()
  }

  async #receive(carrier: string, part: IncomingPart): Promise<void> {
    if (this.#closed) throw new AppError('SMS_STOPPING', 'the platform stops and takes no SMS')
    const { store, clock, policy } = this.#options
    const { gatherMs, repeatMs, countryCode } = policy
    const isWatched = part.acknowledgement !== undefined && repeatMs > 0
    const received = await store.receive(
      { ...arrivedOf(carrier, part, countryCode), isWatched },
      clock.now(),
      {
        gatherMs,
        doubtAfterMs: DOUBT_AFTER_MS,
      },
    )
    if (isWatched) this.#repeats.watch(idOf(received), part, clock.now())
    if (received.kind === 'complete') this.#take({ message: received.message, mt: [] })
    else if (received.kind === 'gathering') this.#wake(received.dueAt)
    else this.#options.log.info({ sms: received.id, carrier }, 'a part came again and is not sent again')
  }

  /**
   * On another connection a receipt may overtake the outcome of its submit. Then it waits here and is stored with that. It needs no
   * place in storage: of a part whose outcome was not stored when the process died nobody knows the id.
   */
  async #note(carrier: string, receipt: DeliveryReceipt): Promise<void> {
    const key = `${carrier} ${receipt.messageId}`
    if (this.#early.size >= MOST_EARLY) this.#early.delete(this.#early.keys().next().value!)
    this.#early.set(key, receipt.state)
    // What is stored from now on takes it along; what was stored before is found.
    if (await this.#options.store.receipt(carrier, receipt)) this.#early.delete(key)
  }

  /** The customer has been told, or will be, that it failed: only its details still change. */
  async #noteLate(carrier: string, partId: string, outcome: KnownOutcome): Promise<void> {
    const { store, clock } = this.#options
    const { messageId, index } = readPartId(partId)
    const common = { index, carrier, state: outcome.state, at: clock.now() }
    const late = this.#withReceipt<LatePart>(
      outcome.state === 'accepted'
        ? { ...common, carrierId: outcome.messageId }
        : { ...common, status: outcome.status },
    )
    if (await this.#persist(() => store.late(messageId, late))) this.#forgetReceipts([late])
  }

  async #save(...[message, from, changes]: Parameters<SmsStore['save']>): Promise<boolean> {
    const { store } = this.#options
    const mt = changes?.mt?.map((part) => this.#withReceipt(part))
    const isSaved = await this.#persist(() => store.save(message, from, { ...changes, ...(mt && { mt }) }))
    if (isSaved && mt) this.#forgetReceipts(mt)
    return isSaved
  }

  #withReceipt<Part extends MtPart | LatePart>(part: Part): Part {
    const receipt = this.#early.get(`${part.carrier} ${part.carrierId}`)
    return receipt ? { ...part, receipt } : part
  }

  #forgetReceipts(parts: readonly (MtPart | LatePart)[]): void {
    for (const { carrier, carrierId, receipt } of parts)
      if (receipt) this.#early.delete(`${carrier} ${carrierId}`)
  }

  #take(sms: StoredSms): void {
    const { id } = sms.message
    // Until what is stored has been read once, the new ones wait behind the old.
    if (!this.#started || this.#closed || this.#held.size >= MOST_HELD) {
      this.#spilling = true
      return
    }
    if (this.#held.has(id)) return
    this.#held.add(id)
    void this.#work(sms).then((handled) => this.#release(id, handled))
  }

  /** Never rejects. */
  async #work(sms: StoredSms): Promise<Handled> {
    const { log } = this.#options
    const { id } = sms.message
    try {
      return await this.#handler.handle(sms)
    } catch (error) {
      if (this.#closed) return STOPPED
      if (isStorageFault(error)) return this.#soon()
      log.error({ sms: id, err: error }, 'an SMS could not be handled')
      // Once it may have left, only what storage knows of it counts.
      if (sms.message.state === 'sending') return STOPPED
    }
    try {
      return await this.#handler.giveUp(sms.message)
    } catch (error) {
      if (isStorageFault(error)) return this.#soon()
      log.error({ sms: id, err: error }, 'an SMS could not be given up; it waits for the next start')
      return STOPPED
    }
  }

  #soon(): Handled {
    return { kind: 'later', dueAt: this.#options.clock.now() + AGAIN_MS }
  }

  #release(id: string, handled: Handled): void {
    this.#held.delete(id)
    if (this.#reading) this.#releasedSinceRead.add(id)
    if (handled.kind === 'later') this.#wake(handled.dueAt)
    if (this.#spilling && this.#held.size <= MOST_HELD / 2) this.#wake(this.#options.clock.now())
    if (this.#held.size === 0) for (const resolve of this.#waiters.splice(0)) resolve()
  }

  /** Makes sure that storage is read at this instant. */
  #wake(at: EpochMs): void {
    if (!this.#started || this.#closed || at >= this.#wakeAt) return
    const { clock } = this.#options
    this.#wakeTimer?.cancel()
    this.#wakeAt = at
    this.#wakeTimer = clock.setTimer(Math.max(0, at - clock.now()), () => {
      this.#wakeAt = Number.POSITIVE_INFINITY
      void this.#read()
    })
  }

  /** One read at a time; what asks for another meanwhile gets it afterwards. Never rejects. */
  #read(): Promise<void> {
    if (this.#reading) this.#readAgain = true
    else this.#reading = this.#readOnce()
    return this.#reading
  }

  async #readOnce(): Promise<void> {
    const { clock, log } = this.#options
    this.#readAgain = false
    let next: EpochMs | undefined
    try {
      next = await this.#readDue(clock.now())
    } catch (error) {
      log.error({ err: error }, 'SMS that wait cannot be read; it is tried again')
      next = clock.now() + AGAIN_MS
    }
    this.#reading = undefined
    this.#releasedSinceRead.clear()
    if (this.#readAgain) next = clock.now()
    if (next !== undefined) this.#wake(next)
  }

  /** Takes what is due; answers when to read again. */
  async #readDue(now: EpochMs): Promise<EpochMs | undefined> {
    const { store } = this.#options
    const limit = this.#held.size + CHUNK
    this.#spilling = false
    const due = await store.due(now, limit)
    const fresh = due.filter(({ message: { id } }) => !this.#held.has(id) && !this.#releasedSinceRead.has(id))
    for (const sms of fresh) this.#take(sms)
    if (due.length >= limit) this.#spilling = true
    if (this.#spilling) return this.#held.size <= MOST_HELD / 2 ? now : undefined
    return store.nextDueAt(now)
  }

  /** Storage that refuses is asked until it works again or the relay stops: what happened must be written down. */
  async #persist<T>(write: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await write()
      } catch (error) {
        if (!isStorageFault(error) || this.#closed) throw error
        this.#options.log.error({ err: error }, 'an SMS cannot be saved; it is tried again')
        await new Promise<void>((resolve) => this.#options.clock.setTimer(AGAIN_MS, resolve))
      }
    }
  }
}

const idOf = (received: Received): string =>
  received.kind === 'complete' ? received.message.id : received.id

const STOPPED: Handled = { kind: 'stopped' }

const isStorageFault = (error: unknown): boolean =>
  error instanceof AppError && error.code === 'STORAGE_FAILED'

/** Parts in one text at most (one octet of the header, 3GPP TS 23.040 §9.2.3.24.1). */
const MOST_PARTS = 255

/** A part with its numbers in global form; concatenation that cannot be is none. */
function arrivedOf(carrier: string, part: IncomingPart, countryCode: string): Arrived {
  const { coding, userData, concat, id } = part
  const isLong =
    concat &&
    concat.total > 1 &&
    concat.total <= MOST_PARTS &&
    concat.index >= 1 &&
    concat.index <= concat.total
  return {
    carrier,
    from: normaliseDialled(part.from, countryCode) ?? part.from,
    x: normaliseDialled(part.to, countryCode) ?? (part.to as E164),
    coding,
    userData,
    ...(isLong && { concat }),
    ...(id !== undefined && { carrierId: id }),
  }
}
