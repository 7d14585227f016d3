import type { App } from '../tenants/app.ts'
import type { E164 } from '../shared/e164.ts'
import type { AreaMatchMode, BindFailure } from './axb-requests.ts'
import type { AxeBinding } from './binding.ts'
import type { Placed } from './ports.ts'

/** Unit of the two times of an AXE binding: `0` hours, `1` minutes. */
export type TimeUnit = '0' | '1'

/** A bind request after the edge has parsed it (spec/axe.md section 2): numbers global, texts not empty. */
export type AxeBindRequest = {
  /** A. */
  readonly bindNum: E164
  /** The X to use; wins over the area. One of the two must be given. */
  readonly virtualNum?: E164
  /** City code, `0755`. */
  readonly areaCode?: string
  /** Absent: strict. */
  readonly areaMatchMode?: AreaMatchMode
  /** The wanted extension, digits; absent: the platform chooses. */
  readonly extendNum?: string
  /** What A sees when others call: `0` X, `1` the real caller. */
  readonly displayNumMode?: '0' | '1'
  readonly recordFlag: boolean
  readonly recordHintTone?: string
  /** Played to A, or called by A, without a call-back record; not both. */
  readonly callbackTone?: string
  readonly callbackNum?: E164
  /** Of the two times; absent: hours. */
  readonly timeUnit?: TimeUnit
  /** Life of the binding, 0 = never expires; at most 720 hours. */
  readonly bindExpiredTime?: number
  /** Life of a call-back record, 0 = as long as the binding; at most 720 hours. */
  readonly callbackExpiredTime?: number
  readonly userData?: string
}

/** What addresses one binding: `subscriptionId`, which wins, or X together with E. */
export type AxeKey = {
  readonly subscriptionId?: string
  readonly virtualNum?: E164
  readonly extendNum?: string
}

/**
 * A modify request (spec/axe.md section 4). An absent member stays as it is; `''` clears `callbackTone` or `callbackNum`; of
 * both given `callbackNum` wins.
 */
export type AxeModifyRequest = AxeKey &
  Partial<
    Pick<
      AxeBindRequest,
      | 'displayNumMode'
      | 'recordFlag'
      | 'recordHintTone'
      | 'timeUnit'
      | 'bindExpiredTime'
      | 'callbackExpiredTime'
      | 'userData'
    >
  > & { readonly callbackTone?: string; readonly callbackNum?: E164 | '' }

/** A page of the bindings on an X (spec/axe.md section 6): those after a place in the order of binding, 0 = the first. */
export type AxeListRequest = { readonly virtualNum: E164; readonly after: number; readonly limit: number }

/** `next`: the last binding of the page when more follow it. */
export type AxePage = {
  readonly ok: true
  readonly bindings: readonly AxeBinding[]
  readonly next?: Placed
}

/** The AXE operations. Refusals are values; only a failing store throws. */
export type AxeService = {
  bind(
    app: App,
    request: AxeBindRequest,
  ): Promise<{ readonly ok: true; readonly binding: AxeBinding } | BindFailure>
  unbind(app: App, key: AxeKey): Promise<{ readonly ok: true } | BindFailure>
  modify(app: App, request: AxeModifyRequest): Promise<{ readonly ok: true } | BindFailure>
  /** Exactly one binding. */
  query(app: App, key: AxeKey): Promise<{ readonly ok: true; readonly binding: AxeBinding } | BindFailure>
  list(app: App, request: AxeListRequest): Promise<AxePage | BindFailure>
}
