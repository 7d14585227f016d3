import { randomInt } from 'node:crypto'
import type { Overload } from './overload.ts'
import { hashOf } from '../transport/source-key.ts'

export type CallGateOptions = {
  readonly overload: Pick<Overload, 'onMessage' | 'onShort' | 'isOver'> | undefined
  /** No new calls from so many dialogs on, until there are 5 % fewer. */
  readonly maxDialogs: number
  /** Dialogs now. */
  dialogs(): number
  /** Milliseconds; may go back. */
  now(): number
}

/** For so long an INVITE that was refused may come again (64·T1). */
const REPEATED_FOR_MS = 32_000
/** Refused INVITEs remembered of one such time; a number each. */
const MAX_REFUSED = 65_536
const ROOM_AGAIN = 0.95

/** Whether new calls are taken; says no again to an INVITE that it refused, so that no call begins whose caller has given up. */
export class CallGate {
  readonly #options: CallGateOptions
  readonly #seed = randomInt(0x1_0000_0000)
  #isFull = false
  #refused = new Set<number>()
  #refusedBefore = new Set<number>()
  #turnsAt = 0
  #refusals = 0

  constructor(options: CallGateOptions) {
    this.#options = options
  }

  /** INVITEs refused since the start, repetitions too. */
  get refusals(): number {
    return this.#refusals
  }

  onMessage(isAdmitted: boolean): void {
    this.#options.overload?.onMessage(isAdmitted)
  }

  onShort(datagram: Uint8Array): void {
    this.#options.overload?.onShort(datagram)
  }

  /** `key`: that of its transaction. */
  refuses(key: string): boolean {
    const wasRefused = this.#refused.size + this.#refusedBefore.size > 0 && this.#remembers(key)
    if (!wasRefused && !this.#hasNoRoom() && this.#options.overload?.isOver !== true) return false
    this.#refusals++
    if (!wasRefused) this.#remember(key)
    return true
  }

  #hasNoRoom(): boolean {
    const { maxDialogs, dialogs } = this.#options
    this.#isFull = dialogs() >= (this.#isFull ? maxDialogs * ROOM_AGAIN : maxDialogs)
    return this.#isFull
  }

  #remembers(key: string): boolean {
    this.#turn()
    const hash = hashOf(key, this.#seed)
    return this.#refused.has(hash) || this.#refusedBefore.has(hash)
  }

  #remember(key: string): void {
    this.#turn()
    if (this.#refused.size < MAX_REFUSED) this.#refused.add(hashOf(key, this.#seed))
  }

  /** Two generations: each is forgotten whole. */
  #turn(): void {
    const now = this.#options.now()
    if (now < this.#turnsAt && this.#turnsAt - now <= REPEATED_FOR_MS) return
    const isOld = now >= this.#turnsAt + REPEATED_FOR_MS
    this.#refusedBefore = isOld ? new Set() : this.#refused
    this.#refused = new Set()
    this.#turnsAt = now + REPEATED_FOR_MS
  }
}
