import type { OutOfDialogOptions, SipResponse, SipStack } from '@maskline/sip'
import type { Clock, Timer } from '../shared/time.ts'
import type { Line } from './line.ts'

/** Sends OPTIONS to each line that is to be probed (RFC 3261 §11) until it is closed. */
export function watchLines(
  lines: readonly Line[],
  options: {
    readonly stack: Pick<SipStack, 'request'>
    readonly sipHost: string
    readonly clock: Clock
    /** [0, 1): peers are not probed all at once. */
    readonly chance: () => number
  },
): { close(): void } {
  const { stack, sipHost, clock, chance } = options
  const timers = new Map<Line, Timer>()
  let closed = false

  const after = (line: Line, delayMs: number, run: () => void): void => {
    if (!closed) timers.set(line, clock.setTimer(delayMs, run))
  }
  const probe = (line: Line): void => {
    let over = false
    /** The first of answer and time-out counts; the next probe waits for it. */
    const done = (ok: boolean): void => {
      if (over || closed) return
      over = true
      timers.get(line)?.cancel()
      line.probed(ok)
      after(line, line.policy.optionsMs * (0.9 + 0.2 * chance()), () => probe(line))
    }
    after(line, line.policy.timeoutMs, () => done(false))
    stack.request(optionsTo(line, sipHost), (response) =>
      done(isHeard(response) && line.policy.alive(response.status)),
    )
  }

  for (const line of lines)
    if (line.policy.optionsMs > 0) after(line, line.policy.optionsMs * chance(), () => probe(line))
  return {
    close() {
      closed = true
      for (const timer of timers.values()) timer.cancel()
      timers.clear()
    },
  }
}

/** An OPTIONS that asks the peer itself, about nobody (RFC 3261 §11.1). */
export function optionsTo({ uri, hop, policy }: Line, sipHost: string): OutOfDialogOptions {
  return {
    method: 'OPTIONS',
    uri,
    from: `<sip:${sipHost}>`,
    to: `<${uri}>`,
    headers: ['Accept', 'application/sdp'],
    // Where the peer is several servers, the second one has time to answer for it.
    silence: { limitMs: Math.ceil(policy.timeoutMs / 2) },
    ...(hop && { hop }),
  }
}

/** What the stack makes of a time-out or a dead transport has no headers: no peer said it. */
export const isHeard = (response: SipResponse): boolean => response.headers.length > 0
