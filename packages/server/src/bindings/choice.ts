import { searchScopes } from '../numbers/allocation.ts'
import type { Area } from '../numbers/area.ts'
import type { E164 } from '../shared/e164.ts'
import type { EpochMs } from '../shared/time.ts'
import type { ClaimKey } from './binding.ts'
import type { BindingStore } from './ports.ts'

/**
 * How many candidates are asked for, attempt by attempt. The first nearly always fits; when simultaneous binds took all of
 * them, the next list is longer and each bind begins at another place of it, so that no crowd fights for one number.
 */
const CANDIDATES = [3, 30, 300, 3000] as const

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
  /** In each area numbers that can carry SMS come first. */
  readonly preferSms?: boolean
  readonly capacity: number
  readonly at: EpochMs
}

/**
 * Chooses a number by area: offers candidates to `take`, best first, until it takes one. `take` gives undefined for a
 * number that another bind took meanwhile. Undefined when no number serves.
 */
export function createChoice(store: Pick<BindingStore, 'candidates'>) {
  return async function choose<T>(
    { appKey, parties, free = [], home, lenient, preferSms = false, capacity, at }: Wanted,
    take: (number: E164) => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const without = [...parties.map((party): ClaimKey => ({ kind: 'party', party })), ...free]
    const scopes = searchScopes(home, lenient)
    const searched = preferSms ? scopes.flatMap((scope) => [{ ...scope, withSms: true }, scope]) : scopes
    for (const scope of searched) {
      for (const limit of CANDIDATES) {
        const query = { appKey, without, ...scope, capacity, at, limit }
        const candidates = await store.candidates(query)
        if (candidates.length === 0) break
        const from = limit === CANDIDATES[0] ? 0 : placeOf(parties) % candidates.length
        for (const { number } of [...candidates.slice(from), ...candidates.slice(0, from)]) {
          const taken = parties.includes(number) ? undefined : await take(number)
          if (taken !== undefined) return taken
        }
      }
    }
    return undefined
  }
}

/** A place in a list, another for nearly every bind. */
const placeOf = ([party = '']: readonly string[]): number => Number(party.slice(-6)) || 0
