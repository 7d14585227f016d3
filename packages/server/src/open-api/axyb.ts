import type { AxybFailure, AxybRelation, AxybService } from '../bindings/axyb-requests.ts'
import type { AxybPair, CallDirection } from '../bindings/binding.ts'
import { formatWireTime } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import { failure, invalidParameter, numberBound, refusal, success, type Answer } from './answers.ts'
import {
  areaMatchMode,
  type AnnouncementExists,
  callDirection,
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
  flag,
  integer,
  Invalid,
  optional,
  parseJsonObject,
  partyNumber,
  reader,
  readParams,
  required,
  text,
  virtualNumber,
  type Params,
} from './params.ts'
import type { ApiCall, ApiHandler, Resource } from './resource.ts'

export type AxybDependencies = {
  readonly axyb: AxybService
  readonly announcementExists: AnnouncementExists
}

/** Shortest and longest life, seconds: a minute and 90 days. */
const SHORTEST = 60
const LONGEST = 7_776_000
const seconds = integer(0, LONGEST)
/** A life in seconds; 0 has a meaning of its own. */
const life = reader<number>(
  {
    anyOf: [
      { type: 'integer', const: 0 },
      { type: 'integer', minimum: SHORTEST, maximum: LONGEST },
    ],
  },
  (raw) => {
    const value = seconds(raw)
    return typeof value === 'number' && value > 0 && value < SHORTEST ? new Invalid() : value
  },
)

/** spec/axyb.md section 2.1. */
const BIND = {
  origNum: required(partyNumber),
  areaCode: optional(cityCode),
  areaMatchMode: optional(areaMatchMode),
  callDirection: optional(callDirection),
  duration: optional(life),
  ybDuration: optional(life),
  recordFlag: optional(flag),
  recordHintTone: optional(toneFile),
  preVoiceX: optional(toneFile),
  userData: optional(userData),
} as const

/** spec/axyb.md section 2.2. The id makes the request one for a pair; what belongs to A-X is not read. */
const BIND_PAIR = {
  subscriptionId: required(subscriptionId),
  origNum: required(partyNumber),
  areaCode: optional(cityCode),
  areaMatchMode: optional(areaMatchMode),
  ybDuration: optional(life),
  preVoiceY: optional(toneFile),
} as const

/** spec/axyb.md section 3. */
const RELATION = { subscriptionId: required(subscriptionId) } as const
const BY_Y = { ...RELATION, yNum: required(blankAsPlus(virtualNumber)) } as const
const BY_B = { ...RELATION, bNum: required(blankAsPlus(partyNumber)) } as const

/** spec/axyb.md section 5. */
const BY_X = { relationNum: required(blankAsPlus(virtualNumber)) } as const

/** APP_Key of the app, beside the signed header (client-habits 8). */
const APP_KEY = { app_key: optional(text(1, 128)) } as const

const TEXT = { type: 'string' } as const
const INTEGER = { type: 'integer' } as const
const ENTRY = {
  type: 'object',
  properties: {
    bindId: TEXT,
    numA: TEXT,
    numX: TEXT,
    numY: TEXT,
    numB: TEXT,
    recordFlag: { type: 'string', enum: ['true', 'false'] },
    recordHintTone: TEXT,
    subscribeTime: TEXT,
    callDirection: INTEGER,
    duration: TEXT,
    ybDuration: TEXT,
    preVoiceX: TEXT,
    preVoiceY: TEXT,
    userData: TEXT,
  },
} as const

const DOCS: Resource['docs'] = {
  POST: {
    id: 'bindAxyb',
    summary: 'Bind A to an X; with a subscriptionId, bind B to a Y of that relation',
    query: APP_KEY,
    body: { ...BIND, ...BIND_PAIR, subscriptionId: optional(subscriptionId) },
    answer: { subscriptionId: TEXT, relationNumber: TEXT },
    codes: ['1010002', '1012001', '1012008', '1012010', '1012012', '1012102', '1020182'],
  },
  DELETE: {
    id: 'unbindAxyb',
    summary: 'Unbind a relation with all its pairs; with yNum or bNum, one pair',
    query: { ...APP_KEY, ...RELATION, yNum: optional(virtualNumber), bNum: optional(partyNumber) },
    codes: ['1010002', '1012001', '1016001'],
  },
  GET: {
    id: 'queryAxyb',
    summary: 'Query a relation, one entry for each pair',
    query: { ...APP_KEY, subscriptionId: optional(subscriptionId), relationNum: optional(virtualNumber) },
    answer: { xyRelationNumList: { type: 'array', items: ENTRY } },
    codes: ['1010002', '1012001', '1016001'],
  },
}

