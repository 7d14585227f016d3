import type { E164 } from '../shared/e164.ts'
import type { EpochMs } from '../shared/time.ts'
import type { XNumber } from '../numbers/x-number.ts'
import type { App } from '../tenants/app.ts'
import { invalid, refused } from './failures.ts'
import type { BindFailure } from './axb-requests.ts'
import type { AxeBindRequest, AxeModifyRequest, TimeUnit } from './axe-requests.ts'
import type { AxeBinding } from './binding.ts'
import { DEFAULT_COUNTRY_CODES, expiry, given, isBindable } from './parties.ts'
import type { ExtensionOutcome } from './ports.ts'

/** Result codes of the AXE operations (spec/axe.md section 8); texts and HTTP status belong to the API edge. */
export const AXE_CODES = {
  invalidRequest: '1010002',
  notOfThisApp: '1012001',
  noResource: '1012008',
  recordingOff: '1012012',
  numberUnusable: '1012102',
  notFound: '1016001',
  alreadyBound: '1016002',
  extensionTaken: '1020167',
  realCallerForbidden: '1020178',
  dayFull: '1020182',
} as const

export type AxePolicy = {
  /** Life of a binding that names none, hours; 0 = never expires (spec/axe.md section 2). */
  readonly defaultBindHours: number
  /** Country codes whose numbers may be bound. */
  readonly countryCodes: readonly string[]
  /** Most binds of A a day, 0 = any number. */
  readonly maxBindsPerDay: number
}

export const DEFAULT_AXE_POLICY: AxePolicy = {
  defaultBindHours: 0,
  countryCodes: DEFAULT_COUNTRY_CODES,
  maxBindsPerDay: 0,
}

const DEFAULT_EXTENSION_LENGTH = 4
const HOUR_SEC = 3600
const UNIT_SEC: Readonly<Record<TimeUnit, number>> = { '0': HOUR_SEC, '1': 60 }
/** Longest life of a binding and of a call-back record: 720 hours or 43200 minutes. */
const LONGEST_SEC = 720 * HOUR_SEC
/** Life of a call-back record that the binding does not set, hours: a stranger's number is not kept for ever. */
const DEFAULT_CALLBACK_HOURS = 168

/** Digits of an extension of this app. */
export const extensionLengthOf = (app: App): number => app.axe?.extensionLength ?? DEFAULT_EXTENSION_LENGTH

/** How many extensions an X can give: 9, 99, 999, 9999; all zeros is given only to who asks for it. */
export const extensionsOf = (app: App): number => 10 ** extensionLengthOf(app) - 1

/** Whether a text can be an extension of this app: so many digits, leading zeros kept. */
export const isExtension = (app: App, text: string): boolean =>
  text.length === extensionLengthOf(app) && /^\d+$/.test(text)

/** Rules of a bind that need no storage. */
export function checkBind(app: App, request: AxeBindRequest, policy: AxePolicy): BindFailure | undefined {
  const { bindNum, virtualNum, extendNum, callbackNum } = request
  if (virtualNum === undefined && request.areaCode === undefined) return invalid('virtualNum')
  if (!isBindable(bindNum, policy.countryCodes) || bindNum === virtualNum) return invalid('bindNum')
  if (extendNum !== undefined && !isExtension(app, extendNum)) return invalid('extendNum')
  if (request.callbackTone !== undefined && callbackNum !== undefined) return invalid('callbackTone')
  return (
    checkCallbackNum(callbackNum, bindNum, virtualNum, policy) ??
    checkTimes(request, request.timeUnit ?? '0') ??
    checkSwitches(app, request)
  )
}

/** The X a bind names: it must be this app's, and in a state that takes binds. */
export function checkX(app: App, x: XNumber | undefined): BindFailure | undefined {
  if (!x || x.appKey !== app.key) return refused(AXE_CODES.notOfThisApp)
  if (x.status !== 'normal') return refused(AXE_CODES.numberUnusable)
  return undefined
}

/** The binding that a bind makes on an X; storage gives it its extension. */
export function newBinding(
  app: App,
  request: AxeBindRequest,
  x: E164,
  id: string,
  at: EpochMs,
  policy: AxePolicy,
): Omit<AxeBinding, 'extension'> {
  const { bindNum, virtualNum: _x, areaMatchMode: _m, extendNum: _e, ...settings } = request
  const { timeUnit = '0', bindExpiredTime, callbackExpiredTime } = request
  const timed = bindExpiredTime !== undefined || callbackExpiredTime !== undefined
  const lifeSec =
    bindExpiredTime === undefined ? policy.defaultBindHours * HOUR_SEC : bindExpiredTime * UNIT_SEC[timeUnit]
  return {
    mode: 'AXE',
    id,
    appKey: app.key,
    x,
    a: bindNum,
    ...settings,
    // A time without its unit means nothing to who reads it back.
    ...(timed && { timeUnit }),
    callbackLifeMs: callbackLifeMs(callbackExpiredTime, timeUnit),
    ...expiry(lifeSec, at),
    changedAt: at,
  }
}

/**
 * The binding after a modify: absent members stay, `bindExpiredTime` counts anew from now. The query goes on to show the unit
 * and life that the bind gave, whatever counts since (spec/axe.md section 4).
 */
