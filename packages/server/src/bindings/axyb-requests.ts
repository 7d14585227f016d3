import type { E164 } from '../shared/e164.ts'
import type { EpochMs } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import type { AreaMatchMode, BindFailure } from './axb-requests.ts'
import type { AxybBinding, AxybPair, CallDirection } from './binding.ts'

/** A-X, the first step of a bind: A gets an X (spec/axyb.md section 2.1). Numbers global, ranges checked. */
export type AxybBindRequest = {
  /** A. */
  readonly origNum: E164
  /** City of the wanted X; absent: that of A. */
  readonly areaCode?: string
  /** Absent: strict. Also for the Y of an unknown caller. */
  readonly areaMatchMode?: AreaMatchMode
  readonly callDirection: CallDirection
  /** Seconds, 0 = never expires. */
  readonly durationSec: number
  /** Life of Y-B pairs that name none of their own, seconds; 0 = as long as A-X. */
  readonly ybDurationSec: number
  readonly recordFlag: boolean
  readonly recordHintTone?: string
  readonly preVoiceX?: string
  readonly userData?: string
}

/** Y-B, the second step: B gets a Y in the relation of that id (spec/axyb.md section 2.2). */
export type AxybPairRequest = {
  readonly subscriptionId: string
  /** B. */
  readonly origNum: E164
  /** City of the wanted Y; absent: that of X. */
  readonly areaCode?: string
  readonly areaMatchMode?: AreaMatchMode
  /** Absent: as A-X was bound. */
  readonly ybDurationSec?: number
  readonly preVoiceY?: string
}

/** An unbind (spec/axyb.md section 3): one pair, by Y (which wins) or by B; without both A-X and all its pairs. */
export type AxybUnbindRequest = {
  readonly subscriptionId: string
  readonly yNum?: E164
  readonly bNum?: E164
}

/** A query (spec/axyb.md section 5). `subscriptionId` wins; one of it and `relationNum`, an X, must be given. */
export type AxybQueryRequest = { readonly subscriptionId?: string; readonly relationNum?: E164 }

/** A refusal; `bound` is the number that a 1012010 is about. */
export type AxybFailure = BindFailure & { readonly bound?: E164 }

/** What a query gives: A-X with its pairs, oldest first. */
export type AxybRelation = { readonly binding: AxybBinding; readonly pairs: readonly AxybPair[] }

/** What became of an unknown caller: his pair, or why he gets none. `gone`: the relation ended meanwhile. */
export type Allocation =
  | { readonly ok: true; readonly pair: AxybPair }
  | { readonly ok: false; readonly reason: 'none-free' | 'gone' }

/** The AXYB operations, and the pair that a call makes. Refusals are values; only a failing store throws. */
export type AxybService = {
  bind(
    app: App,
    request: AxybBindRequest,
  ): Promise<{ readonly ok: true; readonly binding: AxybBinding } | AxybFailure>
  bindPair(
    app: App,
    request: AxybPairRequest,
  ): Promise<{ readonly ok: true; readonly pair: AxybPair } | AxybFailure>
  unbind(app: App, request: AxybUnbindRequest): Promise<{ readonly ok: true } | AxybFailure>
  query(
    app: App,
    request: AxybQueryRequest,
  ): Promise<{ readonly ok: true; readonly relation: AxybRelation } | AxybFailure>
  /** Pairs a caller whom the relation does not know; two calls of his at the same time get one pair. */
  allocateY(relation: AxybBinding, caller: E164, at: EpochMs): Promise<Allocation>
}
