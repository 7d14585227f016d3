import type { XNumber } from '../numbers/x-number.ts'
import type { E164 } from '../shared/e164.ts'
import type { EpochMs } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import { invalid, refused } from './failures.ts'
import type { AxBindRequest, AxChanges } from './ax-requests.ts'
import type { BindFailure } from './axb-requests.ts'
import type { AxBinding } from './binding.ts'
import { given, isBindable, isServiceNumber } from './parties.ts'
import type { InsertLimits, InsertOutcome } from './ports.ts'

/** Result codes of the AX operations (spec/ax.md section 8); texts and HTTP status belong to the API edge. */
export const AX_CODES = {
  invalidRequest: '1010002',
  notOfThisApp: '1011001',
  noResource: '1011002',
  partyFull: '1011003',
  /** `notOfThisApp` as an unbind says it. */
  notApplied: '1011004',
  takenByOther: '1011005',
  recordingOff: '1012012',
  numberUnusable: '1012102',
  notFound: '1016001',
  alreadyBound: '1016002',
  realCallerForbidden: '1020178',
  dayFull: '1020182',
} as const

/** One A per X, at most five X per A (spec/ax.md section 1). */
export const AX_LIMITS = { capacity: 1, perParty: 5 } as const satisfies InsertLimits

/** Rules of a bind that need no storage. */
export function checkBind(
  app: App,
  request: AxBindRequest,
  countryCodes: readonly string[],
): BindFailure | undefined {
  if (!isBindable(request.origNum, countryCodes)) return invalid('origNum')
  if (request.origNum === request.privateNum) return invalid('origNum')
  if (request.recordFlag && !app.recordingEnabled) return refused(AX_CODES.recordingOff)
  if (request.calleeNumDisplay === '1' && !app.realCallerDisplay) return refused(AX_CODES.realCallerForbidden)
  return undefined
}

/** The binding that a bind makes on an X. The city belongs to X and cannot change, so it is not kept here. */
export function newBinding(app: App, request: AxBindRequest, x: E164, id: string, at: EpochMs): AxBinding {
  const { origNum, privateNum: _x, areaCode: _c, areaMatchMode: _m, ...settings } = request
  return { mode: 'AX', id, appKey: app.key, x, a: origNum, ...settings, changedAt: at }
}

/** The binding after a modify: absent members stay (spec/ax.md section 5). */
export function modified(old: AxBinding, { origNum, ...settings }: AxChanges, at: EpochMs): AxBinding {
  return { ...old, ...given(settings), a: origNum ?? old.a, changedAt: at }
}

/** Rules of a modify, on the binding as it was and as it would become. */
export function checkModify(
  app: App,
  old: AxBinding,
  changed: AxBinding,
  changes: AxChanges,
  x: XNumber | undefined,
  countryCodes: readonly string[],
): BindFailure | undefined {
  // An X that was barred keeps its binding as it is; only a new A would be a new use of it.
  if (changed.a !== old.a) {
    if (!isBindable(changed.a, countryCodes) || changed.a === changed.x) return invalid('origNum')
    if (x && x.status !== 'normal') return refused(AX_CODES.numberUnusable)
  }
  if (changes.recordFlag && !app.recordingEnabled) return refused(AX_CODES.recordingOff)
  return undefined
}

/**
 * Whether A's next call may go to this number: whoever could be bound, and 400 and 95 numbers; never an emergency or short
 * number, nor A or X themselves (spec/ax.md section 7, numbers-and-rules.md section 8).
 */
export function checkCallee(
  { a, x }: AxBinding,
  callee: E164,
  countryCodes: readonly string[],
): BindFailure | undefined {
  const callable = isBindable(callee, countryCodes) || isServiceNumber(callee)
  return callable && callee !== a && callee !== x ? undefined : invalid('calleeNum')
}

/** The result code for what storage could not do; `gone` when what was to be used is not there any more. */
export function failureOf(outcome: Extract<InsertOutcome, { ok: false }>, gone: string): BindFailure {
  switch (outcome.reason) {
    case 'claim-taken':
      // The claim of A itself on X comes first: this very pair. Else another A has X.
      return refused(outcome.taken.key === 'party' ? AX_CODES.alreadyBound : AX_CODES.takenByOther)
    case 'x-full':
      return refused(AX_CODES.takenByOther)
    case 'party-full':
      return refused(AX_CODES.partyFull)
    case 'day-full':
      return refused(AX_CODES.dayFull)
    case 'not-found':
      return refused(gone)
  }
}
