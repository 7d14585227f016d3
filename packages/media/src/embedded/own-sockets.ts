import { networkInterfaces } from 'node:os'

export type OwnSockets = {
  readonly host: string
  readonly publicHost: string
  readonly portMin: number
  readonly portMax: number
}

/** Addresses of the machine change rarely; asking for them costs more than reading an SDP. */
const INTERFACES_MAX_AGE_MS = 10_000

/**
 * Tells whether a packet to an address and port would reach a media socket of this engine, of whichever call: a party
 * that names one would make the relay talk to itself in a circle. A socket bound to one address is reached under it
 * and the public one; a socket bound to all, under every address of this machine.
 */
export function ownSockets(
  { host, publicHost, portMin, portMax }: OwnSockets,
  now: () => number = () => performance.now(),
): (address: string, port: number) => boolean {
  const boundToAll = host === '0.0.0.0' || host === '::'
  let known: ReadonlySet<string> = new Set()
  let knownAtMs = -Infinity
  const isLocal = (address: string): boolean => {
    if (address.startsWith('127.') || address === '::1') return true
    if (now() - knownAtMs > INTERFACES_MAX_AGE_MS) {
      known = new Set(
        Object.values(networkInterfaces()).flatMap((list) => list?.map((one) => one.address) ?? []),
      )
      knownAtMs = now()
    }
    return known.has(address)
  }
  return (address, port) => {
    if (port < portMin || port > portMax) return false
    return address === host || address === publicHost || (boundToAll && isLocal(address))
  }
}
