import type { E164 } from '../shared/e164.ts'
import type { EpochMs } from '../shared/time.ts'
import type { XNumber } from '../numbers/x-number.ts'
import type { App } from '../tenants/app.ts'
import { invalid, refused } from './failures.ts'
import type { AxbBindRequest, AxbModifyRequest, BindFailure } from './axb-requests.ts'
import type { AxbBinding } from './binding.ts'
import { DEFAULT_COUNTRY_CODES, expiry, given, isBindable } from './parties.ts'
import type { InsertOutcome } from './ports.ts'

/** Result codes of the AXB operations (spec/axb.md section 9); texts and HTTP status belong to the API edge. */
export const AXB_CODES = {
  invalidRequest: '1010002',
  notOfThisApp: '1012001',
  notFound: '1012007',
  noResource: '1012008',
  xFull: '1012009',
  alreadyBound: '1012010',
  recordingOff: '1012012',
  numberUnusable: '1012102',
  dayFull: '1020182',
} as const

export type AxbPolicy = {
  /** Most pairs on one X (spec/axb.md section 1; default 5000). */
  readonly maxPairsPerX: number
  /** Country codes whose numbers may be bound. */
  readonly countryCodes: readonly string[]
  /** Most binds of A a day, 0 = any number. */
  readonly maxBindsPerDay: number
}

export const DEFAULT_AXB_POLICY: AxbPolicy = {
  maxPairsPerX: 5000,
  countryCodes: DEFAULT_COUNTRY_CODES,
  maxBindsPerDay: 0,
}

/** Rules on A and B of a pair; with `x` also that neither is the X itself. */
export function checkParties(
  a: E164,
  b: E164,
  x: E164 | undefined,
  countryCodes: readonly string[],
): BindFailure | undefined {
  if (!isBindable(a, countryCodes)) return invalid('callerNum')
  if (!isBindable(b, countryCodes)) return invalid('calleeNum')
  if (a === b) return invalid('calleeNum')
  if (a === x) return invalid('callerNum')
  if (b === x) return invalid('calleeNum')
  return undefined
}

/** Rules of a bind that need no storage. */
export function checkBind(app: App, request: AxbBindRequest, policy: AxbPolicy): BindFailure | undefined {
  const { callerNum, calleeNum, relationNum } = request
  const parties = checkParties(callerNum, calleeNum, relationNum, policy.countryCodes)
  if (parties) return parties
  if (request.recordFlag && !app.recordingEnabled) return refused(AXB_CODES.recordingOff)
  return undefined
}

/** The X a bind names: it must be this app's, and in a state that takes binds. */
export function checkX(app: App, x: XNumber | undefined): BindFailure | undefined {
  if (!x || x.appKey !== app.key) return refused(AXB_CODES.notFound)
  if (x.status !== 'normal') return refused(AXB_CODES.numberUnusable)
  return undefined
}

/** The binding that a bind makes on an X. */
export function newBinding(app: App, request: AxbBindRequest, x: E164, id: string, at: EpochMs): AxbBinding {
  const { callerNum, calleeNum, relationNum: _x, areaMatchMode: _m, ...settings } = request
  return {
    mode: 'AXB',
    id,
    appKey: app.key,
    x,
    a: callerNum,
    b: calleeNum,
    ...settings,
    ...expiry(request.durationSec, at),
    changedAt: at,
  }
}

/**
 * The binding after a modify: absent members stay, `durationSec` counts anew from now whatever was set before
 * (spec/axb.md section 7).
 */
export function modified(old: AxbBinding, request: AxbModifyRequest, at: EpochMs): AxbBinding {
  const { subscriptionId: _id, callerNum, calleeNum, preVoice, ...settings } = request
  const changed: AxbBinding = {
    ...old,
    ...given(settings),
    a: callerNum ?? old.a,
    b: calleeNum ?? old.b,
    ...(preVoice && { preVoice: { ...old.preVoice, ...given(preVoice) } }),
    changedAt: at,
  }
  if (request.durationSec === undefined) return changed
  const { expiresAt: _old, ...lasting } = changed
  return { ...lasting, ...expiry(request.durationSec, at) }
}

/** Rules of a modify, on the binding as it was and as it would become. */
export function checkModify(
  app: App,
  request: AxbModifyRequest,
  old: AxbBinding,
  changed: AxbBinding,
  x: XNumber | undefined,
  policy: AxbPolicy,
): BindFailure | undefined {
  // An X that was barred keeps its pairs as they are; only a new party would be a new use of it.
  const newParty = changed.a !== old.a || changed.b !== old.b
  if (newParty) {
    const parties = checkParties(changed.a, changed.b, changed.x, policy.countryCodes)
    if (parties) return parties
    if (x && x.status !== 'normal') return refused(AXB_CODES.numberUnusable)
  }
  if (request.recordFlag && !app.recordingEnabled) return refused(AXB_CODES.recordingOff)
  // A last-minute prompt needs a last minute, set now or before.
  if (request.lastMinVoice && changed.maxDurationMin === 0) return invalid('lastMinVoice')
  return undefined
}

/** The result code for what storage could not do. */
export function failureOf(outcome: Extract<InsertOutcome, { ok: false }>): BindFailure {
  switch (outcome.reason) {
    case 'claim-taken':
      return refused(AXB_CODES.alreadyBound)
    case 'x-full':
      return refused(AXB_CODES.xFull)
    case 'not-found':
      return refused(AXB_CODES.notFound)
    case 'day-full':
      return refused(AXB_CODES.dayFull)
    // No rule of AXB limits how many X a party may use.
    case 'party-full':
      return refused(AXB_CODES.noResource)
  }
}
