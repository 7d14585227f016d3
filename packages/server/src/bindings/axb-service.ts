import { type Areas, geoAreas } from '../numbers/area.ts'
import { newUuid } from '../shared/ids.ts'
import type { E164 } from '../shared/e164.ts'
import type { Clock, EpochMs } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import {
  AXB_CODES,
  type AxbPolicy,
  checkBind,
  checkModify,
  checkX,
  DEFAULT_AXB_POLICY,
  failureOf,
  modified,
  newBinding,
} from './axb.ts'
import type { AxbBindRequest, AxbService, BindFailure } from './axb-requests.ts'
import type { AxbBinding } from './binding.ts'
import { createChoice } from './choice.ts'
import type { BindingStore } from './ports.ts'

export type AxbServiceOptions = {
  readonly store: BindingStore
  readonly clock: Clock
  /** Most pairs on one X, default 5000. */
  readonly maxPairsPerX?: number
  /** Countries whose numbers may be bound, default mainland China. */
  readonly countryCodes?: readonly string[]
  /** Most binds of A a day, default any number. */
  readonly maxBindsPerDay?: number
  /** Where a bind by area looks first; default: the geo data (`loadAreas` first). */
  readonly areas?: Areas
  /** subscriptionId of a new binding; default a UUID of version 7. */
  readonly newId?: (at: EpochMs) => string
}

const refuse = (code: string, parameter?: string): BindFailure => ({
  ok: false,
  code,
  ...(parameter !== undefined && { parameter }),
})

/** AXB bind, unbind, modify and query (spec/axb.md) on parsed requests: rules here and in `axb.ts`, no HTTP. */
export function createAxbService(options: AxbServiceOptions): AxbService {
  const { store, clock } = options
  const policy: AxbPolicy = {
    maxPairsPerX: options.maxPairsPerX ?? DEFAULT_AXB_POLICY.maxPairsPerX,
    countryCodes: options.countryCodes ?? DEFAULT_AXB_POLICY.countryCodes,
    maxBindsPerDay: options.maxBindsPerDay ?? DEFAULT_AXB_POLICY.maxBindsPerDay,
  }
  const areas = options.areas ?? geoAreas
  const choose = createChoice(store)
  const newId = options.newId ?? newUuid

  const insert = async (app: App, request: AxbBindRequest, x: E164, at: EpochMs) => {
    const binding = newBinding(app, request, x, newId(at), at)
    const limits = { capacity: policy.maxPairsPerX, perDay: policy.maxBindsPerDay }
    const outcome = await store.insert(binding, limits, at)
    return outcome.ok ? ({ ok: true, binding } as const) : failureOf(outcome)
  }

  /** The live binding of that id, if it is this app's: another app's is none of its business. */
  const findOwn = async (app: App, id: string, at: EpochMs): Promise<AxbBinding | undefined> => {
    const binding = await store.findById(id, at)
    return binding?.mode === 'AXB' && binding.appKey === app.key ? binding : undefined
  }

  const isOwn = async (app: App, x: E164): Promise<boolean> => (await store.findX(x))?.appKey === app.key

  return {
    async bind(app, request) {
      const at = clock.now()
      const fault = checkBind(app, request, policy)
      if (fault) return fault
      if (request.relationNum !== undefined) {
        const x = await store.findX(request.relationNum)
        return checkX(app, x) ?? (await insert(app, request, request.relationNum, at))
      }
      const { callerNum: a, calleeNum: b } = request
      const bound = await choose(
        {
          appKey: app.key,
          parties: [a, b],
          home: areas.home(request.areaCode, a),
          lenient: request.areaMatchMode === '1',
          ...(request.preferSms && { preferSms: true }),
          capacity: policy.maxPairsPerX,
          at,
        },
        async (x) => {
          const outcome = await insert(app, request, x, at)
          return outcome.ok || outcome.code === AXB_CODES.dayFull ? outcome : undefined
        },
      )
      return bound ?? refuse(AXB_CODES.noResource)
    },

    async unbind(app, { subscriptionId, relationNum }) {
      const at = clock.now()
      if (subscriptionId !== undefined) {
        const removed =
          (await findOwn(app, subscriptionId, at)) && (await store.deleteById(subscriptionId, at))
        return removed ? { ok: true } : refuse(AXB_CODES.notFound)
      }
      if (relationNum === undefined) return refuse(AXB_CODES.invalidRequest, 'subscriptionId')
      if (!(await isOwn(app, relationNum))) return refuse(AXB_CODES.notOfThisApp)
      const removed = await store.deleteByX(app.key, relationNum, at)
      return removed > 0 ? { ok: true } : refuse(AXB_CODES.notFound)
    },

    async modify(app, request) {
      const at = clock.now()
      // Two changes of one binding at the same time must both count, so each is made of what the other has left.
      const outcome = await store.update<'AXB', BindFailure>('AXB', request.subscriptionId, at, (old, x) => {
        if (old.appKey !== app.key) return refuse(AXB_CODES.notFound)
        const changed = modified(old, request, at)
        return checkModify(app, request, old, changed, x, policy) ?? changed
      })
      if (outcome.ok) return outcome
      return outcome.reason === 'refused' ? outcome.refusal : failureOf(outcome)
    },

    async query(app, { subscriptionId, relationNum, callerNum, calleeNum, pageIndex, pageSize }) {
      const at = clock.now()
      if (subscriptionId !== undefined) {
        const binding = await findOwn(app, subscriptionId, at)
        return binding ? { ok: true, bindings: [binding], total: 1 } : refuse(AXB_CODES.notFound)
      }
      if (relationNum === undefined) return refuse(AXB_CODES.invalidRequest, 'relationNum')
      if (!(await isOwn(app, relationNum))) return refuse(AXB_CODES.notOfThisApp)
      const byParty = callerNum !== undefined || calleeNum !== undefined
      const { total, bindings } = await store.queryAxb({
        appKey: app.key,
        x: relationNum,
        a: callerNum,
        b: calleeNum,
        at,
        offset: byParty ? 0 : (pageIndex - 1) * pageSize,
        limit: pageSize,
      })
      return total > 0 ? { ok: true, bindings, total } : refuse(AXB_CODES.notFound)
    },
  }
}
