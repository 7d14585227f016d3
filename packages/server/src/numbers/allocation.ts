import type { Area } from './area.ts'

/** Part of the inventory that is searched for an X; neither member: all of the app's numbers. */
export type SearchScope = { readonly area?: string; readonly province?: string }

const ANYWHERE: SearchScope = {}

/**
 * Where to look for an X, one scope after the other (spec/numbers-and-rules.md section 4). Strict: the city only.
 * Lenient: the city, its province, anywhere. Without a known city strict finds nothing and lenient looks anywhere.
 * Inside a scope storage gives the X with the fewest live bindings first, ties by the one released longest ago.
 */
export function searchScopes(home: Partial<Area>, lenient: boolean): readonly SearchScope[] {
  const { areaCode: area, province } = home
  if (area === undefined) return lenient ? [ANYWHERE] : []
  if (!lenient) return [{ area }]
  return province ? [{ area }, { province }, ANYWHERE] : [{ area }, ANYWHERE]
}
