import { isSameHost } from './address.ts'

/**
 * Who may speak on a leg (symmetric RTP with a lock).
 *
 * 1. A description (offer or answer) opens the latch and says which hosts the party may send from: the described
 *    address and the one its SIP came from. Packets of any other host are dropped, always. Until a packet comes, media
 *    goes to the described address.
 * 2. A valid packet from the very address and port described takes the latch and locks it, whoever held it.
 * 3. The source that was locked before the description locks it at once.
 * 4. A valid packet from another port or host of the party (it is behind NAT) makes that source the candidate: it is
 *    heard and spoken to, and its `CANDIDATE_PACKETS`th packet locks it. A third source is dropped.
 * 5. Locked, every source but the described one is dropped until the next description. A description repeated byte
 *    for byte (the 200 after a 183) does not open the latch.
 * 6. Other forks of the call are shut out where they described themselves; when one of them takes the party's place, whoever
 *    was heard before is, too. Only rule 2 lifts that.
 *
 * A valid packet is RTP version 2 with a payload type of the description, or RTCP, which has a latch of its own;
 * anything else does not count.
 */
export type Latch = {
  epoch: number
  /** Described by the party. */
  address: string | undefined
  port: number
  /** Hosts of the party; undefined: any. */
  sources: readonly string[] | undefined
  /** Heard from: candidate or locked. */
  sourceAddress: string | undefined
  sourcePort: number
  /** Packets of the candidate; `CANDIDATE_PACKETS` and more: locked. */
  count: number
  /** The locked source before the last description. */
  formerAddress: string | undefined
  formerPort: number
  /** Shut out: other forks, and the one that was heard before. */
  others: readonly Source[]
  before: Source | undefined
  /** How often another fork has taken the party's place. */
  replaced: number
}

/** Address undefined: a host name, which no packet can be told from. */
export type Source = { readonly address: string | undefined; readonly port: number }

export const CANDIDATE_PACKETS = 3

export const createLatch = (): Latch => ({
  epoch: -1,
  address: undefined,
  port: 0,
  sources: [],
  sourceAddress: undefined,
  sourcePort: 0,
  count: 0,
  formerAddress: undefined,
  formerPort: 0,
  others: [],
  before: undefined,
  replaced: 0,
})

/** Takes the described address and the hosts of the party; opens the latch when `epoch` is new. */
export function describeSource(
  latch: Latch,
  epoch: number,
  address: string | undefined,
  port: number,
  sources: readonly string[] | undefined,
): void {
  latch.address = address
  latch.port = port
  latch.sources = sources
  if (epoch === latch.epoch) return
  latch.epoch = epoch
  if (latch.count >= CANDIDATE_PACKETS) {
    latch.formerAddress = latch.sourceAddress
    latch.formerPort = latch.sourcePort
  }
  open(latch)
}

/** Shuts the other forks out; to be said before the party is described. */
export function shutOut(latch: Latch, replaced: number, others: readonly Source[]): void {
  latch.others = others
  if (replaced === latch.replaced) {
    const { sourceAddress, sourcePort } = latch
    if (sourceAddress === undefined || isDescribed(latch, sourceAddress, sourcePort)) return
    if (isShutOut(latch, sourceAddress, sourcePort)) open(latch)
    return
  }
  latch.replaced = replaced
  const isHeard = latch.sourceAddress !== undefined
  latch.before = {
    address: latch.sourceAddress ?? latch.formerAddress,
    port: isHeard ? latch.sourcePort : latch.formerPort,
  }
  latch.formerAddress = undefined
  open(latch)
}

function open(latch: Latch): void {
  latch.sourceAddress = undefined
  latch.count = 0
}

const isDescribed = (latch: Latch, address: string, port: number): boolean =>
  port === latch.port && latch.address !== undefined && isSameHost(address, latch.address)

/** Whether a valid packet from this source may pass; learns from it. */
export function admit(latch: Latch, address: string, port: number): boolean {
  if (latch.sourceAddress !== undefined && latch.sourcePort === port && latch.sourceAddress === address) {
    if (latch.count < CANDIDATE_PACKETS) latch.count++
    return true
  }
  const described = isDescribed(latch, address, port)
  if (latch.count >= CANDIDATE_PACKETS && !described) return false
  if (!described && isShutOut(latch, address, port)) return false
  const expected = described || (port === latch.formerPort && address === latch.formerAddress)
  if (!expected && (latch.count > 0 || !isOfParty(latch, address))) return false
  latch.sourceAddress = address
  latch.sourcePort = port
  latch.count = expected ? CANDIDATE_PACKETS : 1
  return true
}

function isShutOut({ before, others }: Latch, address: string, port: number): boolean {
  if (before !== undefined && isSource(before, address, port)) return true
  for (const other of others) if (isSource(other, address, port)) return true
  return false
}

const isSource = (source: Source, address: string, port: number): boolean =>
  source.port === port && source.address !== undefined && isSameHost(address, source.address)

function isOfParty({ sources }: Latch, address: string): boolean {
  if (sources === undefined) return true
  for (const source of sources) if (isSameHost(address, source)) return true
  return false
}
