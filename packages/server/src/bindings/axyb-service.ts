import { type Areas, geoAreas } from '../numbers/area.ts'
import type { E164 } from '../shared/e164.ts'
import { newUuid } from '../shared/ids.ts'
import type { Clock, EpochMs } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import {
  alreadyBound,
  AXYB_CODES,
  AXYB_LIMITS,
  checkBind,
  invalid,
  newPair,
  newRelation,
  type PairDraft,
  refused,
} from './axyb.ts'
import type { AxybService, AxybUnbindRequest } from './axyb-requests.ts'
import type { AxybBinding, AxybPair, ClaimKey } from './binding.ts'
import { createChoice, type Wanted } from './choice.ts'
import { DEFAULT_COUNTRY_CODES, isBindable } from './parties.ts'
import type { BindingStore } from './ports.ts'

export type AxybServiceOptions = {
  readonly store: BindingStore
  readonly clock: Clock
  /** Most A-X binds of an A in one day of UTC, default 0: any number. Pairs are not counted. */
  readonly maxBindsPerDay?: number
  /** Countries whose numbers may be bound, default mainland China. */
  readonly countryCodes?: readonly string[]
  /** Where a bind by area looks first; default: the geo data (`loadAreas` first). */
  readonly areas?: Areas
  /** subscriptionId of a new relation, and the inner id of a pair; default a UUID of version 7. */
  readonly newId?: (at: EpochMs) => string
}

/** What came of the wish to pair B: his pair, `made` now or `there` already; or no Y, or no relation any more. */
type Pairing =
  { readonly kind: 'made' | 'there'; readonly pair: AxybPair } | { readonly kind: 'none-free' | 'gone' }

/** A number that is somebody's X has this claim, and is never a Y (spec/axyb.md section 1). */
const AS_X: readonly ClaimKey[] = [{ kind: 'any' }]

