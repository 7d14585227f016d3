import { MediaError } from '../engine.ts'

export type PortPoolOptions = {
  readonly now: () => number
  readonly restMs: number
  /** Asks for more bound pairs; they come by `add`. */
  readonly grow: (pairs: number) => void
}

/** Pairs kept ready ahead of need, and how many are asked for at once. */
export const SPARE_PAIRS = 64
const GROWTH_PAIRS = 64

type Waiter = { readonly resolve: (port: number) => void; readonly reject: (error: MediaError) => void }

/**
 * RTP ports of bound socket pairs: ready, in use, or resting after a call. The oldest rested port is used first.
 * No timers: whether a port has rested enough is looked at when one is wanted.
 */
export class PortPool {
  readonly #options: PortPoolOptions
  #ready = new Fifo<number>()
  #resting = new Fifo<{ readonly port: number; readonly untilMs: number }>()
  #waiters = new Fifo<Waiter>()
  #growing = 0
  #exhausted: string | undefined

  constructor(options: PortPoolOptions) {
    this.#options = options
    this.#growWhenLow()
  }

  /** A port now; undefined when none is ready. */
  takeNow(): number | undefined {
    this.#wakeRested()
    const port = this.#ready.shift()
    this.#growWhenLow()
    return port
  }

  /** A port now or when the growth under way brings one. Rejects with NO_PORTS when the range is used up. */
  take(): Promise<number> {
    const port = this.takeNow()
    if (port !== undefined) return Promise.resolve(port)
    if (this.#growing === 0) return Promise.reject(this.#noPorts())
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }))
  }

  /** Puts a port to rest; one that was never told to anyone needs none. */
  release(port: number, exposed: boolean): void {
    if (exposed) this.#resting.push({ port, untilMs: this.#options.now() + this.#options.restMs })
    else this.#offer(port)
  }

  /** Newly bound pairs; `exhausted` says why there will be no more. */
  add(ports: readonly number[], exhausted: string | undefined): void {
    this.#growing = 0
    this.#exhausted = exhausted
    for (const port of ports) this.#offer(port)
    this.#growWhenLow()
    if (this.#growing > 0) return
    for (let waiter = this.#waiters.shift(); waiter; waiter = this.#waiters.shift())
      waiter.reject(this.#noPorts())
  }

  close(error: MediaError): void {
    this.#exhausted = error.message
    for (let waiter = this.#waiters.shift(); waiter; waiter = this.#waiters.shift()) waiter.reject(error)
  }

  #offer(port: number): void {
    const waiter = this.#waiters.shift()
    if (waiter === undefined) this.#ready.push(port)
    else waiter.resolve(port)
  }

  #wakeRested(): void {
    const now = this.#options.now()
    for (let first = this.#resting.peek(); first && first.untilMs <= now; first = this.#resting.peek()) {
      this.#ready.push(first.port)
      this.#resting.shift()
    }
  }

  #growWhenLow(): void {
    if (this.#growing > 0 || this.#exhausted !== undefined) return
    if (this.#ready.length >= SPARE_PAIRS && this.#waiters.length === 0) return
    this.#growing = GROWTH_PAIRS
    this.#options.grow(GROWTH_PAIRS)
  }

  #noPorts(): MediaError {
    const resting = this.#resting.length > 0 ? `; ${this.#resting.length} pairs rest after calls` : ''
    return new MediaError(
      'NO_PORTS',
      `no media port is free: ${this.#exhausted ?? 'none is bound'}${resting}`,
    )
  }
}

/** A queue whose shift does not move the rest. */
class Fifo<T> {
  #items: (T | undefined)[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }
  peek(): T | undefined {
    return this.#items[this.#head]
  }
  push(item: T): void {
    this.#items.push(item)
  }
  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head++] = undefined
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }
}