export function modified(old: AxeBinding, request: AxeModifyRequest, at: EpochMs): AxeBinding {
  const { displayNumMode, recordFlag, recordHintTone, userData, bindExpiredTime, callbackExpiredTime } =
    request
  const unit = unitOf(old, request)
  const changed: AxeBinding = {
    ...withCallback(old, request),
    ...given({ displayNumMode, recordFlag, recordHintTone, userData }),
    ...(callbackExpiredTime !== undefined && {
      timeUnit: old.timeUnit ?? unit,
      ...shownLife(callbackExpiredTime, unit, old),
      callbackLifeMs: callbackLifeMs(callbackExpiredTime, unit),
    }),
    changedAt: at,
  }
  if (bindExpiredTime === undefined) return changed
  const { expiresAt: _old, ...lasting } = changed
  return {
    ...lasting,
    ...(old.bindExpiredTime === undefined && { timeUnit: unit, bindExpiredTime }),
    ...expiry(bindExpiredTime * UNIT_SEC[unit], at),
  }
}

/** Rules of a modify on the binding as it was. */
export function checkModify(
  app: App,
  request: AxeModifyRequest,
  old: AxeBinding,
  policy: AxePolicy,
): BindFailure | undefined {
  return (
    checkCallbackNum(request.callbackNum || undefined, old.a, old.x, policy) ??
    checkTimes(request, unitOf(old, request)) ??
    checkSwitches(app, request)
  )
}

/** The result code for what storage could not do. */
export function failureOf(outcome: Extract<ExtensionOutcome, { ok: false }>): BindFailure {
  switch (outcome.reason) {
    case 'claim-taken':
      return refused(outcome.taken.key === 'ext' ? AXE_CODES.extensionTaken : AXE_CODES.alreadyBound)
    case 'x-full':
      return refused(AXE_CODES.noResource)
    case 'not-found':
      return refused(AXE_CODES.notOfThisApp)
    case 'day-full':
      return refused(AXE_CODES.dayFull)
    // No rule of AXE limits how many X a party may use.
    case 'party-full':
      return refused(AXE_CODES.noResource)
  }
}

/** Unit of the times in a modify: its own, else the binding's, else hours. */
const unitOf = (old: AxeBinding, { timeUnit }: AxeModifyRequest): TimeUnit => timeUnit ?? old.timeUnit ?? '0'

function callbackLifeMs(callbackExpiredTime: number | undefined, unit: TimeUnit): number {
  const lifeSec =
    callbackExpiredTime === undefined
      ? DEFAULT_CALLBACK_HOURS * HOUR_SEC
      : callbackExpiredTime * UNIT_SEC[unit]
  return lifeSec * 1000
}

/** A query shows the unit of the bind, so the new life is shown in that, where it can be. */
function shownLife(
  life: number,
  unit: TimeUnit,
  { timeUnit = unit, callbackExpiredTime }: AxeBinding,
): Pick<AxeBinding, 'callbackExpiredTime'> {
  const inShown = (life * UNIT_SEC[unit]) / UNIT_SEC[timeUnit]
  if (Number.isInteger(inShown)) return { callbackExpiredTime: inShown }
  return callbackExpiredTime === undefined ? {} : { callbackExpiredTime }
}

/** Empty clears; of both given the number wins, as if the tone were absent. */
function withCallback(old: AxeBinding, { callbackNum, callbackTone }: AxeModifyRequest): AxeBinding {
  const { callbackNum: oldNum, callbackTone: oldTone, ...rest } = old
  const num = callbackNum ?? oldNum
  const tone = (callbackNum ? undefined : callbackTone) ?? oldTone
  return { ...rest, ...(num && { callbackNum: num }), ...(tone && { callbackTone: tone }) }
}

/** A call back must reach someone else than A, and not through the X it came from. */
function checkCallbackNum(
  callbackNum: E164 | undefined,
  a: E164,
  x: E164 | undefined,
  { countryCodes }: AxePolicy,
): BindFailure | undefined {
  if (callbackNum === undefined) return undefined
  const reachable = isBindable(callbackNum, countryCodes) && callbackNum !== a && callbackNum !== x
  return reachable ? undefined : invalid('callbackNum')
}

function checkTimes(
  {
    bindExpiredTime = 0,
    callbackExpiredTime = 0,
  }: Pick<AxeBindRequest, 'bindExpiredTime' | 'callbackExpiredTime'>,
  unit: TimeUnit,
): BindFailure | undefined {
  const most = LONGEST_SEC / UNIT_SEC[unit]
  if (bindExpiredTime > most) return invalid('bindExpiredTime')
  if (callbackExpiredTime > most) return invalid('callbackExpiredTime')
  return undefined
}

/** What the app must allow first: recording, and showing the real caller. */
function checkSwitches(
  app: App,
  { recordFlag, displayNumMode }: Pick<AxeModifyRequest, 'recordFlag' | 'displayNumMode'>,
): BindFailure | undefined {
  if (displayNumMode === '1' && !app.realCallerDisplay) return refused(AXE_CODES.realCallerForbidden)
  if (recordFlag && !app.recordingEnabled) return refused(AXE_CODES.recordingOff)
  return undefined
}
