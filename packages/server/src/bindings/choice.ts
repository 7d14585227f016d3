import { searchScopes } from '../numbers/allocation.ts'
import type { Area } from '../numbers/area.ts'
import type { E164 } from '../shared/e164.ts'
import type { EpochMs } from '../shared/time.ts'
import type { ClaimKey } from './binding.ts'
import type { BindingStore } from './ports.ts'

/** Candidates asked for at first: the first nearly always fits, the others are for races. */
const CANDIDATES = 3
/**
 * How often candidates are asked for again when others took all of them meanwhile, each time twice as many: where an X has
 * but one place, hundreds of binds at the same moment are offered the same few.
 */
const ATTEMPTS = 9

/** What an X (or Y) must be to serve a bind by area (spec/numbers-and-rules.md section 4). */
export type Wanted = {
  readonly appKey: string
  /** None of them may stand on the number already, or be it. */
  readonly parties: readonly E164[]
  /** Claims besides those of the parties that must be free. */
  readonly free?: readonly ClaimKey[]
  readonly home: Partial<Area>
  /** areaMatchMode 1: the city, its province, anywhere. */
  readonly lenient: boolean
  readonly capacity: number
  readonly at: EpochMs
}

/**
 * Chooses a number by area: offers candidates to `take`, best first, until it takes one. `take` gives undefined for a
 * number that another bind took meanwhile. Undefined when no number serves.
 */
export function createChoice(store: Pick<BindingStore, 'candidates'>) {
  return async function choose<T>(
    { appKey, parties, free = [], home, lenient, capacity, at }: Wanted,
    take: (number: E164) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const without = [...parties.map((party): ClaimKey => ({ kind: 'party', party })), ...free]
    for (const scope of searchScopes(home, lenient)) {
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const limit = CANDIDATES * 2 ** attempt
        const query = { appKey, without, ...scope, capacity, at, limit }
        const candidates = await store.candidates(query)
        if (candidates.length === 0) break
        const from = attempt === 0 ? 0 : startOf(parties, candidates.length)
        for (const { number } of [...candidates.slice(from), ...candidates.slice(0, from)]) {
          const taken = parties.includes(number) ? undefined : await take(number)
          if (taken !== undefined) return taken
        }
      }
    }
    return undefined
  }
}

/** Where a bind that lost a race begins: each party elsewhere, so that they do not race for the same number again. */
const startOf = (parties: readonly E164[], count: number): number =>
  Number(parties[0]?.slice(-4) ?? 0) % count
