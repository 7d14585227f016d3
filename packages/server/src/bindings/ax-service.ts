import { type Areas, geoAreas } from '../numbers/area.ts'
import type { XNumber } from '../numbers/x-number.ts'
import { type E164, isGlobalForm } from '../shared/e164.ts'
import { newUuid } from '../shared/ids.ts'
import type { Clock, EpochMs } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import {
  AX_CODES,
  AX_LIMITS,
  checkBind,
  checkCallee,
  checkModify,
  failureOf,
  modified,
  newBinding,
} from './ax.ts'
import { refused } from './failures.ts'
import type { AxBindRequest, AxEntry, AxService, AxTarget } from './ax-requests.ts'
import type { BindFailure } from './axb-requests.ts'
import type { AxBinding, Binding } from './binding.ts'
import { createChoice } from './choice.ts'
import { DEFAULT_COUNTRY_CODES } from './parties.ts'
import type { BindingMemory, BindingStore } from './ports.ts'

export type AxServiceOptions = {
  readonly store: BindingStore
  readonly memory: Pick<BindingMemory, 'remember'>
  readonly clock: Clock
  /** Countries whose numbers may be bound, default mainland China. */
  readonly countryCodes?: readonly string[]
  /** Most binds of A a day, default any number. */
  readonly maxBindsPerDay?: number
  /** Where a bind by area looks first; default: the geo data (`loadAreas` first). */
  readonly areas?: Areas
  /** subscriptionId of a new binding, token of a temporary callee; default a UUID of version 7. */
  readonly newId?: (at: EpochMs) => string
}

/** What no other X would help against. */
const OF_A: readonly string[] = [AX_CODES.partyFull, AX_CODES.dayFull]

type Found = { readonly ok: true; readonly binding: AxBinding } | BindFailure

/** AX bind, unbind, modify, query and temporary callee (spec/ax.md) on parsed requests: rules here and in `ax.ts`. */
export function createAxService(options: AxServiceOptions): AxService {
  const { store, memory, clock } = options
  const countryCodes = options.countryCodes ?? DEFAULT_COUNTRY_CODES
  const limits = { ...AX_LIMITS, perDay: options.maxBindsPerDay ?? 0 }
  const areas = options.areas ?? geoAreas
  const choose = createChoice(store)
  const newId = options.newId ?? newUuid

  const insert = async (app: App, request: AxBindRequest, x: E164, at: EpochMs): Promise<Found> => {
    const binding = newBinding(app, request, x, newId(at), at)
    const outcome = await store.insert(binding, limits, at)
    return outcome.ok ? { ok: true, binding } : failureOf(outcome, AX_CODES.notOfThisApp)
  }

  const bindByArea = async (app: App, request: AxBindRequest, at: EpochMs): Promise<Found> => {
    const { origNum: a, areaCode, areaMatchMode } = request
    const wanted = {
      appKey: app.key,
      parties: [a],
      free: [{ kind: 'any' }],
      home: areas.home(areaCode, a),
      lenient: areaMatchMode === '1',
      capacity: AX_LIMITS.capacity,
      at,
    } as const
    const bound = await choose(wanted, async (x) => {
      const outcome = await insert(app, request, x, at)
      return outcome.ok || OF_A.includes(outcome.code) ? outcome : undefined
    })
    if (bound) return bound
    const held = await store.listByParty(app.key, 'AX', a, at)
    return refused(held.length < AX_LIMITS.perParty ? AX_CODES.noResource : AX_CODES.partyFull)
  }

  /** The X of that name, if it is this app's: another app's is none of its business. */
  const ownX = async (app: App, name: string): Promise<XNumber | undefined> => {
    const x = isGlobalForm(name) ? await store.findX(name) : undefined
    return x?.appKey === app.key ? x : undefined
  }

  const owned = (app: App, binding: Binding | undefined): Found =>
    binding?.mode === 'AX' && binding.appKey === app.key ? { ok: true, binding } : refused(AX_CODES.notFound)

  /** The live binding that is meant; `foreignX` is the code for an X that is not this app's. */
  const find = async (
    app: App,
    target: AxTarget,
    at: EpochMs,
    foreignX: string = AX_CODES.notOfThisApp,
  ): Promise<Found> => {
    if (target.by === 'id') return owned(app, await store.findById(target.subscriptionId, at))
    const x = await ownX(app, target.privateNum)
    if (!x) return refused(foreignX)
    const found = owned(app, await store.findByClaim(x.number, { kind: 'any' }, at))
    const { origNum } = target
    if (!found.ok || origNum === undefined || found.binding.a === origNum) return found
    return refused(AX_CODES.notFound)
  }

  const entryOf = async (binding: AxBinding): Promise<AxEntry> => {
    const x = await store.findX(binding.x)
    return { binding, ...(x && { areaCode: x.areaCode }) }
  }

  return {
    async bind(app, request) {
      const at = clock.now()
      const fault = checkBind(app, request, countryCodes)
      if (fault) return fault
      if (request.privateNum === undefined) return bindByArea(app, request, at)
      const x = await ownX(app, request.privateNum)
      if (!x) return refused(AX_CODES.notOfThisApp)
      if (x.status !== 'normal') return refused(AX_CODES.numberUnusable)
      return insert(app, request, x.number, at)
    },

    async unbind(app, target) {
      const at = clock.now()
      const found = await find(app, target, at, AX_CODES.notApplied)
      if (!found.ok) return found
      // By its id: meanwhile X may have been bound anew.
      return (await store.deleteById(found.binding.id, at)) ? { ok: true } : refused(AX_CODES.notFound)
    },

    async modify(app, target, changes) {
      const at = clock.now()
      const found = await find(app, target, at)
      if (!found.ok) return found
      const { origNum } = changes
      // Two changes of one binding at the same time must both count, so each is made of what the other has left.
      const outcome = await store.update<'AX', BindFailure>(
        'AX',
        found.binding.id,
        at,
        (old, x) => {
          const changed = modified(old, changes, at)
          return checkModify(app, old, changed, changes, x, countryCodes) ?? changed
        },
        origNum && { a: origNum, perParty: AX_LIMITS.perParty },
      )
      if (outcome.ok) return outcome
      return outcome.reason === 'refused' ? outcome.refusal : failureOf(outcome, AX_CODES.notFound)
    },

    async query(app, query) {
      const at = clock.now()
      if (query.by !== 'a') {
        const found = await find(app, query, at)
        return found.ok ? { ok: true, entries: [await entryOf(found.binding)] } : found
      }
      const held = await store.listByParty(app.key, 'AX', query.origNum, at)
      if (held.length === 0) return refused(AX_CODES.notFound)
      return { ok: true, entries: await Promise.all((held as readonly AxBinding[]).map(entryOf)) }
    },

    async setTemporaryCallee(app, target, { calleeNum, durationSec, calleeHintVoice, userData }) {
      const at = clock.now()
      const found = await find(app, target, at)
      if (!found.ok) return found
      const { binding } = found
      const fault = checkCallee(binding, calleeNum, countryCodes)
      if (fault) return fault
      const callee = {
        a: binding.a,
        token: newId(at),
        callee: calleeNum,
        ...(calleeHintVoice !== undefined && { calleeHintVoice }),
        ...(userData !== undefined && { userData }),
      }
      const expiresAt = at + durationSec * 1000
      const kept = await memory.remember(binding.id, 'temporary-callee', callee, at, expiresAt)
      return kept ? { ok: true } : refused(AX_CODES.notFound)
    },
  }
}
