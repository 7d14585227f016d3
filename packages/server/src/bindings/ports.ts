import type { E164 } from '../shared/e164.ts'
import type { EpochMs } from '../shared/time.ts'
import type { XNumber } from '../numbers/x-number.ts'
import type {
  AxbBinding,
  AxeBinding,
  AxybPair,
  Binding,
  BindingMode,
  BindingOf,
  ClaimKey,
  Memories,
  MemoryKind,
  Role,
} from './binding.ts'
import type { RouteView } from './route.ts'

export type InsertOutcome =
  | { readonly ok: true }
  /** Another live binding holds one of the claims: which one, by whom and as what. */
  | { readonly ok: false; readonly reason: 'claim-taken'; readonly taken: TakenClaim }
  /** The number has no place left; the party holds as many bindings as it may, or was bound as often as it may today. */
  | { readonly ok: false; readonly reason: 'x-full' | 'party-full' | 'day-full' | 'not-found' }

export type TakenClaim = {
  readonly number: E164
  readonly key: ClaimKey['kind']
  readonly holder: string
  readonly role: Role
}

/** AXE: which extension was given. */
export type ExtensionOutcome =
  { readonly ok: true; readonly binding: AxeBinding } | Exclude<InsertOutcome, { readonly ok: true }>

/** Why a change must not be: the rules' own answer, passed through by storage. */
export type Refusal = { readonly ok: false }

export type UpdateOutcome<R extends Refusal> =
  | InsertOutcome
  /** `change` refused; nothing was done. */
  | { readonly ok: false; readonly reason: 'refused'; readonly refusal: R }

export type InsertLimits = {
  /** Most bindings on the number whose place it takes: AX 1, AXB 5000, AXE by length, AXYB 1 on X and 1000 on Y. */
  readonly capacity: number
  /** Most live bindings of this mode that A may hold in the app (AX and AXYB: 5 X per A); absent: any number. */
  readonly perParty?: number
  /** Most binds of A in one day of UTC (1020182); absent or 0: any number. */
  readonly perDay?: number
  /** Keys that no other live binding may hold on that number, beside those that this one claims itself. */
  readonly free?: readonly ClaimKey[]
}

/** A's new number in an update, and the most live bindings of the mode that it may hold in the app (InsertLimits). */
export type PartyLimit = { readonly a: E164; readonly perParty: number }

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

export type CandidateQuery = {
  readonly appKey: string
  /** No live claim by any of these may lie on the number (at most three). */
  readonly without: readonly ClaimKey[]
  /** `area`: only that city; `province`: only that province; neither: any. */
  readonly area?: string
  readonly province?: string
  /** Only numbers that can carry SMS. */
  readonly withSms?: boolean
  /** Below so many bindings. */
  readonly capacity: number
  readonly at: EpochMs
  readonly limit: number
}

/** What the bind rules need of storage. Dead (expired) rows are never returned and never block a claim. */
export type BindingStore = {
  findX(number: E164): Promise<XNumber | undefined>
  /**
   * Candidate X (or Y) numbers of an app for a bind by area, best first: fewest live bindings, ties by least recently
   * released; only status `normal`.
   */
  candidates(query: CandidateQuery): Promise<readonly XNumber[]>
  /**
   * Inserts binding and claims in one transaction, or nothing. The unique index decides races. A pair whose relation
   * is not alive is `not-found`.
   */
  insert(binding: Binding, limits: InsertLimits, at: EpochMs): Promise<InsertOutcome>
  /**
   * Inserts an AXE binding with the wanted extension, or, without one, with the next free one after the last one given on
   * this X, never all zeros. `x-full` when none is free; a wanted one that is taken is `claim-taken` with key `ext`.
   */
  insertAxe(
    binding: Omit<AxeBinding, 'extension'>,
    extension: { readonly length: number; readonly wanted?: string },
    at: EpochMs,
    perDay?: number,
  ): Promise<ExtensionOutcome>
  /**
   * Changes a live binding of a mode and its claims in one transaction, or nothing: `change` gets the binding as it is in
   * that very transaction, with its X, and gives the new one (id, app and X stay) or a refusal. It must be pure. With
   * `limit`, a binding that gets this A is `party-full` when A holds enough already.
   */
  update<M extends BindingMode, R extends Refusal>(
    mode: M,
    id: string,
    at: EpochMs,
    change: (current: BindingOf<M>, x: XNumber | undefined) => BindingOf<M> | R,
    limit?: PartyLimit,
  ): Promise<UpdateOutcome<R>>
  findById(id: string, at: EpochMs): Promise<Binding | undefined>
  /** The live binding that holds a claim on a number: (X, any) of AX and AXYB, (X, ext:E) of AXE, (X, party:A). */
  findByClaim(number: E164, key: ClaimKey, at: EpochMs): Promise<Binding | undefined>
  /** Live bindings of A in an app, oldest first (AX query by origNum: at most five). */
  listByParty(appKey: string, mode: BindingMode, a: E164, at: EpochMs): Promise<readonly Binding[]>
  /** Live bindings on X after a place in their order (0 = from the first): AXE query v2.0. */
  listOnX(appKey: string, x: E164, after: number, limit: number, at: EpochMs): Promise<readonly Placed[]>
  /** Live Y-B pairs of a relation, oldest first. */
  listPairs(relationId: string, at: EpochMs): Promise<readonly AxybPair[]>
  queryAxb(query: AxbQuery): Promise<{ readonly total: number; readonly bindings: readonly AxbBinding[] }>
  /** Removes one live binding, with its pairs and memories; false when there was none. */
  deleteById(id: string, at: EpochMs): Promise<boolean>
  /** Removes all live bindings on an X; returns how many. */
  deleteByX(appKey: string, x: E164, at: EpochMs): Promise<number>
  /** Deletes up to `limit` rows that are dead, expired or left over by `deleteByX`; returns how many (the sweeper). */
  deleteExpired(at: EpochMs, limit: number): Promise<number>
}

/** A binding with its place in the order of binding. */
export type Placed = { readonly seq: number; readonly binding: Binding }

/** What is remembered beside bindings; one value of a kind per binding, the newest wins. */
export type BindingMemory = {
  /** False when the binding is gone. `expiresAt` absent: as long as the binding. */
  remember<K extends MemoryKind>(
    bindingId: string,
    kind: K,
    value: Memories[K],
    at: EpochMs,
    expiresAt?: EpochMs,
  ): Promise<boolean>
  recall<K extends MemoryKind>(bindingId: string, kind: K, at: EpochMs): Promise<Memories[K] | undefined>
  /** Forgets a value; with `token` only if the stored one still carries it. */
  forget(bindingId: string, kind: MemoryKind, token?: string): Promise<void>
  /** Sets anew how long existing values of a kind live, counted from when each was remembered (AXE modify). */
  relive(bindingId: string, kind: MemoryKind, lifeMs: number | undefined): Promise<void>
}

/** What routing needs of storage: one indexed lookup, and what single modes ask beyond it. */
export type RouteStore = {
  lookup(x: E164, from: E164 | undefined, at: EpochMs): Promise<RouteView>
  /** Whether a live pair has `party` as its B behind this Y: a number that dials its own Y (spec/axyb.md 6). */
  isBehindY(y: E164, party: E164, at: EpochMs): Promise<boolean>
}
