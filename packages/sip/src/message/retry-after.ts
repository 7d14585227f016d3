import { header } from './headers.ts'
import type { SipMessage } from './message.ts'

/** Milliseconds of `Retry-After: 5`, `5;duration=60` or `5 (busy)` (RFC 3261 §20.33); undefined when it says nothing. */
export function retryAfterMs(message: SipMessage): number | undefined {
  const seconds = /^\s*(\d{1,9})(?![\d.])/.exec(header(message, 'Retry-After') ?? '')?.[1]
  return seconds === undefined ? undefined : Number(seconds) * 1000
}
