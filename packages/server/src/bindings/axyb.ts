import type { E164 } from '../shared/e164.ts'
import type { EpochMs } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import type { AxybBindRequest, AxybFailure } from './axyb-requests.ts'
import type { AxybBinding, AxybPair } from './binding.ts'
import { expiry, isBindable } from './parties.ts'

/** Result codes of the AXYB operations (spec/axyb.md section 7); texts and HTTP status belong to the API edge. */
export const AXYB_CODES = {
  invalidRequest: '1010002',
  /** The id or the number is none of this app's. */
  notOfThisApp: '1012001',
  /** The number is, but nothing is bound on it; or the relation is, but has no such pair. */
  notFound: '1016001',
  noResource: '1012008',
  alreadyBound: '1012010',
  recordingOff: '1012012',
  numberUnusable: '1012102',
  tooOften: '1020182',
} as const

/** spec/axyb.md section 1: one A on an X, five X of an A, 1000 relations behind a Y. */
export const AXYB_LIMITS = { relationsPerX: 1, xPerA: 5, pairsPerY: 1000 } as const

export const invalid = (parameter: string): AxybFailure => ({
  ok: false,
  code: AXYB_CODES.invalidRequest,
  parameter,
})
export const refused = (code: string): AxybFailure => ({ ok: false, code })
export const alreadyBound = (bound: E164): AxybFailure => ({
  ok: false,
  code: AXYB_CODES.alreadyBound,
  bound,
})

/** Rules of an A-X bind that need no storage. */
export function checkBind(
  app: App,
  request: AxybBindRequest,
  countryCodes: readonly string[],
): AxybFailure | undefined {
  if (!isBindable(request.origNum, countryCodes)) return invalid('origNum')
  return request.recordFlag && !app.recordingEnabled ? refused(AXYB_CODES.recordingOff) : undefined
}

/** The relation that an A-X bind makes on an X. */
export function newRelation(
  app: App,
  request: AxybBindRequest,
  x: E164,
  id: string,
  at: EpochMs,
): AxybBinding {
  const { origNum, areaMatchMode = '0', ...settings } = request
  return {
    mode: 'AXYB',
    id,
    appKey: app.key,
    x,
    a: origNum,
    areaMatchMode,
    ...settings,
    ...expiry(request.durationSec, at),
    changedAt: at,
  }
}

/** Who is to be paired, and what of the pair differs from what its relation says. */
export type PairDraft = {
  readonly b: E164
  /** Absent: as the relation says. */
  readonly ybDurationSec?: number
  readonly preVoiceY?: string
}

/** The pair of a relation on a Y. It ends with the relation at the latest (spec/axyb.md section 2.4). */
export function newPair(
  relation: AxybBinding,
  { b, ybDurationSec = relation.ybDurationSec, preVoiceY }: PairDraft,
  y: E164,
  id: string,
  at: EpochMs,
): AxybPair {
  const { appKey, x, a, callDirection, recordFlag, recordHintTone, preVoiceX, userData } = relation
  return {
    mode: 'AXYB-PAIR',
    id,
    relationId: relation.id,
    appKey,
    x,
    a,
    y,
    b,
    callDirection,
    recordFlag,
    recordHintTone,
    userData,
    preVoiceX,
    preVoiceY,
    ybDurationSec,
    ...earlier(expiry(ybDurationSec, at), relation),
    changedAt: at,
  }
}

type Life = { readonly expiresAt?: EpochMs }

function earlier(own: Life, { expiresAt: last = Infinity }: Life): Life {
  const expiresAt = Math.min(own.expiresAt ?? Infinity, last)
  return expiresAt === Infinity ? {} : { expiresAt }
}
