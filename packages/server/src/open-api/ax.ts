import type { AxChanges, AxEntry, AxQuery, AxService, AxTarget } from '../bindings/ax-requests.ts'
import type { CallDirection, PreVoice } from '../bindings/binding.ts'
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
  Invalid,
  oneOf,
  optional,
  type Param,
  type Params,
  parseJsonObject,
  partyNumber,
  reader,
  type Reader,
  readParams,
  required,
} from './params.ts'
import type { ApiCall, Resource } from './resource.ts'

export type AxDependencies = {
  readonly ax: AxService
  readonly announcementExists: AnnouncementExists
}

/** Members that are not used stand in requests as empty texts (client-habits 9). */
export const unlessEmpty = <T>(read: Reader<T>): Param<T, false> => optional(emptyAsAbsent(read))

/** An X as it is named. Whether it is a number at all is the domain's question: it has codes of its own for that. */
export const namedX = reader({ type: 'string', maxLength: 32, examples: ['+8617000000001'] }, (raw) => {
  if (typeof raw === 'string') return raw
  return typeof raw === 'number' ? String(raw) : new Invalid()
})

const calleeNumDisplay = oneOf('0', '1')
const turnFlag = oneOf('on', 'off')

/** spec/ax.md section 3. `privateNumType` has but one value and is not read. */
const BIND = {
  origNum: required(partyNumber),
  privateNum: unlessEmpty(namedX),
  areaCode: unlessEmpty(cityCode),
  areaMatchMode: unlessEmpty(areaMatchMode),
  recordFlag: unlessEmpty(flag),
  recordHintTone: unlessEmpty(toneFile),
  calleeNumDisplay: unlessEmpty(calleeNumDisplay),
  privateSms: unlessEmpty(flag),
  preVoice: unlessEmpty(preVoice),
  maxDuration: unlessEmpty(maxDuration),
  lastMinVoice: unlessEmpty(toneFile),
  userData: unlessEmpty(userData),
  turnFlag: unlessEmpty(turnFlag),
  callDirection: unlessEmpty(callDirection),
} as const

/** spec/ax.md section 5. X cannot change, nor can calleeNumDisplay and preVoice: they are not read. */
const CHANGES = {
  origNum: unlessEmpty(partyNumber),
  privateSms: unlessEmpty(flag),
  recordFlag: unlessEmpty(flag),
  recordHintTone: unlessEmpty(toneFile),
  maxDuration: unlessEmpty(maxDuration),
  lastMinVoice: unlessEmpty(toneFile),
  userData: unlessEmpty(userData),
  turnFlag: unlessEmpty(turnFlag),
  callDirection: unlessEmpty(callDirection),
} as const

/** Which binding is meant (spec/ax.md sections 4 to 7). */
const BY_ID = { subscriptionId: required(subscriptionId) } as const
const BY_X = { privateNum: required(blankAsPlus(namedX)) } as const
const BY_A = { origNum: required(blankAsPlus(partyNumber)) } as const
const OF_A = { origNum: unlessEmpty(blankAsPlus(partyNumber)) } as const

const TEXT = { type: 'string' } as const
const TARGET = { subscriptionId: optional(subscriptionId), privateNum: optional(namedX) } as const

const DOCS: Resource['docs'] = {
  POST: {
    id: 'bindAx',
    summary: 'Bind A to X',
    body: BIND,
    answer: { origNum: TEXT, privateNum: TEXT, subscriptionId: TEXT },
    codes: [
      '1010002',
      '1011001',
      '1011002',
      '1011003',
      '1011005',
      '1012012',
      '1012102',
      '1016002',
      '1020178',
      '1020182',
    ],
  },
  DELETE: {
    id: 'unbindAx',
    summary: 'Unbind a binding, named by its id, by X, or by A and X',
    query: { ...TARGET, ...OF_A },
    codes: ['1010002', '1011004', '1016001'],
  },
  PUT: {
    id: 'modifyAx',
    summary: 'Change a binding; origNum is the new A',
    body: { ...TARGET, ...CHANGES },
    codes: ['1010002', '1011001', '1011003', '1012012', '1012102', '1016001'],
  },
  GET: {
    id: 'queryAx',
    summary: 'Query one binding, or all of an A',
    query: { ...TARGET, ...OF_A },
    answer: { privateNumList: { type: 'array', items: { type: 'object' } } },
    codes: ['1010002', '1011001', '1016001'],
  },
}

/** `/rest/provision/caas/privatenumber/v1.0`: bind, unbind, modify and query of AX (spec/ax.md). */
export function axResource(dependencies: AxDependencies): Resource {
  return {
    path: '/rest/provision/caas/privatenumber/v1.0',
    mode: 'AX',
    handlers: {
      POST: (call) => bind(dependencies, call),
      DELETE: (call) => unbind(dependencies, call),
      PUT: (call) => modify(dependencies, call),
      GET: (call) => query(dependencies, call),
    },
    docs: DOCS,
  }
}

