import type { LegStats } from '../engine.ts'

/** Reception statistics of one party (RFC 3550 appendix A.3), summed over its SSRCs. */
export type Incoming = {
  ssrc: number
  packets: number
  octets: number
  /** Of the current SSRC. */
  received: number
  firstSequence: number
  highestSequence: number
  cycles: number
  lostBefore: number
}

export const createIncoming = (): Incoming => ({
  ssrc: -1,
  packets: 0,
  octets: 0,
  received: 0,
  firstSequence: 0,
  highestSequence: 0,
  cycles: 0,
  lostBefore: 0,
})

export function received(incoming: Incoming, ssrc: number, sequence: number, octets: number): void {
  incoming.packets++
  incoming.octets += octets
  const step = (sequence - incoming.highestSequence) & 0xffff
  // A jump of more than a minute of audio is a new stream, not loss (RFC 3550 MAX_DROPOUT).
  if (ssrc !== incoming.ssrc || (step >= 3000 && step <= 0xffff - 100)) {
    incoming.lostBefore += lostNow(incoming)
    incoming.ssrc = ssrc
    incoming.firstSequence = sequence
    incoming.highestSequence = sequence
    incoming.cycles = 0
    incoming.received = 1
    return
  }
  incoming.received++
  if (step < 0x8000) {
    if (sequence < incoming.highestSequence) incoming.cycles++
    incoming.highestSequence = sequence
  }
}

function lostNow(incoming: Incoming): number {
  if (incoming.received === 0) return 0
  const expected = incoming.cycles * 0x10000 + incoming.highestSequence - incoming.firstSequence + 1
  return Math.max(0, expected - incoming.received)
}

export const statsOf = (incoming: Incoming): LegStats => ({
  packets: incoming.packets,
  octets: incoming.octets,
  lost: incoming.lostBefore + lostNow(incoming),
})
