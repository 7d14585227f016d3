import { type Areas, geoAreas } from '../numbers/area.ts'
import { newUuid } from '../shared/ids.ts'
import type { E164 } from '../shared/e164.ts'
import type { Clock, EpochMs } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import { invalid, refused } from './failures.ts'
import type { BindFailure } from './axb-requests.ts'
import {
  AXE_CODES,
  type AxePolicy,
  checkBind,
  checkModify,
  checkX,
  DEFAULT_AXE_POLICY,
  extensionLengthOf,
  extensionsOf,
  failureOf,
  isExtension,
  modified,
  newBinding,
} from './axe.ts'
import type { AxeBindRequest, AxeKey, AxeService } from './axe-requests.ts'
import type { AxeBinding } from './binding.ts'
import { createChoice, type Wanted } from './choice.ts'
import type { BindingMemory, BindingStore } from './ports.ts'

export type AxeServiceOptions = {
  readonly store: BindingStore
  readonly memory: Pick<BindingMemory, 'recall' | 'relive'>
  readonly clock: Clock
  /** Life of a binding that names none, hours; default 0 = never expires. */
  readonly defaultBindHours?: number
  /** Countries whose numbers may be bound, default mainland China. */
  readonly countryCodes?: readonly string[]
  /** Most binds of A a day, default any number. */
  readonly maxBindsPerDay?: number
  /** Where a bind by area looks first; default: the geo data (`loadAreas` first). */
  readonly areas?: Areas
  /** subscriptionId of a new binding; default a UUID of version 7. */
  readonly newId?: (at: EpochMs) => string
}

/** AXE bind, unbind, modify and query (spec/axe.md) on parsed requests: rules here and in `axe.ts`, no HTTP. */
export function createAxeService(options: AxeServiceOptions): AxeService {
  const { store, memory, clock } = options
  const policy: AxePolicy = {
    defaultBindHours: options.defaultBindHours ?? DEFAULT_AXE_POLICY.defaultBindHours,
    countryCodes: options.countryCodes ?? DEFAULT_AXE_POLICY.countryCodes,
    maxBindsPerDay: options.maxBindsPerDay ?? DEFAULT_AXE_POLICY.maxBindsPerDay,
  }
  const areas = options.areas ?? geoAreas
  const choose = createChoice(store)
  const newId = options.newId ?? newUuid

  const insert = async (app: App, request: AxeBindRequest, x: E164, at: EpochMs) => {
    const draft = newBinding(app, request, x, newId(at), at, policy)
    const extension = { length: extensionLengthOf(app), wanted: request.extendNum }
    const outcome = await store.insertAxe(draft, extension, at, policy.maxBindsPerDay)
    if (outcome.ok) return outcome
    // A has its extension on a full X already: more room would not help.
    const held =
      outcome.reason === 'x-full' && (await store.findByClaim(x, { kind: 'party', party: draft.a }, at))
    return held ? refused(AXE_CODES.alreadyBound) : failureOf(outcome)
  }

  const bindByArea = async (app: App, request: AxeBindRequest, at: EpochMs) => {
    const { bindNum, areaCode, extendNum } = request
    const wanted: Wanted = {
      appKey: app.key,
      parties: [bindNum],
      home: areas.home(areaCode, bindNum),
      lenient: request.areaMatchMode === '1',
      capacity: extensionsOf(app),
      at,
    }
    const take = async (x: E164) => {
      const outcome = await insert(app, request, x, at)
      return outcome.ok || outcome.code === AXE_CODES.dayFull ? outcome : undefined
    }
    if (extendNum === undefined) return (await choose(wanted, take)) ?? refused(AXE_CODES.noResource)
    const free = [{ kind: 'ext', extension: extendNum }] as const
    const bound = await choose({ ...wanted, free }, take)
    if (bound) return bound
    // With another extension there would have been room.
    const room = await choose(wanted, async (x) => x)
    return refused(room === undefined ? AXE_CODES.noResource : AXE_CODES.extensionTaken)
  }

  const isOwn = async (app: App, x: E164): Promise<boolean> => (await store.findX(x))?.appKey === app.key

  /** The one live binding of this app that a key names. */
  const find = async (app: App, key: AxeKey, at: EpochMs): Promise<AxeBinding | BindFailure> => {
    const { subscriptionId, virtualNum, extendNum } = key
    if (subscriptionId !== undefined) return ownAxe(app, await store.findById(subscriptionId, at))
    if (virtualNum === undefined) return invalid(extendNum === undefined ? 'subscriptionId' : 'virtualNum')
    if (extendNum === undefined || !isExtension(app, extendNum)) return invalid('extendNum')
    if (!(await isOwn(app, virtualNum))) return refused(AXE_CODES.notOfThisApp)
    return ownAxe(app, await store.findByClaim(virtualNum, { kind: 'ext', extension: extendNum }, at))
  }

  return {
    async bind(app, request) {
      const at = clock.now()
      const fault = checkBind(app, request, policy)
      if (fault) return fault
      const { virtualNum } = request
      if (virtualNum === undefined) return bindByArea(app, request, at)
      return checkX(app, await store.findX(virtualNum)) ?? (await insert(app, request, virtualNum, at))
    },

    async unbind(app, key) {
      const at = clock.now()
      const binding = await find(app, key, at)
      if ('ok' in binding) return binding
      return (await store.deleteById(binding.id, at)) ? { ok: true } : refused(AXE_CODES.notFound)
    },

    async modify(app, request) {
      const at = clock.now()
      const found = await find(app, request, at)
      if ('ok' in found) return found
      let changed = found
      const outcome = await store.update<'AXE', BindFailure>('AXE', found.id, at, (old) => {
        const fault = checkModify(app, request, old, policy)
        if (fault) return fault
        changed = modified(old, request, at)
        return changed
      })
      if (!outcome.ok) {
        if (outcome.reason === 'refused') return outcome.refusal
        return outcome.reason === 'not-found' ? refused(AXE_CODES.notFound) : failureOf(outcome)
      }
      // A record that has died stays dead.
      if (request.callbackExpiredTime !== undefined && (await memory.recall(found.id, 'callback', at)))
        await memory.relive(found.id, 'callback', changed.callbackLifeMs || undefined)
      return { ok: true }
    },

    async query(app, key) {
      const binding = await find(app, key, clock.now())
      return 'ok' in binding ? binding : { ok: true, binding }
    },

    async list(app, { virtualNum, after, limit }) {
      if (!(await isOwn(app, virtualNum))) return refused(AXE_CODES.notOfThisApp)
      const placed = await store.listOnX(app.key, virtualNum, after, limit + 1, clock.now())
      if (placed.length === 0 && after === 0) return refused(AXE_CODES.notFound)
      const page = placed.slice(0, limit)
      const bindings = page.map(({ binding }) => binding as AxeBinding)
      return { ok: true, bindings, ...(placed.length > limit && { next: page.at(-1)! }) }
    },
  }
}

/** Another app's binding, or another mode's, is none of this app's business. */
function ownAxe(app: App, binding: Awaited<ReturnType<BindingStore['findById']>>): AxeBinding | BindFailure {
  return binding?.mode === 'AXE' && binding.appKey === app.key ? binding : refused(AXE_CODES.notFound)
}
