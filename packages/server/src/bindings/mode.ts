import type { App, Mode } from '../tenants/app.ts'
import type { Arrival, Ask, Collect, CustomerAnswer, RouteDecision, RouteView, Router } from './route.ts'

/** `serviceType` of the CDR by mode (spec/notifications.md section 5.1). */
export const SERVICE_TYPES: Readonly<Record<Mode, string>> = {
  AX: '003',
  AXB: '004',
  AXE: '005',
  AXYB: '006',
  X: '002',
}

/**
 * How one mode decides (its file in this folder). App, account, X and caller have been found in order before. Pure modes
 * answer at once; others look something up first.
 */
export type ModeRouting = {
  route(arrival: Arrival, view: RouteView, app: App): RouteDecision | Promise<RouteDecision>
  /** Only of modes that collect digits. */
  digits?(arrival: Arrival, asked: Collect, digits: string, app: App): ReturnType<Router['digits']>
  /** Only of modes that ask the customer. */
  answered?(
    arrival: Arrival,
    asked: Ask,
    answer: CustomerAnswer,
    app: App,
  ): RouteDecision | Promise<RouteDecision>
}
