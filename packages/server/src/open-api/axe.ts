import type { AxeBinding } from '../bindings/binding.ts'
import type { AxeService } from '../bindings/axe-requests.ts'
import type { Placed } from '../bindings/ports.ts'
import type { App } from '../tenants/app.ts'
import { invalidParameter, refusal, success, type Answer } from './answers.ts'
import {
  areaMatchMode,
  type AnnouncementExists,
  isForbiddenUserData,
  isGiven,
  missingTone,
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
  Invalid,
  oneOf,
  optional,
  parseJsonObject,
  partyNumber,
  reader,
  readParams,
  required,
  text,
  virtualNumber,
  type Params,
  type Read,
  type Reader,
} from './params.ts'
import type { ApiCall, Resource } from './resource.ts'

export type AxeDependencies = {
  readonly axe: AxeService
  readonly announcementExists: AnnouncementExists
}

/** Its exact length is the app's: the domain's check. */
const extension = text(0, 4)
const displayNumMode = oneOf('0', '1')
const timeUnit = oneOf('0', '1')
/** 720 hours in minutes; the domain knows the unit. */
const expiredTime = integer(0, 43_200)
const x = emptyAsAbsent(blankAsPlus(virtualNumber))

/** An empty text is a value of its own: it clears. */
const clearable = <T>(read: Reader<T>): Reader<T | ''> =>
  reader({ anyOf: [read.schema, { const: '' }] }, (raw) => (raw === '' ? raw : read(raw)))

/** spec/axe.md section 2. */
const BIND = {
  virtualNum: optional(x),
  bindNum: required(partyNumber),
  areaCode: optional(cityCode),
  areaMatchMode: optional(areaMatchMode),
  extendNum: optional(extension),
  displayNumMode: optional(displayNumMode),
  recordFlag: optional(flag),
  recordHintTone: optional(toneFile),
  callbackTone: optional(toneFile),
  callbackNum: optional(emptyAsAbsent(partyNumber)),
  timeUnit: optional(timeUnit),
  bindExpiredTime: optional(expiredTime),
  callbackExpiredTime: optional(expiredTime),
  userData: optional(userData),
} as const

/** spec/axe.md section 4. A cannot change: a `bindNum` in the body is ignored. */
const MODIFY = {
  displayNumMode: optional(displayNumMode),
  recordFlag: optional(flag),
  recordHintTone: optional(toneFile),
  callbackTone: optional(clearable(toneFile)),
  callbackNum: optional(clearable(partyNumber)),
  timeUnit: optional(timeUnit),
  bindExpiredTime: optional(expiredTime),
  callbackExpiredTime: optional(expiredTime),
  userData: optional(userData),
} as const

/** What addresses one binding (spec/axe.md section 3): unused members may be there, but empty (client-habits 9). */
const KEY_BY_ID = { subscriptionId: required(subscriptionId) } as const
const KEY_BY_PAIR = { virtualNum: required(x), extendNum: required(extension) } as const
const KEY = {
  subscriptionId: optional(subscriptionId),
  virtualNum: optional(x),
  extendNum: optional(extension),
} as const

const CURSOR = /^\d{13}_(\d{1,20})$/

/** A place in the order of binding out of `1770910220000_17`; its time is for people, the number decides. */
const cursor: Reader<number> = reader({ type: 'string', pattern: CURSOR.source }, (raw) => {
  const seq = typeof raw === 'string' ? CURSOR.exec(raw)?.[1] : undefined
  return seq === undefined ? new Invalid() : Math.min(Number(seq), Number.MAX_SAFE_INTEGER)
})
const cursorAfter = ({ seq, binding }: Placed): string =>
  `${String(binding.changedAt).padStart(13, '0')}_${seq}`

/** spec/axe.md section 6. */
const PAGE_SIZE_DEFAULT = 20
const PAGE = {
  cursor: optional(emptyAsAbsent(cursor)),
  limit: optional(emptyAsAbsent(integer(1, 100))),
} as const
const LIST = { virtualNum: required(x), ...PAGE } as const

