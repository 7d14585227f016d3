import type { SipClock } from '../shared/timers.ts'

type Timer = { readonly dueAt: number; readonly order: number; readonly run: () => void; isLive: boolean }

/** A clock whose hands the test turns. Timers run in the order they are due, ties in the order they were set. */
export class ManualClock implements SipClock {
  #now: number
  #order = 0
  /** A binary heap by due time. */
  readonly #heap: Timer[] = []
  #live = 0

  constructor(startAt = 1_700_000_000_000) {
    this.#now = startAt
  }

  /** Timers that wait; 0 when everything has ended. */
  get pending(): number {
    return this.#live
  }

  now(): number {
    return this.#now
  }

  setTimer(delayMs: number, run: () => void): unknown {
    const timer = { dueAt: this.#now + Math.max(0, delayMs), order: this.#order++, run, isLive: true }
    this.#live++
    push(this.#heap, timer)
    return timer
  }

  clearTimer(handle: unknown): void {
    const timer = handle as Timer | undefined
    if (timer?.isLive !== true) return
    timer.isLive = false
    this.#live--
  }

  /** Lets time pass; timers set meanwhile run too when they become due. */
  advance(ms: number): void {
    const end = this.#now + ms
    for (let next = this.#heap[0]; next !== undefined && next.dueAt <= end; next = this.#heap[0]) {
      pop(this.#heap)
      if (!next.isLive) continue
      next.isLive = false
      this.#live--
      this.#now = next.dueAt
      next.run()
    }
    this.#now = end
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.order < b.order)
}

function push(heap: Timer[], timer: Timer): void {
  let i = heap.length
  heap.push(timer)
  while (i > 0) {
    const parent = (i - 1) >> 1
    if (isBefore(heap[parent]!, timer)) break
    heap[i] = heap[parent]!
    i = parent
  }
  heap[i] = timer
}

function pop(heap: Timer[]): void {
  const last = heap.pop()!
  const size = heap.length
  if (size === 0) return
  let i = 0
  for (;;) {
    let child = 2 * i + 1
    if (child >= size) break
    if (child + 1 < size && isBefore(heap[child + 1]!, heap[child]!)) child++
    if (isBefore(last, heap[child]!)) break
    heap[i] = heap[child]!
    i = child
  }
  heap[i] = last
}