/** `/rest/omp/xyrelationnumber/v1.0`: bind, unbind and query of AXYB (spec/axyb.md). */
export function axybResource(dependencies: AxybDependencies): Resource {
  const handler =
    (handle: (dependencies: AxybDependencies, call: ApiCall) => Promise<Answer>): ApiHandler =>
    async (call) =>
      namesApp(call) ? handle(dependencies, call) : failure('403 1010003')
  return {
    path: '/rest/omp/xyrelationnumber/v1.0',
    mode: 'AXYB',
    handlers: { POST: handler(bind), DELETE: handler(unbind), GET: handler(query) },
    docs: DOCS,
  }
}

/** Whether the URL names the app that signed the request; without the parameter the header has named it. */
function namesApp({ app, query }: ApiCall): boolean {
  const { app_key: named } = query
  return !isGiven(named) || named === app.key
}

async function bind(dependencies: AxybDependencies, { app, body }: ApiCall): Promise<Answer> {
  const source = parseJsonObject(body)
  if (source === undefined) return invalidParameter('body')
  // A client may fill in every member: an empty id is none, and A-X is meant.
  const wantsPair = isGiven(source['subscriptionId'])
  return wantsPair ? bindPair(dependencies, app, source) : bindRelation(dependencies, app, source)
}

async function bindRelation(
  { axyb, announcementExists }: AxybDependencies,
  app: App,
  source: Params,
): Promise<Answer> {
  const read = readParams(BIND, source)
  if (!read.ok) return invalidParameter(read.parameter)
  const { duration = 0, ybDuration = 0, callDirection = 0, recordFlag = false, ...settings } = read.values
  const { recordHintTone, preVoiceX } = settings
  const missing = missingTone({ recordHintTone, preVoiceX }, app, announcementExists)
  if (missing !== undefined) return invalidParameter(missing)
  if (isForbiddenUserData(settings.userData, app)) return invalidParameter('userData')

  const outcome = await axyb.bind(app, {
    ...settings,
    callDirection: callDirection as CallDirection,
    durationSec: duration,
    ybDurationSec: ybDuration,
    recordFlag,
  })
  if (!outcome.ok) return refusalOf(outcome)
  return success({ subscriptionId: outcome.binding.id, relationNumber: outcome.binding.x })
}

async function bindPair(
  { axyb, announcementExists }: AxybDependencies,
  app: App,
  source: Params,
): Promise<Answer> {
  const read = readParams(BIND_PAIR, source)
  if (!read.ok) return invalidParameter(read.parameter)
  const { ybDuration, ...settings } = read.values
  const missing = missingTone({ preVoiceY: settings.preVoiceY }, app, announcementExists)
  if (missing !== undefined) return invalidParameter(missing)

  const outcome = await axyb.bindPair(app, { ...settings, ybDurationSec: ybDuration })
  if (!outcome.ok) return refusalOf(outcome)
  return success({ subscriptionId: outcome.pair.relationId, relationNumber: outcome.pair.y })
}

/** A body is ignored (client-habits 5). Y wins over B: what stands beside it is not even read. */
async function unbind({ axyb }: AxybDependencies, { app, query }: ApiCall): Promise<Answer> {
  const { yNum, bNum } = query
  // yNum or bNum that is there but empty is a fault: read as absent, it would unbind the whole relation.
  const byY = isGiven(yNum) || (yNum !== undefined && !isGiven(bNum))
  const byB = !byY && bNum !== undefined
  const read = readParams(byY ? BY_Y : byB ? BY_B : RELATION, query)
  if (!read.ok) return invalidParameter(read.parameter)
  const outcome = await axyb.unbind(app, read.values)
  return outcome.ok ? success() : refusalOf(outcome)
}

async function query({ axyb }: AxybDependencies, { app, query: given }: ApiCall): Promise<Answer> {
  const byId = isGiven(given['subscriptionId']) || !isGiven(given['relationNum'])
  const read = readParams(byId ? RELATION : BY_X, given)
  if (!read.ok) return invalidParameter(read.parameter)
  const outcome = await axyb.query(app, read.values)
  if (!outcome.ok) return refusalOf(outcome)
  return success({ xyRelationNumList: entriesOf(outcome.relation) })
}

function refusalOf({ code, parameter, bound }: AxybFailure): Answer {
  return bound === undefined ? refusal(code, parameter) : numberBound(bound)
}

/** One entry for each pair; without any pair one for A-X alone (spec/axyb.md section 5). */
function entriesOf({ binding, pairs }: AxybRelation): readonly object[] {
  const entry = (pair: AxybPair | undefined) => ({
    bindId: binding.id,
    numA: binding.a,
    numX: binding.x,
    numY: pair?.y,
    numB: pair?.b,
    recordFlag: String(binding.recordFlag),
    recordHintTone: binding.recordHintTone,
    subscribeTime: formatWireTime((pair ?? binding).changedAt),
    callDirection: binding.callDirection,
    duration: String(binding.durationSec),
    ybDuration: String((pair ?? binding).ybDurationSec),
    preVoiceX: binding.preVoiceX,
    preVoiceY: pair?.preVoiceY,
    userData: binding.userData,
  })
  return pairs.length === 0 ? [entry(undefined)] : pairs.map(entry)
}
