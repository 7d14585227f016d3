import type { SmppClock } from '../shared/clock.ts'

/** Whether the peer has surely read an answer: `lost` means only that nothing shows it. */
export type AnswerFate = 'read' | 'lost'

/** An answer that has lain so long is asked after. Whoever dies within moments of an answer may have read and forgotten it. */
const ASK_AFTER_MS = 1000

/**
 * Finds out whether answers were read. Nothing in SMPP acknowledges a response; but a peer that answers a request has read all that was
 * written before it. So a second after an answer the peer is asked something, once for all answers of that second.
 */
export class AnswerWatch {
  readonly #clock: SmppClock
  readonly #ask: () => Promise<boolean>
  #unread: ((fate: AnswerFate) => void)[] = []
  #timer: unknown

  /** `ask` writes a request, and resolves with whether it was answered. */
  constructor(clock: SmppClock, ask: () => Promise<boolean>) {
    this.#clock = clock
    this.#ask = ask
  }

  /** An answer was written; `tell` is called once. */
  add(tell: (fate: AnswerFate) => void): void {
    this.#unread.push(tell)
    this.#timer ??= this.#clock.setTimer(ASK_AFTER_MS, () => void this.#askAfter())
  }

  /** The peer has answered something that was written after every answer so far, or never will. */
  end(fate: AnswerFate): void {
    this.#clock.clearTimer(this.#timer)
    this.#timer = undefined
    for (const tell of this.#take()) tell(fate)
  }

  #take(): readonly ((fate: AnswerFate) => void)[] {
    const unread = this.#unread
    this.#unread = []
    return unread
  }

  /** Never rejects. */
  async #askAfter(): Promise<void> {
    this.#timer = undefined
    const asked = this.#take()
    const fate = (await this.#ask()) ? 'read' : 'lost'
    for (const tell of asked) tell(fate)
  }
}
