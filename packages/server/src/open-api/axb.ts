import type { AxbBinding, CallDirection, PreVoice } from '../bindings/binding.ts'
import type { AxbModifyRequest, AxbService } from '../bindings/axb-requests.ts'
import { formatWireTime } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import { invalidParameter, refusal, success, type Answer } from './answers.ts'
import {
  areaMatchMode,
  type AnnouncementExists,
  callDirection,
  isForbiddenUserData,
  isGiven,
  maxDuration,
  missingTone,
  preVoice,
  preVoiceTones,
  subscriptionId,
  toneFile,
  userData,
} from './fields.ts'
import {
  blankAsPlus,
  cityCode,
  emptyAsAbsent,
  flag,
  integer,
  integerOr,
  optional,
  parseJsonObject,
  partyNumber,
  readParams,
  required,
  virtualNumber,
  type Params,
} from './params.ts'
import type { ApiCall, Resource } from './resource.ts'

export type AxbDependencies = {
  readonly axb: AxbService
  readonly announcementExists: AnnouncementExists
}

/** Lifetime: at most 90 days, in seconds. */
const duration = integer(0, 7_776_000)

/** spec/axb.md section 3. */
const BIND = {
  callerNum: required(partyNumber),
  calleeNum: required(partyNumber),
  relationNum: optional(virtualNumber),
  areaCode: optional(cityCode),
  areaMatchMode: optional(areaMatchMode),
  callDirection: optional(callDirection),
  duration: optional(duration),
  recordFlag: optional(flag),
  recordHintTone: optional(toneFile),
  maxDuration: optional(maxDuration),
  lastMinVoice: optional(toneFile),
  privateSms: optional(flag),
  preVoice: optional(preVoice),
  userData: optional(userData),
} as const

/** spec/axb.md section 5. X cannot change: a `relationNum` in the body is ignored. */
const MODIFY = {
  subscriptionId: required(subscriptionId),
  callerNum: optional(partyNumber),
  calleeNum: optional(partyNumber),
  callDirection: optional(callDirection),
  duration: optional(duration),
  recordFlag: optional(flag),
  recordHintTone: optional(toneFile),
  maxDuration: optional(maxDuration),
  lastMinVoice: optional(toneFile),
  privateSms: optional(flag),
  preVoice: optional(preVoice),
  userData: optional(userData),
} as const

/** spec/axb.md section 4. An empty id is a fault: read as absent, it could unbind a whole X. */
const UNBIND_BY_ID = { subscriptionId: required(subscriptionId) } as const
const UNBIND_BY_X = { relationNum: required(blankAsPlus(virtualNumber)) } as const

/** spec/axb.md section 6. */
const queriedNumber = optional(emptyAsAbsent(blankAsPlus(partyNumber)))
const PAGE_SIZE_DEFAULT = 50
const page = {
  pageIndex: optional(emptyAsAbsent(integer(1, 2_147_483_647))),
  pageSize: optional(integerOr(PAGE_SIZE_DEFAULT, 10, 100)),
} as const
const QUERY_BY_ID = { subscriptionId: required(subscriptionId) } as const
const QUERY_BY_X = {
  relationNum: required(blankAsPlus(virtualNumber)),
  callerNum: queriedNumber,
  calleeNum: queriedNumber,
} as const

const TEXT = { type: 'string' } as const
const INTEGER = { type: 'integer' } as const

const DOCS: Resource['docs'] = {
  POST: {
    id: 'bindAxb',
    summary: 'Bind A and B to X',
    body: BIND,
    answer: {
      subscriptionId: TEXT,
      relationNum: TEXT,
      callDirection: INTEGER,
      duration: INTEGER,
      maxDuration: INTEGER,
      userData: TEXT,
    },
    codes: ['1010002', '1012007', '1012008', '1012009', '1012010', '1012012', '1012102', '1020182'],
  },
  DELETE: {
    id: 'unbindAxb',
    summary: 'Unbind one binding, or all of an X',
    query: { subscriptionId: optional(subscriptionId), relationNum: optional(virtualNumber) },
    codes: ['1010002', '1012001', '1012007'],
  },
  PUT: {
    id: 'modifyAxb',
    summary: 'Change a binding',
    body: MODIFY,
    codes: ['1010002', '1012007', '1012010', '1012012', '1012102'],
  },
  GET: {
    id: 'queryAxb',
    summary: 'Query bindings',
    query: {
      subscriptionId: optional(subscriptionId),
      relationNum: optional(virtualNumber),
      callerNum: queriedNumber,
      calleeNum: queriedNumber,
      ...page,
    },
    answer: {
      app_key: TEXT,
      relationNumList: { type: 'array', items: { type: 'object' } },
      totalCount: INTEGER,
      pageIndex: INTEGER,
      pageSize: INTEGER,
    },
    codes: ['1010002', '1012001', '1012007'],
  },
}

/** `/rest/caas/relationnumber/partners/v1.0`: bind, unbind, modify and query of AXB (spec/axb.md). */
export function axbResource(dependencies: AxbDependencies): Resource {
  return {
    path: '/rest/caas/relationnumber/partners/v1.0',
    mode: 'AXB',
    handlers: {
      POST: (call) => bind(dependencies, call),
      DELETE: (call) => unbind(dependencies, call),
      PUT: (call) => modify(dependencies, call),
      GET: (call) => query(dependencies, call),
    },
    docs: DOCS,
  }
}

