import { join } from 'node:path'
import {
  CALLS,
  CALLS_PER_SECOND,
  PAIRS,
  type Side,
  TALK_MS,
  type Talk,
  copiesIn,
  messagesIn,
} from './lossy-calls.ts'
import { type SippResult, runSipp, startSipp } from './sipp.ts'
import { CALLER_HOST } from './trunk-lab.ts'

/** A response may be repeated for 64*T1 before it is given up (RFC 3261 section 13.3.1.4). */
const RECEIVE_MS = 40_000
const RUN_MS = 120_000

const scenario = (name: string) => ({ path: join(import.meta.dirname, `../scenarios/${name}.xml`) })

/** Caller and callee are sipps. */
export const sippTalk: Talk = async (lab, transport) => {
  const common = { transport, calls: CALLS, receiveTimeoutMs: RECEIVE_MS, timeoutMs: RUN_MS, trace: true }
  const callee = await startSipp({ ...common, scenario: scenario('uas-lossy'), local: lab.callee })
  try {
    const caller = await runSipp({
      ...common,
      scenario: scenario('uac-lossy'),
      local: { address: CALLER_HOST },
      remote: lab.remote,
      parties: PAIRS.map(({ callerNum, relationNum }) => ({ caller: callerNum, dialled: relationNum })),
      rate: CALLS_PER_SECOND,
      talkMs: TALK_MS,
    })
    // A call that failed may not have reached the callee, who would wait for it.
    const called = await (caller.failed > 0 ? callee.stop() : callee.finished)
    return { caller: sideOf(caller), callee: sideOf(called) }
  } finally {
    await callee.stop()
  }
}

const sideOf = ({ successful, failed, errors, retransmissions, received }: SippResult): Side => ({
  complete: successful,
  failed,
  errors,
  repeated: retransmissions,
  copies: copiesIn(messagesIn(received)),
})
