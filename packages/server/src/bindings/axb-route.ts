import { isFixedLine } from '../shared/e164.ts'
import type { App } from '../tenants/app.ts'
import type { AxbBinding } from './binding.ts'
import { refuse, subjectOf } from './refusal.ts'
import type { Arrival, RouteDecision, RouteView } from './route.ts'

/** `serviceType` of an AXB call in the CDR (spec/notifications.md section 5.1). */
export const AXB_SERVICE_TYPE = '004'

/**
 * Routes a call to an X of an AXB app (spec/axb.md section 8): A reaches B, B reaches A, both see X. App, account
 * and X have been found in order (`routeCall`).
 */
export function routeAxb(arrival: Arrival, view: RouteView, app: App): RouteDecision {
  const { match } = view
  const subject = subjectOf(app, AXB_SERVICE_TYPE, match)
  // A carrier never lets a fixed line call X, so no binding can allow it.
  if (arrival.from !== undefined && isFixedLine(arrival.from) && !app.allowFixedLineCaller) {
    return refuse(subject, 8023, 403, app.noPermissionTone)
  }
  if (!match) return refuse(subject, 8014, 404, view.xHasBindings ? app.noBindingTone : app.noPermissionTone)

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
    ...(binding.lastMinVoice && binding.maxDurationMin > 0 && { lastMinVoice: binding.lastMinVoice }),
    ...(binding.recordFlag &&
      app.recordingEnabled && {
        recording: binding.recordHintTone ? { hintTone: binding.recordHintTone } : {},
      }),
  }
}

/** `callDirection`: 0 both ways, 1 only A calls, 2 only B calls. */
function mayCall({ callDirection }: AxbBinding, role: 'a' | 'b'): boolean {
  return callDirection === 0 || callDirection === (role === 'a' ? 1 : 2)
}