async function bind(dependencies: AxbDependencies, { app, body }: ApiCall): Promise<Answer> {
  const source = parseJsonObject(body)
  if (source === undefined) return invalidParameter('body')
  const read = readParams(BIND, source)
  if (!read.ok) return invalidParameter(read.parameter)
  const { values } = read
  if (values.lastMinVoice !== undefined && !values.maxDuration) return invalidParameter('lastMinVoice')
  const culprit = culpritOf(values, app, dependencies)
  if (culprit !== undefined) return invalidParameter(culprit)

  const outcome = await dependencies.axb.bind(app, {
    callerNum: values.callerNum,
    calleeNum: values.calleeNum,
    relationNum: values.relationNum,
    areaCode: values.areaCode,
    areaMatchMode: values.areaMatchMode,
    callDirection: (values.callDirection ?? 0) as CallDirection,
    durationSec: values.duration ?? 0,
    maxDurationMin: values.maxDuration ?? 0,
    recordFlag: values.recordFlag ?? false,
    recordHintTone: values.recordHintTone,
    lastMinVoice: values.lastMinVoice,
    privateSms: values.privateSms ?? true,
    ...(values.privateSms === true && { preferSms: true }),
    preVoice: values.preVoice,
    userData: values.userData,
  })
  if (!outcome.ok) return refusal(outcome.code, outcome.parameter)
  const { binding } = outcome
  return success({
    subscriptionId: binding.id,
    relationNum: binding.x,
    callDirection: binding.callDirection,
    duration: binding.durationSec,
    maxDuration: binding.maxDurationMin,
    userData: binding.userData,
  })
}

/** The id wins: whatever stands beside it is not even read. A body is ignored (client-habits 5). */
async function unbind({ axb }: AxbDependencies, { app, query }: ApiCall): Promise<Answer> {
  const byId = query['subscriptionId'] !== undefined || query['relationNum'] === undefined
  const read = byId ? readParams(UNBIND_BY_ID, query) : readParams(UNBIND_BY_X, query)
  if (!read.ok) return invalidParameter(read.parameter)
  const outcome = await axb.unbind(app, read.values)
  return outcome.ok ? success() : refusal(outcome.code, outcome.parameter)
}

async function modify(dependencies: AxbDependencies, { app, body }: ApiCall): Promise<Answer> {
  const source = parseJsonObject(body)
  if (source === undefined) return invalidParameter('body')
  const read = readParams(MODIFY, source)
  if (!read.ok) return invalidParameter(read.parameter)
  const { duration, maxDuration, callDirection, ...unchangedNames } = read.values
  // Without maxDuration in the request the stored one decides: the domain's check.
  if (unchangedNames.lastMinVoice !== undefined && maxDuration === 0) return invalidParameter('lastMinVoice')
  const culprit = culpritOf(read.values, app, dependencies)
  if (culprit !== undefined) return invalidParameter(culprit)

  const request: AxbModifyRequest = {
    ...unchangedNames,
    ...(callDirection !== undefined && { callDirection: callDirection as CallDirection }),
    ...(duration !== undefined && { durationSec: duration }),
    ...(maxDuration !== undefined && { maxDurationMin: maxDuration }),
  }
  const outcome = await dependencies.axb.modify(app, request)
  return outcome.ok ? success() : refusal(outcome.code, outcome.parameter)
}

async function query({ axb }: AxbDependencies, { app, query: given }: ApiCall): Promise<Answer> {
  const byId = isGiven(given['subscriptionId']) || !isGiven(given['relationNum'])
  const key = byId ? readParams(QUERY_BY_ID, given) : readParams(QUERY_BY_X, given)
  if (!key.ok) return invalidParameter(key.parameter)
  const paged = readPage(given, 'subscriptionId' in key.values || hasNumber(key.values))
  if (!paged.ok) return invalidParameter(paged.parameter)
  const { pageIndex = 1, pageSize = PAGE_SIZE_DEFAULT } = paged.values

  const outcome = await axb.query(app, { ...key.values, pageIndex, pageSize })
  if (!outcome.ok) return refusal(outcome.code, outcome.parameter)
  return success({
    app_key: app.key,
    relationNumList: outcome.bindings.map(relationNumInfo),
    totalCount: outcome.total,
    pageIndex,
    pageSize,
  })
}

/** With an id, or a number beside X, there is one match at most: pageIndex is ignored, even a wrong one. */
function readPage(given: Params, single: boolean) {
  return readParams(page, single ? { pageSize: given['pageSize'] } : given)
}

function hasNumber(values: { readonly callerNum?: unknown; readonly calleeNum?: unknown }): boolean {
  return values.callerNum !== undefined || values.calleeNum !== undefined
}

/** The rules that need the app: announcement files that exist, no braces in userData. */
function culpritOf(
  values: {
    readonly recordHintTone?: string
    readonly lastMinVoice?: string
    readonly preVoice?: PreVoice
    readonly userData?: string
  },
  app: App,
  { announcementExists }: AxbDependencies,
): string | undefined {
  const { recordHintTone, lastMinVoice } = values
  const tones = { recordHintTone, lastMinVoice, ...preVoiceTones(values.preVoice) }
  const missing = missingTone(tones, app, announcementExists)
  return missing ?? (isForbiddenUserData(values.userData, app) ? 'userData' : undefined)
}

/** One element of `relationNumList`, members in the order of spec/axb.md section 6; what was never set is left out. */
function relationNumInfo(binding: AxbBinding): object {
  return {
    subscriptionId: binding.id,
    relationNum: binding.x,
    callerNum: binding.a,
    calleeNum: binding.b,
    callDirection: binding.callDirection,
    duration: binding.durationSec,
    maxDuration: binding.maxDurationMin,
    recordFlag: String(binding.recordFlag),
    recordHintTone: binding.recordHintTone,
    subscribeTime: formatWireTime(binding.changedAt),
    preVoice: binding.preVoice,
    lastMinVoice: binding.lastMinVoice,
    privateSms: String(binding.privateSms),
    areaCode: binding.areaCode,
    userData: binding.userData,
  }
}
