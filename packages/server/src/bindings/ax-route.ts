import type { E164 } from '../shared/e164.ts'
import type { EpochMs } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import type { AxBinding, Memories } from './binding.ts'
import { lastMinuteOf, mayCall, recordingOf } from './call-settings.ts'
import { type ModeRouting, SERVICE_TYPES } from './mode.ts'
import { openCaller } from './parties.ts'
import type { BindingMemory } from './ports.ts'
import { refuse, subjectOf } from './refusal.ts'
import type { Arrival, CallSubject, Connect, Memo, RouteDecision, RouteView } from './route.ts'

/** What the routing of A's call needs beyond the view; nothing for a call of somebody else. */
export type Remembered = {
  readonly callee?: Memories['temporary-callee']
  readonly lastPeer?: Memories['last-peer']
}

/** Built-in announcements, not to be customised (spec/announcements.md section 3.1, ax.md section 9.3). */
const BUSY_TONE = 'busy.wav'
const POWERED_OFF_TONE = 'powered_off.wav'

/** AX: looks up what A's call needs, then decides. */
export function createAxRouting(memory: Pick<BindingMemory, 'recall'>): ModeRouting {
  const recall = async (binding: AxBinding, app: App, at: EpochMs): Promise<Remembered> => {
    const callee = await memory.recall(binding.id, 'temporary-callee', at)
    if (callee?.a === binding.a) return { callee }
    const lastPeer = app.memoryCallback ? await memory.recall(binding.id, 'last-peer', at) : undefined
    return lastPeer?.a === binding.a ? { lastPeer } : {}
  }
  return {
    async route(arrival, view, app) {
      const { match } = view
      const ofCaller = match?.role === 'a' && match.binding.mode === 'AX' ? match.binding : undefined
      return routeAx(arrival, view, app, ofCaller ? await recall(ofCaller, app, arrival.at) : {})
    },
  }
}

/** Routes a call to an X of an AX app (spec/ax.md section 9): A reaches a callee set before, everybody else reaches A. */
export function routeAx(
  arrival: Arrival,
  view: RouteView,
  app: App,
  remembered: Remembered = {},
): RouteDecision {
  const { match } = view
  const subject = subjectOf(app, SERVICE_TYPES.AX, match)
  if (match?.binding.mode !== 'AX') return refuse(subject, 8018, 403, app.noPermissionTone)

  const { binding, role } = match
  if (!mayCall(binding, role)) return refuse(subject, 8016, 403, app.noPermissionTone)
  if (role === 'a') return fromA(subject, binding, app, remembered)
  if (binding.turnFlag === 'off') return refuse(subject, 8018, 480, POWERED_OFF_TONE)
  return toA(subject, binding, app, openCaller(arrival))
}

/** A calls out: the temporary callee, else whom A talked with last. X is shown in any case. */
function fromA(
  subject: CallSubject,
  binding: AxBinding,
  app: App,
  { callee, lastPeer }: Remembered,
): RouteDecision {
  const waitingTone = binding.preVoice?.callerHintTone
  if (callee) {
    const { userData = subject.userData, calleeHintVoice } = callee
    return {
      ...connect({ ...subject, ...(userData && { userData }) }, binding, app),
      callee: callee.callee,
      ...(waitingTone && { waitingTone }),
      ...(calleeHintVoice && { calleeTone: calleeHintVoice }),
      memos: { answered: [consumed(binding, callee.token), ...talkedWith(binding, callee.callee, app)] },
    }
  }
  if (lastPeer) {
    return {
      ...connect(subject, binding, app),
      callee: lastPeer.peer,
      ...(waitingTone && { waitingTone }),
    }
  }
  return refuse(subject, app.memoryCallback ? 8019 : 8013, 404, app.noPermissionTone)
}

/** Somebody else calls; A sees X, or the caller where binding and app allow it and the caller does not withhold it. */
function toA(subject: CallSubject, binding: AxBinding, app: App, from: E164 | undefined): Connect {
  const waitingTone = binding.preVoice?.calleeHintTone
  const showsCaller = binding.calleeNumDisplay === '1' && app.realCallerDisplay
  const talked = from === undefined ? [] : talkedWith(binding, from, app)
  return {
    ...connect(subject, binding, app),
    callee: binding.a,
    ...(showsCaller && from !== undefined && { display: from }),
    ...(waitingTone && { waitingTone }),
    ...(talked.length > 0 && { memos: { answered: talked } }),
  }
}

/** What both ways have in common; the callee follows. */
function connect(subject: CallSubject, binding: AxBinding, app: App): Omit<Connect, 'callee'> {
  return {
    kind: 'connect',
    subject,
    display: binding.x,
    maxDurationMin: binding.maxDurationMin,
    ...lastMinuteOf(binding),
    ...recordingOf(binding, app),
    // One call per X (spec/numbers-and-rules.md section 10). No code says so of X itself; 8102 is "callee busy".
    exclusive: { key: binding.x, busy: refuse(subject, 8102, 486, BUSY_TONE) },
  }
}

/** A temporary callee is for one call: it stays for a redial until the callee answers. */
const consumed = ({ id }: AxBinding, token: string): Memo => ({
  do: 'forget',
  bindingId: id,
  kind: 'temporary-callee',
  token,
})

/** Whom A talked with last is kept only where it is used. */
const talkedWith = ({ id, a }: AxBinding, peer: E164, app: App): readonly Memo[] =>
  app.memoryCallback ? [{ do: 'remember', bindingId: id, kind: 'last-peer', value: { a, peer } }] : []