const TEXT = { type: 'string' } as const
const INTEGER = { type: 'integer' } as const
const BINDING = {
  subscriptionId: TEXT,
  virtualNum: TEXT,
  extendNum: TEXT,
  bindNum: TEXT,
  displayNumMode: displayNumMode.schema,
  recordFlag: flag.schema,
  recordHintTone: TEXT,
  callbackTone: TEXT,
  callbackNum: TEXT,
  timeUnit: timeUnit.schema,
  bindExpiredTime: INTEGER,
  callbackExpiredTime: INTEGER,
  userData: TEXT,
} as const

const DOCS: Resource['docs'] = {
  POST: {
    id: 'bindAxe',
    summary: 'Bind A to an extension of X',
    body: BIND,
    answer: { subscriptionId: TEXT, virtualNum: TEXT, extendNum: TEXT },
    codes: [
      '1010002',
      '1012001',
      '1012008',
      '1012012',
      '1012102',
      '1016002',
      '1020167',
      '1020178',
      '1020182',
    ],
  },
  DELETE: {
    id: 'unbindAxe',
    summary: 'Unbind one binding',
    query: KEY,
    codes: ['1010002', '1012001', '1016001'],
  },
  PUT: {
    id: 'modifyAxe',
    summary: 'Change a binding',
    body: { ...KEY, ...MODIFY },
    codes: ['1010002', '1012001', '1012012', '1016001', '1020178'],
  },
  GET: {
    id: 'queryAxe',
    summary: 'Query one binding',
    query: KEY,
    answer: BINDING,
    codes: ['1010002', '1012001', '1016001'],
  },
}

/** `/rest/caas/extendnumber/v1.0`: bind, unbind, modify and query of AXE (spec/axe.md sections 2 to 5). */
export function axeResource(dependencies: AxeDependencies): Resource {
  return {
    path: '/rest/caas/extendnumber/v1.0',
    mode: 'AXE',
    handlers: {
      POST: (call) => bind(dependencies, call),
      DELETE: (call) => unbind(dependencies, call),
      PUT: (call) => modify(dependencies, call),
      GET: (call) => query(dependencies, call),
    },
    docs: DOCS,
  }
}

/** `/rest/caas/extendnumber/v2.0`: the bindings of an X, page by page (spec/axe.md section 6). */
export function axeListResource(dependencies: AxeDependencies): Resource {
  return {
    path: '/rest/caas/extendnumber/v2.0',
    mode: 'AXE',
    handlers: { GET: (call) => list(dependencies, call) },
    docs: {
      GET: {
        id: 'listAxe',
        summary: 'Query the bindings of X page by page, or one binding',
        query: { ...KEY, ...PAGE },
        answer: {
          nextCursor: TEXT,
          nextCusor: TEXT,
          bindings: { type: 'array', items: { type: 'object', properties: BINDING } },
        },
        codes: ['1010002', '1012001', '1016001'],
      },
    },
  }
}

async function bind(dependencies: AxeDependencies, { app, body }: ApiCall): Promise<Answer> {
  const source = parseJsonObject(body)
  if (source === undefined) return invalidParameter('body')
  const read = readParams(BIND, source)
  if (!read.ok) return invalidParameter(read.parameter)
  const { values } = read
  const culprit =
    missingTone(tonesOf(values), app, dependencies.announcementExists) ??
    (isForbiddenUserData(values.userData, app) ? 'userData' : undefined)
  if (culprit !== undefined) return invalidParameter(culprit)

  const outcome = await dependencies.axe.bind(app, { ...values, recordFlag: values.recordFlag ?? false })
  if (!outcome.ok) return refusal(outcome.code, outcome.parameter)
  const { id, x: virtualNum, extension: extendNum } = outcome.binding
  return success({ subscriptionId: id, virtualNum, extendNum })
}

/** A body is ignored (client-habits 5). */
async function unbind({ axe }: AxeDependencies, { app, query }: ApiCall): Promise<Answer> {
  const key = readKey(query)
  if (!key.ok) return invalidParameter(key.parameter)
  const outcome = await axe.unbind(app, key.values)
  return outcome.ok ? success() : refusal(outcome.code, outcome.parameter)
}

