import type { SipResponse } from '@maskline/sip'
import type { Outbound } from './ports.ts'

/**
 * The ways to the callee that one call tries, one after another: the next one when a leg fails before its far end has said
 * anything but 100. The call holds a channel of the way it is on, and gives it back once.
 */
export class CalleeWays {
  readonly #left: Outbound[]
  /** There was a way, though perhaps none with a channel left. */
  readonly any: boolean
  /** The way being tried. */
  #current: Outbound | undefined
  /** Some response came to the INVITE; one other than 100 came on this way. */
  #answered = false
  #progressed = false
  /** The way knows how it fared with the INVITE: once, and 100 tells nothing yet, as a 503 may follow. */
  #told = false

  constructor(ways: readonly Outbound[]) {
    this.#left = ways.toReversed()
    this.any = ways.length > 0
  }

  get current(): Outbound | undefined {
    return this.#current
  }

  /** Whether another way is left, though perhaps without a channel. */
  get hasMore(): boolean {
    return this.#left.length > 0
  }

  /** Goes over to the next way that has a channel; undefined when there is none. */
  next(): Outbound | undefined {
    this.giveBack()
    this.#answered = this.#told = this.#progressed = false
    for (let way = this.#left.pop(); way !== undefined; way = this.#left.pop())
      if (way.begun()) return (this.#current = way)
    return undefined
  }

  /** The peer gets another INVITE on the way being tried: it is heard of anew. */
  again(): void {
    this.#answered = this.#told = false
  }

  /** A response came, 100 among them. */
  answered(response: SipResponse): void {
    this.#answered = true
    if (response.status === 100) return
    this.#progressed = true
    this.#tell(response)
  }

  /**
   * The leg failed, with a response or without one. Whether the next way is to be tried: never once the callee's side has
   * been heard, for then it may have rung.
   */
  failed(status: number, response: SipResponse | undefined): boolean {
    const way = this.#current
    if (way === undefined || this.#progressed) return false
    if (response === undefined) {
      if (!this.#answered) this.#tell('silent')
      return status === 408 || status === 503
    }
    this.#tell(response)
    return way.retryOn.has(status)
  }

  #tell(heard: SipResponse | 'silent'): void {
    if (!this.#told) this.#current?.fared(heard)
    this.#told = true
  }

  /** Leaves the way: its channel is free. */
  giveBack(): void {
    this.#current?.ended()
    this.#current = undefined
  }
}
