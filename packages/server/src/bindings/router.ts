import { isFixedLine } from '../shared/e164.ts'
import type { Log } from '../shared/log.ts'
import type { EpochMs } from '../shared/time.ts'
import type { App, Mode } from '../tenants/app.ts'
import { routeAxb } from './axb-route.ts'
import type { CallControls } from './controls.ts'
import { type ModeRouting, SERVICE_TYPES } from './mode.ts'
import type { BindingMemory, RouteStore } from './ports.ts'
import { refuse, subjectOf } from './refusal.ts'
import type { Arrival, Memo, Refuse, RouteDecision, Router, RouteView } from './route.ts'

export type RouterOptions = {
  readonly routes: RouteStore
  readonly memory: BindingMemory
  /** The modes beside AXB, which needs nothing but the view. */
  readonly modes: Partial<Record<Mode, ModeRouting>>
  readonly controls: CallControls
  readonly log: Log
}

/**
 * Decides what happens to a call that arrived at an X of the platform: first whether app, account, X and caller may take
 * part in calls at all, then by the app's mode, then whether a control forbids it. One lookup per arrival.
 */
export function createRouter(options: RouterOptions): Router {
  const { routes, memory, controls, log } = options
  const modes: Partial<Record<Mode, ModeRouting>> = { AXB: { route: routeAxb }, ...options.modes }

  const controlled = <D extends RouteDecision>(arrival: Arrival, decision: D): D | Refuse =>
    decision.kind === 'connect' ? (controls.check(arrival, decision) ?? decision) : decision

  const modeOf = (app: App | undefined): ModeRouting | undefined => app && modes[app.mode]

  return {
    async route(arrival) {
      const view = await routes.lookup(arrival.x, arrival.from, arrival.at)
      const refusal = gate(arrival, view)
      if (refusal) return refusal
      const app = view.app!
      const mode = modeOf(app)
      const subject = subjectIn(app, view)
      if (mode === undefined) return refuse(subject, 7105, 403, app.exceptionTone)
      // Before the mode: a caller who may not call must not use up a Y, hear a prompt or be asked about.
      const barred = controls.admit(arrival, subject)
      if (barred) return barred
      try {
        return controlled(arrival, await mode.route(arrival, view, app))
      } catch (error) {
        // Whose call it is stands already: the caller hears that it fails, and the customer is told.
        log.error({ app: app.key, err: error }, 'the mode could not route a call')
        return refuse(subject, 8020, 500, app.exceptionTone)
      }
    },
    async digits(arrival, asked, digits) {
      const { app } = asked.subject
      const outcome = await modeOf(app)?.digits?.(arrival, asked, digits, app!)
      if (outcome === undefined) throw new Error(`mode ${app?.mode} collects no digits`)
      return outcome.kind === 'wrong' ? outcome : controlled(arrival, outcome)
    },
    async answered(arrival, asked, answer) {
      const { app } = asked.subject
      const decision = await modeOf(app)?.answered?.(arrival, asked, answer, app!)
      if (decision === undefined) throw new Error(`mode ${app?.mode} asks no customer`)
      return controlled(arrival, decision)
    },
    async note(memos, at) {
      for (const memo of memos) {
        try {
          await carryOut(memory, memo, at)
        } catch (error) {
          log.error({ bindingId: memo.bindingId, memo: memo.kind, err: error }, 'a memo of a call was lost')
        }
      }
    },
  }
}

/**
 * Whether the call may reach its mode at all (spec/announcements.md section 2 for the tones, spec/codes.md 2.5 and 2.6).
 * An X that is not ours has code 8025 and no app to tell.
 */
export function gate(arrival: Arrival, view: RouteView): Refuse | undefined {
  const { app, xNumber } = view
  if (!xNumber) return refuse(subjectOf(undefined, '', undefined), 8025, 404, undefined)
  if (!app) return refuse(subjectOf(undefined, '', undefined), 7100, 403, undefined)
  const subject = subjectIn(app, view)
  if (app.accountStatus === 'frozen') return refuse(subject, 7108, 403, app.exceptionTone)
  if (app.status === 'suspended') return refuse(subject, 8018, 403, app.exceptionTone)
  // `binding-frozen` only stops new bindings; calls go on.
  if (xNumber.status === 'suspended' || xNumber.status === 'unusable') {
    return refuse(subject, 8055, 403, app.noPermissionTone)
  }
  // A carrier never lets a fixed line call X, so no binding can allow it.
  if (arrival.from !== undefined && isFixedLine(arrival.from) && !app.allowFixedLineCaller) {
    return refuse(subject, 8023, 403, app.noPermissionTone)
  }
  return undefined
}

const subjectIn = (app: App, view: RouteView) => subjectOf(app, SERVICE_TYPES[app.mode], view.match)

function carryOut(memory: BindingMemory, memo: Memo, at: EpochMs): Promise<unknown> {
  if (memo.do === 'forget') return memory.forget(memo.bindingId, memo.kind, memo.token)
  const expiresAt = memo.lifeMs === undefined ? undefined : at + memo.lifeMs
  return memory.remember(memo.bindingId, memo.kind, memo.value, at, expiresAt)
}
