import { failure, success, type Answer } from './answers.ts'
import { oneOf, optional, parseJsonObject, readParams, required, text } from './params.ts'
import type { ApiCall, Resource } from './resource.ts'

/** Ends a running call of an app: false when it has none of that session, or it is ending already. */
export type TerminateCall = (appKey: string, sessionId: string) => boolean

export type CallStopDependencies = { readonly terminate: TerminateCall }

const sessionId = text(1, 256)

/** spec/stop-call-and-recording.md section 1. The id in the spelling of this API; that of the notifications will do. */
const STOP = { sessionid: required(sessionId), signal: required(oneOf('call_stop')) } as const
const SPELLINGS = { sessionid: optional(sessionId), sessionId: optional(sessionId) } as const

/**
 * `/rest/httpsessions/callStop/v2.0`: terminate call, for every mode. A frozen account may still stop its calls: that costs
 * it less.
 */
export function callStopResource({ terminate }: CallStopDependencies): Resource {
  return {
    path: '/rest/httpsessions/callStop/v2.0',
    barred: { frozen: 'served' },
    handlers: { POST: async (call) => stop(terminate, call) },
    docs: {
      POST: {
        id: 'stopCall',
        summary: 'End a running call',
        body: { ...STOP, sessionId: optional(sessionId) },
        codes: ['1020001', '1020002'],
      },
    },
  }
}

function stop(terminate: TerminateCall, { app, body }: ApiCall): Answer {
  const source = parseJsonObject(body)
  if (source === undefined) return failure('500 1020001')
  const spelt = readParams(SPELLINGS, source)
  if (!spelt.ok) return failure('500 1020001')
  const read = readParams(STOP, { ...source, sessionid: spelt.values.sessionid ?? spelt.values.sessionId })
  if (!read.ok) return failure('500 1020001')
  return terminate(app.key, read.values.sessionid) ? success() : failure('500 1020002')
}
