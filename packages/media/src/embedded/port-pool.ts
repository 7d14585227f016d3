import { MediaError } from '../engine.ts'

/** Pairs kept ready ahead of need, and how many are asked for at once. */
export const SPARE_PAIRS = 64
const GROWTH_PAIRS = 64

type Waiter = { readonly resolve: (port: number) => void; readonly reject: (error: MediaError) => void }

/**
 * RTP ports of bound socket pairs: ready, in use, or resting after a call. The one ready for longest is used first. How
 * long a port rests is the worker's to say, which sees the packets that still come.
 */
export class PortPool {
  /** Asks for more bound pairs; they come by `add`. */
  readonly #grow: (pairs: number) => void
  #ready = new Fifo<number>()
  #resting = 0
  #waiters = new Fifo<Waiter>()
  #growing = 0
  #exhausted: string | undefined

  constructor(grow: (pairs: number) => void) {
    this.#grow = grow
    this.#growWhenLow()
  }

  /** A port now; undefined when none is ready. */
  takeNow(): number | undefined {
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

  /** Takes back a port that was never told to anyone: it needs no rest. */
  release(port: number): void {
    this.#offer(port)
  }

  /** So many ports in use rest from now on; they come back by `rested`. */
  rest(count: number): void {
    this.#resting += count
  }

  rested(ports: readonly number[]): void {
    this.#resting -= ports.length
    for (const port of ports) this.#offer(port)
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

  #growWhenLow(): void {
    if (this.#growing > 0 || this.#exhausted !== undefined) return
    if (this.#ready.length >= SPARE_PAIRS && this.#waiters.length === 0) return
    this.#growing = GROWTH_PAIRS
    this.#grow(GROWTH_PAIRS)
  }

  #noPorts(): MediaError {
    const resting = this.#resting > 0 ? `; ${this.#resting} pairs rest after calls` : ''
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
