import type { CapturedDatagram } from '../../e2e/support/pcap.ts'
import { quantile } from './statistics.ts'

export type Latency = {
  /** INVITEs paired. */
  readonly samples: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/**
 * Time from an INVITE reaching the server to the INVITE it sends on: the incoming Request-URI's user is the number
 * dialled (X), and the masked outgoing From shows the same X. Calls to one X pair in order; a retransmission does not
 * count. Undefined without a pair.
 */
export function inviteLatency(datagrams: readonly CapturedDatagram[], server: string): Latency | undefined {
  const waiting = new Map<string, { callId: string; atUs: number }[]>()
  const lastCallId = new Map<string, string>()
  const delays: number[] = []
  for (const { atUs, source, destination, payload } of datagrams) {
    const text = payload.toString('latin1')
    if (!text.startsWith('INVITE ')) continue
    const callId = /^(?:Call-ID|i)[ \t]*:[ \t]*(\S+)/im.exec(text)?.[1] ?? ''
    if (destination === server) {
      const x = numberKey(/^INVITE sips?:([^@;\s]+)/.exec(text)?.[1])
      if (lastCallId.get(x) === callId) continue
      lastCallId.set(x, callId)
      waiting.set(x, [...(waiting.get(x) ?? []), { callId, atUs }])
    } else if (source === server) {
      const x = numberKey(/^(?:From|f)[ \t]*:[^\n]*?sips?:([^@;>\s]+)/im.exec(text)?.[1])
      const arrival = waiting.get(x)?.shift()
      if (arrival !== undefined) delays.push(atUs - arrival.atUs)
    }
  }
  return latencyOf(delays)
}

/** Undefined without delays, which are in microseconds. */
export function latencyOf(delaysUs: readonly number[]): Latency | undefined {
  if (delaysUs.length === 0) return undefined
  const at = (share: number): number => quantile(delaysUs, share)! / 1_000
  return { samples: delaysUs.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) }
}

/** National and international spellings of one number compare equal. */
function numberKey(user: string | undefined): string {
  return (user ?? '').replace(/\D/g, '').slice(-10)
}
