import type { App } from '../tenants/app.ts'
import type { E164 } from '../shared/e164.ts'
import type { AxbBinding, CallDirection, PreVoice } from './binding.ts'

/** How an area limits the choice of X: `0` only that city, `1` its province, then any (spec/axb.md section 3). */
export type AreaMatchMode = '0' | '1'

/** A bind request after the edge has parsed it (spec/axb.md section 3): numbers global, ranges checked. */
export type AxbBindRequest = {
  /** A. */
  readonly callerNum: E164
  /** B. */
  readonly calleeNum: E164
  /** The X to use; wins over the area. */
  readonly relationNum?: E164
  /** City code, `0755`; lenient `755`. */
  readonly areaCode?: string
  /** Absent: strict. */
  readonly areaMatchMode?: AreaMatchMode
  readonly callDirection: CallDirection
  /** Seconds, 0 = never expires. */
  readonly durationSec: number
  /** Minutes, 0 = no limit. */
  readonly maxDurationMin: number
  readonly recordFlag: boolean
  readonly recordHintTone?: string
  readonly lastMinVoice?: string
  readonly privateSms: boolean
  /** It was asked for, and not only left at its default: an X that can carry SMS is preferred. */
  readonly preferSms?: boolean
  readonly preVoice?: PreVoice
  readonly userData?: string
}

/** A modify request (spec/axb.md section 5). An absent member stays as it is; `durationSec` restarts the count. */
export type AxbModifyRequest = { readonly subscriptionId: string } & Partial<
  Pick<
    AxbBindRequest,
    | 'callerNum'
    | 'calleeNum'
    | 'callDirection'
    | 'durationSec'
    | 'maxDurationMin'
    | 'recordFlag'
    | 'recordHintTone'
    | 'lastMinVoice'
    | 'privateSms'
    | 'preVoice'
    | 'userData'
  >
>

/** A query (spec/axb.md section 6). `subscriptionId` wins; one of it and `relationNum` must be given. */
export type AxbQueryRequest = {
  readonly subscriptionId?: string
  readonly relationNum?: E164
  /** With `relationNum`: the binding of this A on X. */
  readonly callerNum?: E164
  /** With `relationNum`: the binding of this B on X. */
  readonly calleeNum?: E164
  /** From 1; ignored with a subscriptionId or with a number beside relationNum. */
  readonly pageIndex: number
  readonly pageSize: number
}

/** An unbind (spec/axb.md section 4). `subscriptionId` wins; one of the two must be given. */
export type AxbUnbindRequest = { readonly subscriptionId?: string; readonly relationNum?: E164 }

/** A refusal: `code` is the `resultcode` of the API; `parameter` is the culprit of a `1010002`. */
export type BindFailure = { readonly ok: false; readonly code: string; readonly parameter?: string }

/** The four AXB operations. Refusals are values; only a failing store throws. */
export type AxbService = {
  bind(
    app: App,
    request: AxbBindRequest,
  ): Promise<{ readonly ok: true; readonly binding: AxbBinding } | BindFailure>
  unbind(app: App, request: AxbUnbindRequest): Promise<{ readonly ok: true } | BindFailure>
  modify(app: App, request: AxbModifyRequest): Promise<{ readonly ok: true } | BindFailure>
  query(
    app: App,
    request: AxbQueryRequest,
  ): Promise<
    { readonly ok: true; readonly bindings: readonly AxbBinding[]; readonly total: number } | BindFailure
  >
}
