import { isIP } from 'node:net'
import type { SipResponse } from '../message/message.ts'
import { retryAfterMs } from '../message/retry-after.ts'
import { parseUri } from '../message/uri.ts'
import type { FaultReport } from '../shared/fault-report.ts'
import type { TimerHandle, Timers, Waiter } from '../shared/timers.ts'
import type { Hop, TransportName } from '../transport/address.ts'
import { DeadHops } from './dead-hops.ts'
import { hopsOf } from './hops.ts'
import type { Records } from './hops.ts'
import { planOf, planOfHop } from './plan.ts'
import type { Plan } from './plan.ts'

/** Told where a request goes: the first hop, undefined when there is none, and those to try after it. */
export type OnLocated = (first: Hop | undefined, others: readonly Hop[]) => void

export type LocatorOptions = {
  /** Transports by which requests of ours can reach a peer that has not connected to us. */
  readonly spoken: ReadonlySet<TransportName>
  readonly records: Records & { close(): void }
  readonly timers: Timers
  /** Numbers in [0, 1) for the weights of SRV. */
  readonly chance: () => number
  /** Whether there is a socket to send to a hop from. */
  canReach(hop: Hop): boolean
  readonly report: FaultReport
}

/** A look-up of several steps that takes longer has failed. */
const LOOK_UP_MS = 8_000

const NONE: readonly Hop[] = []

/** Finds where requests go (RFC 3263 §4), and remembers which hops failed. */
export class Locator {
  readonly #options: LocatorOptions
  readonly #dead: DeadHops

  constructor(options: LocatorOptions) {
    this.#options = options
    this.#dead = new DeadHops(() => options.timers.now())
  }

  /** Where a URI leads before DNS is asked; undefined when it is no SIP URI or leads over no transport that we have. */
  planOf(uriText: string): Plan | undefined {
    const uri = parseUri(uriText)
    return uri === undefined ? undefined : planOf(uri, this.#options.spoken)
  }

  /** Where a new request goes: the given hop, or what the URI leads to. Calls `done` at once when no name is to be looked up. */
  locate(uri: string, given: Hop | undefined, done: OnLocated): void {
    if (given !== undefined && isIP(given.address) !== 0) {
      done(given, NONE)
      return
    }
    const plan = given === undefined ? this.planOf(uri) : planOfHop(given)
    if (plan === undefined) done(undefined, NONE)
    else if (plan.kind === 'hop') done(plan.hop, NONE)
    else this.lookUp(plan, done)
  }

  /** Asks DNS. What `done` throws is reported. */
  lookUp(plan: Plan, done: OnLocated): void {
    const { spoken, records, chance, timers, report, canReach } = this.#options
    const lookUp = new LookUp(timers, (hops) => {
      const [first, ...others] = this.#dead.inTurn(hops.filter((hop) => canReach(hop)))
      try {
        done(first, others)
      } catch (error) {
        report(error, 'look-up')
      }
    })
    hopsOf(plan, spoken, records, chance).then(
      (hops) => lookUp.end(hops),
      (error: unknown) => {
        report(error, 'look-up')
        lookUp.end(NONE)
      },
    )
  }

  /**
   * A request to a hop had no answer, could not be sent, or was refused with a 503 that says for how long: new requests
   * try others before it for a while (RFC 3263 §4.3).
   */
  failed(hop: Hop, response?: SipResponse): void {
    if (response === undefined) {
      this.#dead.mark(hop)
      return
    }
    const restMs = retryAfterMs(response)
    if (restMs !== undefined && restMs > 0) this.#dead.mark(hop, restMs)
  }

  /** Gives up what is being asked: it ends without a hop. */
  close(): void {
    this.#options.records.close()
  }
}

/** One look-up, which ends once: with hops, or without any when its time is over. */
class LookUp implements Waiter {
  readonly #timers: Timers
  readonly #timer: TimerHandle
  #done: ((hops: readonly Hop[]) => void) | undefined

  constructor(timers: Timers, done: (hops: readonly Hop[]) => void) {
    this.#timers = timers
    this.#done = done
    this.#timer = timers.set(LOOK_UP_MS, this)
  }

  onTimer(): void {
    this.end(NONE)
  }

  end(hops: readonly Hop[]): void {
    const done = this.#done
    this.#done = undefined
    this.#timers.clear(this.#timer)
    done?.(hops)
  }
}
