import { warnOfFault } from '../shared/fault-report.ts'
import type { FaultReport } from '../shared/fault-report.ts'
import type { SipClock, TimerHandle, Timers, Waiter } from '../shared/timers.ts'

/** A clock given by the user of the stack (a test kit's, usually), as the stack uses it. */
export function timersOf(clock: SipClock, report: FaultReport = warnOfFault): Timers {
  return {
    now: () => clock.now(),
    set: (delayMs, waiter) =>
      clock.setTimer(delayMs, () => {
        try {
          waiter.onTimer()
        } catch (error) {
          report(error, 'timer')
        }
      }),
    clear: (handle) => clock.clearTimer(handle),
  }
}

/** Timers fire up to one tick late, never early. */
const TICK_MS = 10
const SLOTS = 4096
/** A tick later than this means that the process stood still, and that peers' answers may wait unread. */
const STALL_MS = 40
/** Rounds of socket reads after a stall before timers may fire; libuv reads up to 32 datagrams a round. */
const ROUNDS_AFTER_STALL = 8

type Entry = {
  dueTick: number
  waiter: Waiter | undefined
  prev: Entry
  next: Entry
}

/**
 * The real clock: a timer wheel on one Node timer, which runs only while something waits. Every SIP transaction waits
 * at least once and most waits are cancelled, so both cost a few pointer writes.
 *
 * Node runs expired timers before it reads sockets. After a stall every answer that already arrived would therefore
 * be declared late: the wheel notices its own lateness and lets the sockets be read first.
 */
export class TimerWheel implements Timers, SipClock {
  #slots: Entry[] = []
  #waiting = 0
  /** Ticks since `#origin`; monotonic. */
  #tick = 0
  #origin = performance.now()
  #timeout: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined
  #roundsLeft = 0
  readonly #report: FaultReport
  #onEachTick: (() => void) | undefined

  /** `report` is told what a waiter throws; the others are woken all the same. */
  constructor(report: FaultReport = warnOfFault) {
    this.#report = report
    for (let i = 0; i < SLOTS; i++) this.#slots.push(sentinel())
  }

  /** Of the time of day at the start, monotonic from there: a clock that is put right ends no session. */
  now(): number {
    return performance.timeOrigin + performance.now()
  }

  set(delayMs: number, waiter: Waiter): TimerHandle {
    const elapsed = performance.now() - this.#origin
    if (this.#waiting === 0) this.#tick = Math.floor(elapsed / TICK_MS)
    const dueTick = Math.max(this.#tick + 1, Math.ceil((elapsed + delayMs) / TICK_MS))
    const head = this.#slots[dueTick % SLOTS]!
    const entry: Entry = { dueTick, waiter, prev: head.prev, next: head }
    head.prev.next = entry
    head.prev = entry
    this.#waiting++
    if (this.#timeout === undefined) this.#timeout = setTimeout(() => this.#onTimeout(), TICK_MS)
    return entry
  }

  clear(handle: TimerHandle): void {
    const entry = handle as Entry | undefined
    if (entry?.waiter === undefined) return
    unlink(entry)
    this.#waiting--
  }

  setTimer(delayMs: number, run: () => void): unknown {
    return this.set(delayMs, { onTimer: run })
  }

  clearTimer(handle: unknown): void {
    this.clear(handle)
  }

  /** `look` is called each time the wheel wakes, however late: about every 10 ms while something waits. */
  onEachTick(look: () => void): void {
    this.#onEachTick = look
  }

  /** Forgets every waiter. */
  close(): void {
    for (const head of this.#slots) while (head.next !== head) unlink(head.next)
    this.#waiting = 0
    this.#sleep()
  }

  #onTimeout(): void {
    this.#onEachTick?.()
    const late = performance.now() - this.#origin - (this.#tick + 1) * TICK_MS
    if (late > STALL_MS) {
      this.#roundsLeft = ROUNDS_AFTER_STALL
      this.#immediate = setImmediate(() => this.#afterRound())
    } else {
      this.#advance()
    }
  }

  #afterRound(): void {
    this.#roundsLeft--
    if (this.#roundsLeft > 0) this.#immediate = setImmediate(() => this.#afterRound())
    else this.#advance()
  }

  #advance(): void {
    const target = Math.floor((performance.now() - this.#origin) / TICK_MS)
    while (this.#tick < target && this.#waiting > 0) {
      this.#tick++
      const head = this.#slots[this.#tick % SLOTS]!
      let entry = head.next
      while (entry !== head) {
        if (entry.dueTick <= this.#tick) {
          const waiter = entry.waiter!
          unlink(entry)
          this.#waiting--
          try {
            waiter.onTimer()
          } catch (error) {
            this.#report(error, 'timer')
          }
          // The waiter may have cleared or set neighbours; what is due is found again from the head.
          entry = head.next
        } else {
          entry = entry.next
        }
      }
    }
    if (this.#waiting > 0) {
      if (this.#timeout === undefined) this.#timeout = setTimeout(() => this.#onTimeout(), TICK_MS)
      else this.#timeout.refresh()
    } else {
      this.#sleep()
    }
  }

  #sleep(): void {
    clearTimeout(this.#timeout)
    clearImmediate(this.#immediate)
    this.#timeout = undefined
    this.#immediate = undefined
  }
}

function sentinel(): Entry {
  const entry: Partial<Entry> = { dueTick: 0, waiter: undefined }
  entry.prev = entry.next = entry as Entry
  return entry as Entry
}

function unlink(entry: Entry): void {
  entry.prev.next = entry.next
  entry.next.prev = entry.prev
  entry.waiter = undefined
}
