import { maskNumber } from '../shared/e164.ts'
import type { Log } from '../shared/log.ts'
import type { CallRecord } from './call-record.ts'

/** The one line that a call leaves in the log. */
export function logEnd(log: Log, { sessionId, appKey, x, caller, forward, end }: CallRecord): void {
  const talkMs = forward?.answerAt !== undefined && end !== undefined ? end.at - forward.answerAt : undefined
  log.info(
    {
      sessionId,
      app: appKey,
      x: maskNumber(x),
      caller: caller === undefined ? undefined : maskNumber(caller),
      callee: forward === undefined ? undefined : maskNumber(forward.callee),
      releaseCode: end?.releaseCode,
      sipStatus: end?.sipStatus,
      talkMs,
    },
    'call ended',
  )
}
