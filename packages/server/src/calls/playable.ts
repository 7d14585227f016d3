import type { RouteDecision } from '../bindings/route.ts'
import type { Announcements } from './ports.ts'

/**
 * The decision without the tones that change the way of the call but cannot be played: no such file (any more), or a
 * caller without an offer who cannot be given early media. Others are passed over when their time comes.
 */
export function playable(
  decision: RouteDecision,
  canHear: boolean,
  announcements: Announcements,
): RouteDecision {
  const { app } = decision.subject
  switch (decision.kind) {
    case 'connect': {
      const { waitingTone, ...rest } = decision
      return waitingTone === undefined || (canHear && announcements.find(app, waitingTone)) ? decision : rest
    }
    case 'refuse': {
      const { tone, ...rest } = decision
      return tone === undefined || (canHear && announcements.find(app, tone)) ? decision : rest
    }
    case 'collect': {
      const { wrongTone, ...rest } = decision
      return wrongTone === undefined || announcements.find(app, wrongTone) ? decision : rest
    }
    case 'ask':
      return decision
    default:
      return decision satisfies never
  }
}
