/** DNS records as RFC 3263 uses them; names without the last dot, as `node:dns` gives them. */

/** RFC 3403 §4.1. The root, which is no name, is empty. */
export type Naptr = {
  readonly order: number
  readonly preference: number
  readonly flags: string
  readonly service: string
  readonly replacement: string
}

/** RFC 2782. The root as target means that the service is not offered: empty. */
export type Srv = {
  readonly priority: number
  readonly weight: number
  readonly port: number
  readonly name: string
}

/**
 * SRV records in the order to be tried: by priority, and within one by weighted chance, drawn again for each place (RFC 2782).
 * `chance` gives numbers in [0, 1). Empty when the only record says that there is no such service.
 */
export function inTurn(records: readonly Srv[], chance: () => number): Srv[] {
  // Weight 0 goes first in its priority, so that it has a small chance beside the others.
  const left = records
    .filter(({ name }) => name !== '' && name !== '.')
    .sort((a, b) => a.priority - b.priority || a.weight - b.weight)
  const turn: Srv[] = []
  while (left.length > 0) {
    const { priority } = left[0]!
    const end = left.findIndex((one) => one.priority !== priority)
    const equals = end < 0 ? left : left.slice(0, end)
    const sum = equals.reduce((total, { weight }) => total + weight, 0)
    const drawn = Math.floor(chance() * (sum + 1))
    let running = 0
    const at = equals.findIndex(({ weight }) => (running += weight) >= drawn)
    turn.push(...left.splice(at, 1))
  }
  return turn
}
