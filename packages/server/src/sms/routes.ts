import type { SmsCarrier, SmsRoutes } from './carrier.ts'

/** A carrier and what it may be used for. */
export type SmsWay = {
  readonly carrier: SmsCarrier
  /** Beginnings of the X that it sends from, global form; default: every X. */
  readonly serves?: readonly string[]
  /** The lowest is tried first; default 0. */
  readonly priority?: number
}

/**
 * Carriers in the order in which they are tried for an X: those that name it most exactly, then by priority, then as they are listed. The next
 * one is tried when one cannot send or refuses for now.
 */
export function createSmsRoutes(ways: readonly SmsWay[]): SmsRoutes {
  const made = new Map<string, readonly SmsCarrier[]>()
  const find = (x: string): readonly SmsCarrier[] =>
    ways
      .map((way) => ({ ...way, fit: fitOf(way, x) }))
      .filter(({ fit }) => fit >= 0)
      .sort((a, b) => b.fit - a.fit || (a.priority ?? 0) - (b.priority ?? 0))
      .map(({ carrier }) => carrier)
  return {
    waysFrom(x) {
      let found = made.get(x)
      if (!found) {
        if (made.size >= MOST_REMEMBERED) made.clear()
        made.set(x, (found = find(x)))
      }
      return found
    },
  }
}

const MOST_REMEMBERED = 10_000

/** Length of the longest beginning that fits; -1: none does. */
const fitOf = ({ serves = [''] }: SmsWay, x: string): number =>
  Math.max(-1, ...serves.filter((beginning) => x.startsWith(beginning)).map(({ length }) => length))
