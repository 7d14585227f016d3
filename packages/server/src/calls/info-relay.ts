import type { DialogCall, IncomingRequest } from '@maskline/sip'
import { infoOf } from './dtmf-info.ts'

/** Keys under way at a time; whoever sends more has not waited for an answer (RFC 6086 §4.2.3). */
const MAX_OPEN = 8

/**
 * Keys in INFO during a talk (legacy use, RFC 6086 §2): each goes to the other side in an INFO built from nothing, and its
 * answer is the other's.
 */
export class InfoRelay {
  readonly #open = new Set<IncomingRequest>()

  relay(
    request: IncomingRequest,
    key: { readonly digit: string; readonly durationMs: number },
    to: DialogCall,
  ): void {
    if (this.#open.size === MAX_OPEN) return request.respond(500, { headers: ['Retry-After', '1'] })
    this.#open.add(request)
    to.sendRequest('INFO', infoOf(key.digit, key.durationMs), ({ status }) => {
      if (this.#open.delete(request)) request.respond(outcomeOf(status))
    })
  }

  /** The talk is over: what waits is answered as what a BYE overtakes (RFC 3261 §15.1.2). */
  close(): void {
    for (const request of this.#open) request.respond(487)
    this.#open.clear()
  }
}

/** Refusals that mean the same to the side that asked. */
const PASSED: ReadonlySet<number> = new Set([403, 405, 415, 480, 488, 603, 606])

/** Who does not know INFO (501) does not allow it; a dialog that is gone (408, 481) ends the talk besides. */
function outcomeOf(status: number): number {
  if (status < 300) return 200
  if (status === 501) return 405
  return PASSED.has(status) ? status : 500
}
