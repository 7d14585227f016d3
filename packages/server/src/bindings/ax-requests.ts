import type { E164 } from '../shared/e164.ts'
import type { App } from '../tenants/app.ts'
import type { AreaMatchMode, BindFailure } from './axb-requests.ts'
import type { AxBinding, CallDirection, PreVoice } from './binding.ts'

/** A bind request after the edge has parsed it (spec/ax.md section 3): numbers global, ranges checked. */
export type AxBindRequest = {
  /** A. */
  readonly origNum: E164
  /** The X to use, as given; wins over the area. What is no number at all is answered like a number of nobody. */
  readonly privateNum?: string
  /** City code, `0755`; lenient `755`. Neither X nor area: the area of A. */
  readonly areaCode?: string
  /** Absent: strict. */
  readonly areaMatchMode?: AreaMatchMode
  readonly recordFlag: boolean
  readonly recordHintTone?: string
  readonly calleeNumDisplay?: '0' | '1'
  readonly privateSms: boolean
  readonly preVoice?: PreVoice
  /** Minutes, 0 = no limit. */
  readonly maxDurationMin: number
  /** Without effect while there is no limit. */
  readonly lastMinVoice?: string
  readonly userData?: string
  readonly turnFlag: 'on' | 'off'
  readonly callDirection: CallDirection
}

/** Which binding is meant: by its id, or as the one on an X (as given), with `origNum` only if that is its A. */
export type AxTarget =
  | { readonly by: 'id'; readonly subscriptionId: string }
  | { readonly by: 'x'; readonly privateNum: string; readonly origNum?: E164 }

/** What a modify changes (spec/ax.md section 5). An absent member stays as it is; `origNum` is the new A. */
export type AxChanges = Partial<
  Pick<
    AxBindRequest,
    | 'origNum'
    | 'privateSms'
    | 'recordFlag'
    | 'recordHintTone'
    | 'maxDurationMin'
    | 'lastMinVoice'
    | 'userData'
    | 'turnFlag'
    | 'callDirection'
  >
>

/** What a query asks for (spec/ax.md section 6): one binding, or all of an A. */
export type AxQuery = AxTarget | { readonly by: 'a'; readonly origNum: E164 }

/** A binding as a query shows it. */
export type AxEntry = {
  readonly binding: AxBinding
  /** City code of X. */
  readonly areaCode?: string
}

/** The callee of A's next call through X (spec/ax.md section 7). */
export type TemporaryCallee = {
  readonly calleeNum: E164
  /** Seconds until it must be set again. */
  readonly durationSec: number
  /** Played first to the callee, after the answer. */
  readonly calleeHintVoice?: string
  /** Replaces the binding's for that call. */
  readonly userData?: string
}

type Done = { readonly ok: true }

/** The five AX operations. Refusals are values; only a failing store throws. */
export type AxService = {
  bind(app: App, request: AxBindRequest): Promise<(Done & { readonly binding: AxBinding }) | BindFailure>
  unbind(app: App, target: AxTarget): Promise<Done | BindFailure>
  modify(app: App, target: AxTarget, changes: AxChanges): Promise<Done | BindFailure>
  /** Never an empty success. */
  query(app: App, query: AxQuery): Promise<(Done & { readonly entries: readonly AxEntry[] }) | BindFailure>
  setTemporaryCallee(app: App, target: AxTarget, callee: TemporaryCallee): Promise<Done | BindFailure>
}