async function modify(dependencies: AxeDependencies, { app, body }: ApiCall): Promise<Answer> {
  const source = parseJsonObject(body)
  if (source === undefined) return invalidParameter('body')
  const key = readKey(source)
  if (!key.ok) return invalidParameter(key.parameter)
  const read = readParams(MODIFY, source)
  if (!read.ok) return invalidParameter(read.parameter)
  const { values } = read
  const culprit =
    missingTone(tonesOf(values), app, dependencies.announcementExists) ??
    (isForbiddenModified(values.userData, app) ? 'userData' : undefined)
  if (culprit !== undefined) return invalidParameter(culprit)

  const outcome = await dependencies.axe.modify(app, { ...values, ...key.values })
  return outcome.ok ? success() : refusal(outcome.code, outcome.parameter)
}

async function query({ axe }: AxeDependencies, { app, query }: ApiCall): Promise<Answer> {
  const key = readKey(query)
  if (!key.ok) return invalidParameter(key.parameter)
  const outcome = await axe.query(app, key.values)
  return outcome.ok ? success(bindingInfo(outcome.binding)) : refusal(outcome.code, outcome.parameter)
}

/** Without an id or an extension a whole X is meant; else cursor and limit are not even read. */
async function list({ axe }: AxeDependencies, { app, query }: ApiCall): Promise<Answer> {
  const { subscriptionId, virtualNum, extendNum } = query
  if (isGiven(subscriptionId) || isGiven(extendNum) || !isGiven(virtualNum)) {
    const key = readKey(query)
    if (!key.ok) return invalidParameter(key.parameter)
    const outcome = await axe.query(app, key.values)
    if (!outcome.ok) return refusal(outcome.code, outcome.parameter)
    return success({ bindings: [bindingInfo(outcome.binding)] })
  }
  const read = readParams(LIST, query)
  if (!read.ok) return invalidParameter(read.parameter)
  const { cursor: after = 0, limit = PAGE_SIZE_DEFAULT } = read.values
  const outcome = await axe.list(app, { virtualNum: read.values.virtualNum, after, limit })
  if (!outcome.ok) return refusal(outcome.code, outcome.parameter)
  const next = outcome.next && cursorAfter(outcome.next)
  // The documents spell the member in two ways.
  return success({ nextCursor: next, nextCusor: next, bindings: outcome.bindings.map(bindingInfo) })
}

/** The id wins: whatever stands beside it is not even read. */
function readKey(source: Params): Read<typeof KEY_BY_ID> | Read<typeof KEY_BY_PAIR> {
  const byPair =
    !isGiven(source['subscriptionId']) && (isGiven(source['virtualNum']) || isGiven(source['extendNum']))
  return byPair ? readParams(KEY_BY_PAIR, source) : readParams(KEY_BY_ID, source)
}

/** The files a request names; an empty name clears and needs no file. */
const tonesOf = (values: { readonly recordHintTone?: string; readonly callbackTone?: string }) => ({
  recordHintTone: values.recordHintTone,
  callbackTone: values.callbackTone || undefined,
})

/** On modify `^` is forbidden too (spec/axe.md section 4). */
const isForbiddenModified = (given: string | undefined, app: App): boolean =>
  isForbiddenUserData(given, app) || (given !== undefined && !app.lenientUserData && given.includes('^'))

/** A binding as both queries show it, members in the order of spec/axe.md section 5; what was never set is left out. */
function bindingInfo(binding: AxeBinding): object {
  return {
    subscriptionId: binding.id,
    virtualNum: binding.x,
    extendNum: binding.extension,
    bindNum: binding.a,
    displayNumMode: binding.displayNumMode,
    recordFlag: String(binding.recordFlag),
    recordHintTone: binding.recordHintTone,
    callbackTone: binding.callbackTone,
    callbackNum: binding.callbackNum,
    timeUnit: binding.timeUnit,
    bindExpiredTime: binding.bindExpiredTime,
    callbackExpiredTime: binding.callbackExpiredTime,
    userData: binding.userData,
  }
}
