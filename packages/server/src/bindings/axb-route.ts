import type { App } from '../tenants/app.ts'
import { lastMinuteOf, mayCall, recordingOf } from './call-settings.ts'
import { SERVICE_TYPES } from './mode.ts'
import { refuse, subjectOf } from './refusal.ts'
import type { Arrival, RouteDecision, RouteView } from './route.ts'

/**
 * Routes a call to an X of an AXB app (spec/axb.md section 8): A reaches B, B reaches A, both see X.
 */
export function routeAxb(_arrival: Arrival, view: RouteView, app: App): RouteDecision {
  const { match } = view
  const subject = subjectOf(app, SERVICE_TYPES.AXB, match)
  if (match?.binding.mode !== 'AXB')
    return refuse(subject, 8014, 404, view.xHasBindings ? app.noBindingTone : app.noPermissionTone)

  const { binding, role } = match
  if (!mayCall(binding, role)) return refuse(subject, 8016, 403, app.noPermissionTone)
  const waitingTone = role === 'a' ? binding.preVoice?.callerHintTone : binding.preVoice?.calleeHintTone
  return {
    kind: 'connect',
    subject,
    callee: role === 'a' ? binding.b : binding.a,
    display: binding.x,
    maxDurationMin: binding.maxDurationMin,
    ...(waitingTone && { waitingTone }),
    ...lastMinuteOf(binding),
    ...recordingOf(binding, app),
  }
}
