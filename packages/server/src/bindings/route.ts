import type { E164 } from '../shared/e164.ts'
import type { EpochMs } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import type { XNumber } from '../numbers/x-number.ts'
import type { Binding, Memories, MemoryKind, Role } from './binding.ts'

/** A call that arrived at X. */
export type Arrival = {
  readonly x: E164
  /** Absent where not even the network says who calls. */
  readonly from: E164 | undefined
  /** The caller is told to us alone: never to be shown to the callee, nor remembered as somebody to call. */
  readonly withheld?: true
  readonly at: EpochMs
}

/** What the storage knew at arrival: one lookup, taken once (spec/numbers-and-rules.md section 5). */
export type RouteView = {
  readonly xNumber: XNumber | undefined
  readonly app: App | undefined
  /** Live binding claimed by (X, `party:from`), or (X, `any`); `role` is what the caller is in it. */
  readonly match: Match | undefined
  /** Whether X carries any live binding at all: picks the tone for a stranger. */
  readonly xHasBindings: boolean
}

export type Match = { readonly binding: Binding; readonly role: Role }

/** `direction` of the CDR: 0 another user calls A, 1 A calls another user, 2 abnormal (spec/notifications.md 5.1). */
export type CdrDirection = 0 | 1 | 2

/** What the call belongs to, for events and CDR; fields known so far. */
export type CallSubject = {
  readonly app: App | undefined
  readonly subscriptionId?: string
  readonly userData?: string
  /** E that led to the callee, or A's own on a call back (AXE). */
  readonly extension?: string
  readonly direction: CdrDirection
  /** `serviceType` of the CDR: `004` for AXB. */
  readonly serviceType: string
}

/** Something to be remembered beside a binding because of what the call did (BindingMemory). */
export type Memo =
  | {
      [K in MemoryKind]: {
        readonly do: 'remember'
        readonly bindingId: string
        readonly kind: K
        readonly value: Memories[K]
        /** Life in ms from now; absent: as long as the binding. */
        readonly lifeMs?: number
      }
    }[MemoryKind]
  | {
      readonly do: 'forget'
      readonly bindingId: string
      readonly kind: MemoryKind
      readonly token?: string
    }

export type Connect = {
  readonly kind: 'connect'
  readonly subject: CallSubject
  readonly callee: E164
  /** Number shown to the callee. */
  readonly display: E164
  /** Minutes from the callee's answer, 0 = no limit. */
  readonly maxDurationMin: number
  /** Played once to the caller while the callee is being reached; ends when the callee rings. */
  readonly waitingTone?: string
  /** Played first to the callee alone, after the answer. */
  readonly calleeTone?: string
  /** Played to both one minute before the limit. */
  readonly lastMinVoice?: string
  /** Both directions are recorded from the answer on; the hint is played to both. */
  readonly recording?: { readonly hintTone?: string }
  /** One call at a time under this key (AX: X): while one runs, another is refused so. */
  readonly exclusive?: { readonly key: string; readonly busy: Refuse }
  /** What to remember when the callee's leg starts, and when the callee answers. */
  readonly memos?: { readonly forwarded?: readonly Memo[]; readonly answered?: readonly Memo[] }
}

export type Refuse = {
  readonly kind: 'refuse'
  readonly subject: CallSubject
  /** spec/codes.md section 2. */
  readonly releaseCode: number
  /** Announcement file played as early media first; absent: none. */
  readonly tone?: string
  /** SIP status towards the caller (spec/codes.md section 5). */
  readonly sipStatus: number
}

/** Ask the caller for digits, then ask the router again (`Router.digits`). */
export type Collect = {
  readonly kind: 'collect'
  readonly subject: CallSubject
  /** Announcement that asks; played again after an empty attempt. */
  readonly prompt: string
  /** Played instead of `prompt` after a wrong attempt while attempts are left; absent: `prompt`. */
  readonly wrongTone?: string
  /** Complete as soon as so many digits came. */
  readonly length: number
  /** Attempts in all, at least 1. */
  readonly attempts: number
  /** From the end of the prompt, ms. */
  readonly firstDigitMs: number
  readonly interDigitMs: number
  /** What ends the call when the attempts are used up: after wrong digits, and after none. */
  readonly wrongEnd: Refuse
  readonly emptyEnd: Refuse
}

/** Ask the customer's server what to do (X mode), then ask the router again (`Router.answered`). */
export type Ask = {
  readonly kind: 'ask'
  readonly subject: CallSubject
  readonly url: string
  /** For the whole exchange, ms. */
  readonly timeoutMs: number
}

/** What to do with an arrival. Modes return it; `calls/` executes it and knows no mode. */
export type RouteDecision = Connect | Refuse | Collect | Ask

/** What came back from the customer's server: status and body of its answer, or why there was none. */
export type CustomerAnswer =
  | { readonly kind: 'answer'; readonly status: number; readonly body: string }
  | { readonly kind: 'failed'; readonly why: string }

/** How `calls/` gets decisions: once at arrival, and again after what a decision asked for has come. */
export type Router = {
  route(arrival: Arrival): Promise<RouteDecision>
  /** For digits a `Collect` asked for; `wrong` lets the call try again while attempts are left. */
  digits(
    arrival: Arrival,
    asked: Collect,
    digits: string,
  ): Promise<RouteDecision | { readonly kind: 'wrong' }>
  /** For the answer an `Ask` asked for. */
  answered(arrival: Arrival, asked: Ask, answer: CustomerAnswer): Promise<RouteDecision>
  /** Carries out what a decision asked to be remembered. Never rejects: a memo that fails is logged. */
  note(memos: readonly Memo[], at: EpochMs): Promise<void>
}
