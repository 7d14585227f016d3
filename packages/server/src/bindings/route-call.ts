import type { Mode } from '../tenants/app.ts'
import { AXB_SERVICE_TYPE, routeAxb } from './axb-route.ts'
import { refuse, subjectOf } from './refusal.ts'
import type { Arrival, RouteDecision, RouteView } from './route.ts'

/** `serviceType` of the CDR by mode (spec/notifications.md section 5.1). */
const SERVICE_TYPES: Record<Mode, string> = {
  AX: '003',
  AXB: AXB_SERVICE_TYPE,
  AXE: '005',
  AXYB: '006',
  X: '002',
}

/**
 * Decides what happens to a call that arrived at an X of the platform: first whether app, account and X may take
 * calls at all (spec/announcements.md section 2 for the tones, spec/codes.md 2.5 and 2.6), then by the app's mode.
 */
export function routeCall(arrival: Arrival, view: RouteView): RouteDecision {
  const { app, xNumber, match } = view
  if (!app || !xNumber) return refuse(subjectOf(undefined, AXB_SERVICE_TYPE, undefined), 7100, 403, undefined)
  const subject = subjectOf(app, SERVICE_TYPES[app.mode], match)
  if (app.accountStatus === 'frozen') return refuse(subject, 7108, 403, app.exceptionTone)
  if (app.status === 'suspended') return refuse(subject, 8018, 403, app.exceptionTone)
  // `binding-frozen` only stops new bindings; calls go on.
  if (xNumber.status === 'suspended' || xNumber.status === 'unusable') {
    return refuse(subject, 8055, 403, app.noPermissionTone)
  }
  if (app.mode === 'AXB') return routeAxb(arrival, view, app)
  return refuse(subject, 7105, 403, app.exceptionTone)
}
