/**
 * Who may speak on a leg (symmetric RTP with a lock).
 *
 * 1. A description (offer or answer) opens the latch. Until a packet comes, media goes to the described address.
 * 2. The first valid packet from the described address, or from the source that was locked before the
 *    description, locks it at once.
 * 3. A valid packet from another source (a party behind NAT) makes that source the candidate: it is heard and spoken
 *    to, and its `CANDIDATE_PACKETS`th packet locks it. Until then the described address still takes the latch over,
 *    and a third source is dropped.
 * 4. Locked, every other source is dropped until the next description. A description repeated byte for byte
 *    (the 200 after a 183) does not open the latch.
 *
 * A valid packet is RTP version 2 with a payload type of the description; anything else does not count.
 */
export type Latch = {
  epoch: number
  /** Described by the party. */
  address: string | undefined
  port: number
  /** Heard from: candidate or locked. */
  sourceAddress: string | undefined
  sourcePort: number
  /** Packets of the candidate; `CANDIDATE_PACKETS` and more: locked. */
  count: number
  /** The locked source before the last description. */
  formerAddress: string | undefined
  formerPort: number
}

export const CANDIDATE_PACKETS = 3

export const createLatch = (): Latch => ({
  epoch: -1,
  address: undefined,
  port: 0,
  sourceAddress: undefined,
  sourcePort: 0,
  count: 0,
  formerAddress: undefined,
  formerPort: 0,
})

/** Takes the described address; opens the latch when `epoch` is new. */
export function describeSource(latch: Latch, epoch: number, address: string | undefined, port: number): void {
  latch.address = address
  latch.port = port
  if (epoch === latch.epoch) return
  latch.epoch = epoch
  if (latch.count >= CANDIDATE_PACKETS) {
    latch.formerAddress = latch.sourceAddress
    latch.formerPort = latch.sourcePort
  }
  latch.sourceAddress = undefined
  latch.count = 0
}

/** Whether a valid packet from this source may pass; learns from it. */
export function admit(latch: Latch, address: string, port: number): boolean {
  if (latch.sourceAddress !== undefined && latch.sourcePort === port && latch.sourceAddress === address) {
    if (latch.count < CANDIDATE_PACKETS) latch.count++
    return true
  }
  if (latch.count >= CANDIDATE_PACKETS) return false
  const expected =
    (port === latch.port && address === latch.address) ||
    (port === latch.formerPort && address === latch.formerAddress)
  if (!expected && latch.count > 0) return false
  latch.sourceAddress = address
  latch.sourcePort = port
  latch.count = expected ? CANDIDATE_PACKETS : 1
  return true
}
