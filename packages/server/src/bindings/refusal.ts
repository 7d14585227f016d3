import type { App } from '../tenants/app.ts'
import type { CallSubject, Match, Refuse } from './route.ts'

/** A refusal; an empty or absent tone file means that nothing is played. */
export function refuse(
  subject: CallSubject,
  releaseCode: number,
  sipStatus: number,
  tone: string | undefined,
): Refuse {
  return { kind: 'refuse', subject, releaseCode, sipStatus, ...(tone && { tone }) }
}

/**
 * What the call belongs to. `direction` is 1 when A calls, 0 when A is called, 2 without a binding
 * (spec/notifications.md section 5.1).
 */
export function subjectOf(app: App | undefined, serviceType: string, match: Match | undefined): CallSubject {
  if (!match) return { app, direction: 2, serviceType }
  const { binding, role } = match
  return {
    app,
    // A pair is part of its relation, which has the one id that customers know.
    subscriptionId: binding.mode === 'AXYB-PAIR' ? binding.relationId : binding.id,
    ...(binding.userData && { userData: binding.userData }),
    direction: role === 'a' ? 1 : 0,
    serviceType,
  }
}
