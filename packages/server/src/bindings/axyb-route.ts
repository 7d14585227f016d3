import type { E164 } from '../shared/e164.ts'
import type { App } from '../tenants/app.ts'
import type { AxybService } from './axyb-requests.ts'
import type { AxybBinding, AxybPair, Role } from './binding.ts'
import { mayCall, recordingOf } from './call-settings.ts'
import { type ModeRouting, SERVICE_TYPES } from './mode.ts'
import type { RouteStore } from './ports.ts'
import { refuse, subjectOf } from './refusal.ts'
import type { Arrival, Match, Refuse, RouteDecision } from './route.ts'

/** What the caller hears while the other side is being reached, when the bind named no file (spec/announcements.md 3.5). */
export const WAITING_BEEP = 'waiting_beep.wav'

export type AxybRoutingPorts = Pick<AxybService, 'allocateY'> & Pick<RouteStore, 'isBehindY'>

/**
 * Routes a call to an X or a Y of an AXYB app (spec/axyb.md section 6). B dials X and reaches A, who sees Y; A dials Y and
 * reaches B, who sees X; whom the relation does not know is given a Y first.
 */
export function createAxybRouting({ allocateY, isBehindY }: AxybRoutingPorts): ModeRouting {
  /** An unknown caller on an X: he needs a Y before A can be called. */
  const routeStranger = async (
    relation: AxybBinding,
    { from, at }: Arrival,
    app: App,
  ): Promise<RouteDecision> => {
    const subject = subjectIn(app, { binding: relation, role: 'b' })
    if (!mayCall(relation, 'b')) return refuse(subject, 8016, 403, app.noPermissionTone)
    // Nobody can be paired who does not say who he is: A's phone has no Y to show and A could not call back.
    if (from === undefined) return noRelation(app)
    const allocated = await allocateY(relation, from, at)
    if (allocated.ok) return connect(app, allocated.pair, 'b')
    return allocated.reason === 'gone' ? noRelation(app) : refuse(subject, 8031, 503, app.exceptionTone)
  }

  /** A number without relation to the caller: an X or Y that nobody uses, or a Y of others, or his own. */
  const routeUnrelated = async ({ x: y, from, at }: Arrival, app: App): Promise<Refuse> =>
    from !== undefined && (await isBehindY(y, from, at)) ? ownNumber(app, undefined) : noRelation(app)

  return {
    route(arrival, { match }, app) {
      const binding = match?.binding
      switch (binding?.mode) {
        case 'AXYB-PAIR':
          return routePair(app, binding, match!.role)
        case 'AXYB':
          return match!.role === 'a' ? ownNumber(app, match) : routeStranger(binding, arrival, app)
        default:
          return routeUnrelated(arrival, app)
      }
    },
  }
}

/** A call inside a pair: `role` a dialled Y, b dialled X. */
function routePair(app: App, pair: AxybPair, role: Role): RouteDecision {
  if (mayCall(pair, role)) return connect(app, pair, role)
  return refuse(subjectIn(app, { binding: pair, role }), 8016, 403, app.noPermissionTone)
}

function connect(app: App, pair: AxybPair, role: Role): RouteDecision {
  const [callee, display, waitingTone]: [E164, E164, string | undefined] =
    role === 'a' ? [pair.b, pair.x, pair.preVoiceX] : [pair.a, pair.y, pair.preVoiceY]
  return {
    kind: 'connect',
    subject: subjectIn(app, { binding: pair, role }),
    callee,
    display,
    // This mode has no limit and no last-minute prompt.
    maxDurationMin: 0,
    waitingTone: waitingTone ?? WAITING_BEEP,
    ...recordingOf(pair, app),
  }
}

const noRelation = (app: App): Refuse => refuse(subjectIn(app, undefined), 8030, 404, app.noBindingTone)
const ownNumber = (app: App, match: Match | undefined): Refuse =>
  refuse(subjectIn(app, match), 8032, 403, app.noPermissionTone)
const subjectIn = (app: App, match: Match | undefined) => subjectOf(app, SERVICE_TYPES.AXYB, match)