async function bind(dependencies: AxDependencies, { app, body }: ApiCall): Promise<Answer> {
  const source = parseJsonObject(body)
  if (source === undefined) return invalidParameter('body')
  const read = readParams(BIND, source)
  if (!read.ok) return invalidParameter(read.parameter)
  const { maxDuration: maxDurationMin = 0, callDirection: direction = 0, ...values } = read.values
  const culprit = culpritOf(values, app, dependencies)
  if (culprit !== undefined) return invalidParameter(culprit)

  const outcome = await dependencies.ax.bind(app, {
    ...values,
    recordFlag: values.recordFlag ?? false,
    privateSms: values.privateSms ?? true,
    turnFlag: values.turnFlag ?? 'on',
    callDirection: direction as CallDirection,
    maxDurationMin,
  })
  if (!outcome.ok) return refusal(outcome.code, outcome.parameter)
  const { a, x, id } = outcome.binding
  return success({ origNum: a, privateNum: x, subscriptionId: id })
}

/** A body is ignored (client-habits 5). */
async function unbind({ ax }: AxDependencies, { app, query: given }: ApiCall): Promise<Answer> {
  const target = targetOf(given)
  if (!target.ok) return invalidParameter(target.parameter)
  const pair = target.value.by === 'x' ? readParams(OF_A, given) : undefined
  if (pair?.ok === false) return invalidParameter(pair.parameter)
  const outcome = await ax.unbind(app, { ...target.value, ...pair?.values })
  return outcome.ok ? success() : refusal(outcome.code, outcome.parameter)
}

async function modify(dependencies: AxDependencies, { app, body }: ApiCall): Promise<Answer> {
  const source = parseJsonObject(body)
  if (source === undefined) return invalidParameter('body')
  const target = targetOf(source)
  if (!target.ok) return invalidParameter(target.parameter)
  const read = readParams(CHANGES, source)
  if (!read.ok) return invalidParameter(read.parameter)
  const { maxDuration: maxDurationMin, callDirection: direction, ...values } = read.values
  const culprit = culpritOf(values, app, dependencies)
  if (culprit !== undefined) return invalidParameter(culprit)

  const changes: AxChanges = {
    ...values,
    ...(maxDurationMin !== undefined && { maxDurationMin }),
    ...(direction !== undefined && { callDirection: direction as CallDirection }),
  }
  const outcome = await dependencies.ax.modify(app, target.value, changes)
  return outcome.ok ? success() : refusal(outcome.code, outcome.parameter)
}

async function query({ ax }: AxDependencies, { app, query: given }: ApiCall): Promise<Answer> {
  const asked = queryOf(given)
  if (!asked.ok) return invalidParameter(asked.parameter)
  const outcome = await ax.query(app, asked.value)
  if (!outcome.ok) return refusal(outcome.code, outcome.parameter)
  return success({ privateNumList: outcome.entries.map(entryInfo) })
}

type Named<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly parameter: string }

/** Which binding a request names: the id wins over X, and what does not win is not even read. */
export function targetOf(source: Params): Named<AxTarget> {
  if (isGiven(source['subscriptionId']) || !isGiven(source['privateNum'])) {
    const read = readParams(BY_ID, source)
    return read.ok ? { ok: true, value: { by: 'id', ...read.values } } : read
  }
  const read = readParams(BY_X, source)
  return read.ok ? { ok: true, value: { by: 'x', ...read.values } } : read
}

/** The id wins, then A, then X (spec/ax.md section 6). */
function queryOf(source: Params): Named<AxQuery> {
  if (isGiven(source['subscriptionId']) || !isGiven(source['origNum'])) return targetOf(source)
  const read = readParams(BY_A, source)
  return read.ok ? { ok: true, value: { by: 'a', ...read.values } } : read
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
  { announcementExists }: AxDependencies,
): string | undefined {
  const { recordHintTone, lastMinVoice } = values
  const tones = { recordHintTone, lastMinVoice, ...preVoiceTones(values.preVoice) }
  const missing = missingTone(tones, app, announcementExists)
  return missing ?? (isForbiddenUserData(values.userData, app) ? 'userData' : undefined)
}

/** One element of `privateNumList`, members in the order of spec/ax.md section 6; what was never set is left out. */
function entryInfo({ binding, areaCode }: AxEntry): object {
  return {
    origNum: binding.a,
    privateNum: binding.x,
    privateNumType: 'mobile-virtual',
    areaCode,
    recordFlag: String(binding.recordFlag),
    recordHintTone: binding.recordFlag ? binding.recordHintTone : undefined,
    preVoice: binding.preVoice,
    calleeNumDisplay: binding.calleeNumDisplay,
    subscriptionId: binding.id,
    privateSms: String(binding.privateSms),
    maxDuration: binding.maxDurationMin,
    lastMinVoice: binding.lastMinVoice,
    userData: binding.userData,
    turnFlag: binding.turnFlag,
    callDirection: binding.callDirection,
  }
}
