/** What a look-up gave, and for how long that holds; 0: not beyond those who wait for it. */
export type Answer<T> = {
  readonly records: readonly T[]
  readonly ttlMs: number
  /** Nobody could say: what was known before goes on to hold. */
  readonly isFailure?: boolean
}

type Entry<T> = { records: Promise<readonly T[]>; freshUntil: number; learntAt: number }

/** A record is asked for again after that, whatever its TTL says: a domain that moves is found within the hour. */
const LONGEST_MS = 3_600_000
/** How old an answer may be that stands in for a name server that fails (RFC 8767 §4 has one to three days). */
const STALE_MS = 86_400_000

const NOTHING: Promise<readonly never[]> = Promise.resolve([])

/**
 * Remembers what look-ups gave, "nothing" too, for their time to live. A name is asked for once however many want it at a time.
 * Of more than `maxNames` the ones that were learnt first are forgotten, so that callers who choose names fill no memory.
 */
export class Answers<T> {
  readonly #ask: (name: string) => Promise<Answer<T>>
  readonly #now: () => number
  readonly #maxNames: number
  readonly #entries = new Map<string, Entry<T>>()

  constructor(ask: (name: string) => Promise<Answer<T>>, now: () => number, maxNames: number) {
    this.#ask = ask
    this.#now = now
    this.#maxNames = maxNames
  }

  get size(): number {
    return this.#entries.size
  }

  /** Rejects when `ask` did, for all who waited; that is not remembered. Names are the same in either case (RFC 4343). */
  of(name: string): Promise<readonly T[]> {
    const key = name.toLowerCase()
    const known = this.#entries.get(key)
    if (known !== undefined && this.#now() < known.freshUntil) return known.records
    // Until the answer is there it stays: whoever comes meanwhile waits for the same.
    const entry: Entry<T> = { records: NOTHING, freshUntil: Infinity, learntAt: this.#now() }
    entry.records = this.#learn(key, entry, known)
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    if (this.#entries.size > this.#maxNames) this.#entries.delete(this.#entries.keys().next().value!)
    return entry.records
  }

  async #learn(key: string, entry: Entry<T>, before: Entry<T> | undefined): Promise<readonly T[]> {
    let ttlMs = 0
    try {
      const answer = await this.#ask(key)
      ttlMs = answer.ttlMs
      if (answer.isFailure !== true || before === undefined) return answer.records
      if (this.#now() - before.learntAt >= STALE_MS) return answer.records
      entry.learntAt = before.learntAt
      return await before.records
    } finally {
      entry.freshUntil = this.#now() + Math.min(ttlMs, LONGEST_MS)
      // Under its name there may be a younger question by now, which is not over.
      if (ttlMs <= 0 && this.#entries.get(key) === entry) this.#entries.delete(key)
    }
  }
}
