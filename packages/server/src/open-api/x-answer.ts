import type { XAnswer } from '../bindings/x-route.ts'
import type { App } from '../tenants/app.ts'
import { isForbiddenUserData, maxDuration, toneFile } from './fields.ts'
import {
  calleeNumber,
  emptyAsAbsent,
  flag,
  object,
  oneOf,
  optional,
  parseJsonObject,
  reader,
  type Reader,
  readParams,
  required,
  text,
  virtualNumber,
} from './params.ts'

/** Here an empty text counts as not given (spec/x.md section 3). */
const userData = text(0, 256)

/** The documents show an object, an official sample a list with that object. */
function aloneInList<T>(read: Reader<T>): Reader<T> {
  return reader(read.schema, (raw) => read(Array.isArray(raw) && raw.length === 1 ? raw[0] : raw))
}

const OPERATION = { operation: required(oneOf('connect', 'close')) } as const

/** spec/x.md section 3. `calleeHintVoice` is the likely name of the one tone that the document does not show. */
const CONNECT = {
  connectInfo: required(
    aloneInList(
      object({
        displayCalleeNum: optional(emptyAsAbsent(virtualNumber)),
        calleeNum: required(calleeNumber),
        maxDuration: optional(emptyAsAbsent(maxDuration)),
        waitVoice: optional(toneFile),
        recordFlag: optional(emptyAsAbsent(flag)),
        recordHintTone: optional(toneFile),
        lastMinVoice: optional(toneFile),
        calleeHintVoice: optional(toneFile),
        userData: optional(userData),
      }),
    ),
  ),
} as const

const CLOSE = {
  closeInfo: optional(
    aloneInList(object({ closeHintTone: optional(toneFile), userData: optional(userData) })),
  ),
} as const

/** Reads what a customer's server answered to a callin of X mode, with the same leniency as requests to the API. */
export function readXAnswer(body: string, app: App): XAnswer {
  const source = parseJsonObject(Buffer.from(body))
  if (source === undefined) return faulty('not a JSON object')
  const asked = readParams(OPERATION, source)
  if (!asked.ok) return faulty(asked.parameter)
  const { operation } = asked.values
  if (operation === 'connect') {
    const read = readParams(CONNECT, source)
    if (!read.ok) return faulty(read.parameter)
    const { connectInfo } = read.values
    return isForbiddenUserData(connectInfo.userData, app)
      ? faulty('connectInfo.userData')
      : { operation, connectInfo }
  }
  const read = readParams(CLOSE, source)
  if (!read.ok) return faulty(read.parameter)
  const { closeInfo = {} } = read.values
  return isForbiddenUserData(closeInfo.userData, app)
    ? faulty('closeInfo.userData')
    : { operation, closeInfo }
}

const faulty = (culprit: string): XAnswer => ({ operation: 'faulty', culprit })
