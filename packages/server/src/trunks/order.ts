/** How often something is chosen among its like, as in SRV (RFC 2782). Pure; chance comes in as [0, 1). */
export type Weighted = { readonly priority: number; readonly weight: number }

/** By priority, the lowest first; those of one priority stay in the order given. */
export function tiersOf<T extends Weighted>(items: readonly T[]): readonly (readonly T[])[] {
  const byPriority = Map.groupBy(items, ({ priority }) => priority)
  return [...byPriority.keys()].sort((a, b) => a - b).map((priority) => byPriority.get(priority)!)
}

/**
 * A tier in the order of one call: each place is drawn from what is left, in proportion to the weights. What weighs nothing
 * comes last, as given.
 */
export function drawn<T extends Weighted>(tier: readonly T[], chance: () => number): readonly T[] {
  if (tier.length < 2) return tier
  const left = [...tier]
  const order: T[] = []
  let sum = left.reduce((total, { weight }) => total + weight, 0)
  while (sum > 0) {
    let mark = chance() * sum
    const at = left.findIndex(({ weight }) => weight > 0 && (mark -= weight) < 0)
    const [next] = left.splice(at, 1)
    sum -= next!.weight
    order.push(next!)
  }
  return [...order, ...left]
}

/** What serves a number, by the longest prefix that fits first; `''` and `+` serve every number. */
export type PrefixTable<T> = { find(number: string): T | undefined }

/**
 * Each prefix leads to its own entries before those of shorter ones: who serves +86755 is preferred there, and who serves
 * every number stands behind.
 */
export function prefixTable<T, R>(
  entries: readonly { readonly prefix: string; readonly item: T }[],
  finish: (byPrefix: readonly (readonly T[])[]) => R,
): PrefixTable<R> {
  const prefixes = [...new Set(entries.map(({ prefix }) => prefix))].sort((a, b) => b.length - a.length)
  const table = new Map<string, R>()
  for (const prefix of prefixes) {
    const fitting = prefixes.filter((other) => prefix.startsWith(other))
    table.set(
      prefix,
      finish(
        fitting.map((other) => entries.filter((entry) => entry.prefix === other).map(({ item }) => item)),
      ),
    )
  }
  const lengths = [...new Set(prefixes.map(({ length }) => length))]
  return {
    find(number) {
      for (const length of lengths) {
        const found = table.get(number.slice(0, length))
        if (found !== undefined) return found
      }
      return undefined
    },
  }
}
