import { invalidParameter, refusal, success, type Answer } from './answers.ts'
import { type AxDependencies, namedX, targetOf, unlessEmpty } from './ax.ts'
import { isForbiddenUserData, missingTone, subscriptionId, toneFile, userData } from './fields.ts'
import { calleeNumber, integer, optional, parseJsonObject, readParams, required } from './params.ts'
import type { ApiCall, OperationDoc, Resource } from './resource.ts'

/** Seconds that a temporary callee is kept (spec/ax.md section 7): at most two hours. */
const DURATION_DEFAULT = 60
const duration = integer(1, 7200)

/** spec/ax.md section 7. `origNum` is not evaluated. */
const CALLEE = {
  calleeNum: required(calleeNumber),
  duration: unlessEmpty(duration),
  calleeHintVoice: unlessEmpty(toneFile),
  userData: unlessEmpty(userData),
} as const

const doc = (id: string): OperationDoc => ({
  id,
  summary: "Set the callee of A's next call through X",
  body: { subscriptionId: optional(subscriptionId), privateNum: optional(namedX), ...CALLEE },
  codes: ['1010002', '1011001', '1016001'],
})

/** `/rest/caas/privatenumber/calleenumber/v1.0`: the temporary callee of AX (spec/ax.md section 7), by PUT or POST. */
export function axCalleeResource(dependencies: AxDependencies): Resource {
  return {
    path: '/rest/caas/privatenumber/calleenumber/v1.0',
    mode: 'AX',
    handlers: {
      PUT: (call) => setCallee(dependencies, call),
      POST: (call) => setCallee(dependencies, call),
    },
    docs: { PUT: doc('setAxTemporaryCallee'), POST: doc('setAxTemporaryCalleeByPost') },
  }
}

async function setCallee(
  { ax, announcementExists }: AxDependencies,
  { app, body }: ApiCall,
): Promise<Answer> {
  const source = parseJsonObject(body)
  if (source === undefined) return invalidParameter('body')
  const target = targetOf(source)
  if (!target.ok) return invalidParameter(target.parameter)
  const read = readParams(CALLEE, source)
  if (!read.ok) return invalidParameter(read.parameter)
  const { duration: durationSec = DURATION_DEFAULT, ...values } = read.values
  const missing = missingTone({ calleeHintVoice: values.calleeHintVoice }, app, announcementExists)
  if (missing !== undefined) return invalidParameter(missing)
  if (isForbiddenUserData(values.userData, app)) return invalidParameter('userData')

  const outcome = await ax.setTemporaryCallee(app, target.value, { ...values, durationSec })
  return outcome.ok ? success() : refusal(outcome.code, outcome.parameter)
}