/** AXYB bind of A-X and Y-B, unbind and query (spec/axyb.md) on parsed requests, and the pairs that calls make. */
export function createAxybService(options: AxybServiceOptions): AxybService {
  const { store, clock, countryCodes = DEFAULT_COUNTRY_CODES, areas = geoAreas, newId = newUuid } = options
  const choose = createChoice(store)
  const ofA = { perParty: AXYB_LIMITS.xPerA, perDay: options.maxBindsPerDay ?? 0 }

  /** The live relation of that id, if it is this app's: another app's is none of its business. */
  const findOwn = async (app: App, id: string, at: EpochMs): Promise<AxybBinding | undefined> => {
    const binding = await store.findById(id, at)
    return binding?.mode === 'AXYB' && binding.appKey === app.key ? binding : undefined
  }

  /** The pair that holds (number, party:P), if it is one of this relation. */
  const pairBy = async (relation: AxybBinding, number: E164, party: E164, at: EpochMs) => {
    const held = await store.findByClaim(number, { kind: 'party', party }, at)
    return held?.mode === 'AXYB-PAIR' && held.relationId === relation.id ? held : undefined
  }
  const pairOfB = (relation: AxybBinding, b: E164, at: EpochMs) => pairBy(relation, relation.x, b, at)
  const pairOfY = (relation: AxybBinding, y: E164, at: EpochMs) => pairBy(relation, y, relation.a, at)

  /** Gives B a Y. Of two wishes for the same B at the same time one makes the pair, the other finds it. */
  const pairUp = async (
    relation: AxybBinding,
    draft: PairDraft,
    place: Pick<Wanted, 'home' | 'lenient'>,
    at: EpochMs,
  ): Promise<Pairing> => {
    const { appKey, a, x } = relation
    const { b } = draft
    const there = async (): Promise<Pairing | undefined> => {
      const pair = await pairOfB(relation, b, at)
      return pair && { kind: 'there', pair }
    }
    const capacity = AXYB_LIMITS.pairsPerY
    const chosen = await choose<Pairing>(
      { appKey, parties: [a], free: AS_X, ...place, capacity, at },
      async (y) => {
        // B would see its own number on the way to itself.
        if (y === b) return undefined
        const pair = newPair(relation, draft, y, newId(at), at)
        const outcome = await store.insert(pair, { capacity, free: AS_X }, at)
        if (outcome.ok) return { kind: 'made', pair }
        if (outcome.reason === 'claim-taken' && outcome.taken.number === x) return there()
        // Y or the relation: with the relation gone no other Y would do.
        if (outcome.reason === 'not-found' && !(await store.findById(relation.id, at)))
          return { kind: 'gone' }
        return undefined
      },
    )
    // The last Y may have gone to this very B.
    return chosen ?? (await there()) ?? { kind: 'none-free' }
  }

  return {
    async bind(app, request) {
      const at = clock.now()
      const fault = checkBind(app, request, countryCodes)
      if (fault) return fault
      const { origNum: a, areaCode, areaMatchMode } = request
      const capacity = AXYB_LIMITS.relationsPerX
      const home = areas.home(areaCode, a)
      const wanted: Wanted = {
        appKey: app.key,
        parties: [a],
        home,
        lenient: areaMatchMode === '1',
        capacity,
        at,
      }
      const bound = await choose(wanted, async (x) => {
        const binding = newRelation(app, request, x, newId(at), at)
        const outcome = await store.insert(binding, { capacity, ...ofA }, at)
        if (outcome.ok) return { ok: true, binding } as const
        // No other X would do for an A that has five already, or has bound too often today.
        if (outcome.reason === 'party-full') return refused(AXYB_CODES.noResource)
        return outcome.reason === 'day-full' ? refused(AXYB_CODES.tooOften) : undefined
      })
      return bound ?? refused(AXYB_CODES.noResource)
    },

    async bindPair(app, request) {
      const at = clock.now()
      const { subscriptionId, origNum: b, areaCode, areaMatchMode, ...settings } = request
      if (!isBindable(b, countryCodes)) return invalid('origNum')
      const relation = await findOwn(app, subscriptionId, at)
      if (!relation) return refused(AXYB_CODES.notOfThisApp)
      if (b === relation.a || b === relation.x) return invalid('origNum')
      const x = await store.findX(relation.x)
      if (x?.status !== 'normal') return refused(AXYB_CODES.numberUnusable)
      if (await pairOfB(relation, b, at)) return alreadyBound(b)
      const home = areaCode === undefined ? x : areas.home(areaCode, b)
      const place = { home, lenient: areaMatchMode === '1' }
      const pairing = await pairUp(relation, { b, ...settings }, place, at)
      switch (pairing.kind) {
        case 'made':
          return { ok: true, pair: pairing.pair }
        case 'there':
          return alreadyBound(b)
        case 'none-free':
          return refused(AXYB_CODES.noResource)
        case 'gone':
          return refused(AXYB_CODES.notOfThisApp)
      }
    },

    async unbind(app, request) {
      const at = clock.now()
      const relation = await findOwn(app, request.subscriptionId, at)
      if (!relation) return refused(AXYB_CODES.notOfThisApp)
      if (!isPartial(request)) {
        return (await store.deleteById(relation.id, at)) ? { ok: true } : refused(AXYB_CODES.notOfThisApp)
      }
      const { yNum, bNum } = request
      const pair = await (yNum === undefined ? pairOfB(relation, bNum!, at) : pairOfY(relation, yNum, at))
      const removed = pair !== undefined && (await store.deleteById(pair.id, at))
      return removed ? { ok: true } : refused(AXYB_CODES.notFound)
    },

    async query(app, { subscriptionId, relationNum }) {
      const at = clock.now()
      const answer = async (binding: AxybBinding) =>
        ({ ok: true, relation: { binding, pairs: await store.listPairs(binding.id, at) } }) as const
      if (subscriptionId !== undefined) {
        const binding = await findOwn(app, subscriptionId, at)
        return binding ? answer(binding) : refused(AXYB_CODES.notOfThisApp)
      }
      if (relationNum === undefined) return invalid('subscriptionId')
      if ((await store.findX(relationNum))?.appKey !== app.key) return refused(AXYB_CODES.notOfThisApp)
      const binding = await store.findByClaim(relationNum, { kind: 'any' }, at)
      return binding?.mode === 'AXYB' ? answer(binding) : refused(AXYB_CODES.notFound)
    },

    async allocateY(relation, caller, at) {
      const x = await store.findX(relation.x)
      // The pair is a bind like any other: X must take binds, and B must be one whom A may call back.
      if (x?.status !== 'normal' || !isBindable(caller, countryCodes))
        return { ok: false, reason: 'none-free' }
      const place = { home: x, lenient: relation.areaMatchMode === '1' }
      const pairing = await pairUp(relation, { b: caller }, place, at)
      return 'pair' in pairing ? { ok: true, pair: pairing.pair } : { ok: false, reason: pairing.kind }
    },
  }
}

const isPartial = ({ yNum, bNum }: AxybUnbindRequest): boolean => yNum !== undefined || bNum !== undefined
