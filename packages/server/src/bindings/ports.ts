import type { E164 } from '../shared/e164.ts'
import type { EpochMs } from '../shared/time.ts'
import type { XNumber } from '../numbers/x-number.ts'
import type { AxbBinding, Binding } from './binding.ts'

export type InsertOutcome =
  | { readonly ok: true }
  /** Another live binding holds one of the claims. */
  | { readonly ok: false; readonly reason: 'claim-taken' | 'x-full' | 'not-found' }

/** Why a change must not be: the rules' own answer, passed through by storage. */
export type Refusal = { readonly ok: false }

export type UpdateOutcome<R extends Refusal> =
  | InsertOutcome
  /** `change` refused; nothing was done. */
  | { readonly ok: false; readonly reason: 'refused'; readonly refusal: R }

/** Filter of the AXB query; `appKey` always restricts. */
export type AxbQuery = {
  readonly appKey: string
  readonly x: E164
  readonly a?: E164
  readonly b?: E164
  readonly at: EpochMs
  readonly offset: number
  readonly limit: number
}

/** What the bind rules need of storage. Dead (expired) rows are never returned and never block a claim. */
export type BindingStore = {
  findX(number: E164): Promise<XNumber | undefined>
  /**
   * Candidate X numbers of an app for a bind by area, best first: fewest live bindings, ties by least recently
   * released; only status `normal`, below `maxPairs`, without a live claim by `a` or `b`.
   * `area`: only that city; `province`: only that province; neither: any.
   */
  candidates(query: {
    readonly appKey: string
    readonly a: E164
    readonly b: E164
    readonly area?: string
    readonly province?: string
    readonly maxPairs: number
    readonly at: EpochMs
    readonly limit: number
  }): Promise<readonly XNumber[]>
  /** Inserts binding and claims in one transaction, or nothing. The unique index decides races. */
  insertAxb(binding: AxbBinding, maxPairs: number, at: EpochMs): Promise<InsertOutcome>
  /**
   * Changes a live AXB binding and its claims in one transaction, or nothing: `change` gets the binding as it is in
   * that very transaction, with its X, and gives the new one (id, app and X stay) or a refusal. It must be pure.
   */
  updateAxb<R extends Refusal>(
    id: string,
    at: EpochMs,
    change: (current: AxbBinding, x: XNumber | undefined) => AxbBinding | R,
  ): Promise<UpdateOutcome<R>>
  findById(id: string, at: EpochMs): Promise<Binding | undefined>
  queryAxb(query: AxbQuery): Promise<{ readonly total: number; readonly bindings: readonly AxbBinding[] }>
  /** Removes one live binding; false when there was none. */
  deleteById(id: string, at: EpochMs): Promise<boolean>
  /** Removes all live bindings on an X; returns how many. */
  deleteByX(appKey: string, x: E164, at: EpochMs): Promise<number>
  /** Deletes up to `limit` rows that are dead, expired or left over by `deleteByX`; returns how many (the sweeper). */
  deleteExpired(at: EpochMs, limit: number): Promise<number>
}

/** What routing needs of storage: one indexed lookup. */
export type RouteStore = {
  lookup(x: E164, from: E164 | undefined, at: EpochMs): Promise<import('./route.ts').RouteView>
}
