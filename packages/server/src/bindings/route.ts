import type { E164 } from '../shared/e164.ts'
import type { EpochMs } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import type { XNumber } from '../numbers/x-number.ts'
import type { Binding } from './binding.ts'

/** A call that arrived at X. `from` is absent for an anonymous caller. */
export type Arrival = { readonly x: E164; readonly from: E164 | undefined; readonly at: EpochMs }

/** What the storage knew at arrival: one lookup, taken once (spec/numbers-and-rules.md section 5). */
export type RouteView = {
  readonly xNumber: XNumber | undefined
  readonly app: App | undefined
  /** Live binding claimed by (X, `party:from`), or (X, `any`); `role` is what the caller is in it. */
  readonly match: { readonly binding: Binding; readonly role: 'a' | 'b' } | undefined
  /** Whether X carries any live binding at all: picks the tone for a stranger. */
  readonly xHasBindings: boolean
}

/** `direction` of the CDR: 0 another user calls A, 1 A calls another user, 2 abnormal (spec/notifications.md 5.1). */
export type CdrDirection = 0 | 1 | 2

/** What the call belongs to, for events and CDR; fields known at routing. */
export type CallSubject = {
  readonly app: App | undefined
  readonly subscriptionId?: string
  readonly userData?: string
  readonly direction: CdrDirection
  /** `serviceType` of the CDR: `004` for AXB. */
  readonly serviceType: string
}

/** What to do with an arrival. Modes return it; `calls/` executes it and knows no mode. */
export type RouteDecision =
  | {
      readonly kind: 'connect'
      readonly subject: CallSubject
      readonly callee: E164
      /** Number shown to the callee. */
      readonly display: E164
      /** Minutes from the callee's answer, 0 = no limit. */
      readonly maxDurationMin: number
      readonly waitingTone?: string
      readonly lastMinVoice?: string
      readonly recording?: { readonly hintTone?: string }
    }
  | {
      readonly kind: 'refuse'
      readonly subject: CallSubject
      /** spec/codes.md section 2. */
      readonly releaseCode: number
      /** Announcement file played as early media first; absent: none. */
      readonly tone?: string
      /** SIP status towards the caller (spec/codes.md section 5). */
      readonly sipStatus: number
    }
