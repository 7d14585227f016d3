import type { CapturedDatagram } from '../../e2e/support/pcap.ts'
import { latencyOf, type Latency } from './invite-latency.ts'

/**
 * UDP payload of INVITEs and of final responses that are 200 or 503: 4 bytes from the 1st and from the 9th. Between the caller and
 * the server alone, so that the capture itself costs little.
 */
export const answersFilter = (caller: string): string =>
  `host ${caller} and (udp[8:4] = 0x494e5649 or (udp[8:4] = 0x5349502f and (udp[16:4] = 0x32303020 or udp[16:4] = 0x35303320)))`

export type AnswerTimes = {
  /** Time from the first INVITE of a call at the server to its 200. */
  readonly setUp: Latency | undefined
  /** The same to its first 503. */
  readonly refusal: Latency | undefined
}

/** Pairs the INVITEs that reached `server` (address:port) with its first final response of the same call. */
export function answerTimes(datagrams: readonly CapturedDatagram[], server: string): AnswerTimes {
  const invitedAtUs = new Map<string, number>()
  const setUp: number[] = []
  const refusal: number[] = []
  for (const { atUs, source, destination, payload } of datagrams) {
    const text = payload.toString('latin1')
    const callId = /^(?:Call-ID|i)[ \t]*:[ \t]*(\S+)/im.exec(text)?.[1] ?? ''
    if (destination === server && text.startsWith('INVITE ')) {
      if (!invitedAtUs.has(callId)) invitedAtUs.set(callId, atUs)
    } else if (source === server && /^CSeq[ \t]*:[ \t]*\d+[ \t]+INVITE/im.test(text)) {
      const invitedAt = invitedAtUs.get(callId)
      // What was answered stays in the table, or its INVITE that is repeated late would begin again.
      if (invitedAt === undefined || invitedAt < 0) continue
      invitedAtUs.set(callId, -1)
      if (text.startsWith('SIP/2.0 503 ')) refusal.push(atUs - invitedAt)
      else if (text.startsWith('SIP/2.0 200 ')) setUp.push(atUs - invitedAt)
    }
  }
  return { setUp: latencyOf(setUp), refusal: latencyOf(refusal) }
}
