import type { ServerCall } from '@maskline/sip'
import { ActiveCall } from './active-call.ts'
import type { Arrival } from '../bindings/route.ts'
import type { CallIds } from './call-ids.ts'
import type { EpochMs } from '../shared/time.ts'
import type { CallRecord } from './call-record.ts'
import { callerNumber, dialledNumber, isWithheld } from './parties.ts'
import type { CallServices } from './call-services.ts'
import { afterStoring, endAfterCrash, RELEASE } from './machine/endings.ts'
import { STORE_LIMIT_MS } from './machine/states.ts'

export type CallControllerOptions = Omit<CallServices, 'forget' | 'busyKeys'> & {
  readonly ids: CallIds
  readonly hostName: string
  readonly countryCode: string
}

export type CallController = {
  /** Takes a new INVITE; every outcome is answered. */
  onInvite(call: ServerCall): void
  readonly activeCalls: number
  /** Ends a running call of the app on its customer's order (8017); false when there is none, or it is ending already. */
  terminate(appKey: string, sessionId: string): boolean
  /** Ends the calls that a crash left open in the journal: their CDR is written once (docs/teardown.md). */
  closeCrashedCalls(aliveUntil?: number): Promise<number>
  /** Refuses new calls with 503 and waits until the running ones have ended, or ends them after `graceMs`. */
  drain(graceMs: number): Promise<void>
}

/** How long draining waits for the disk, ms. */
const FLUSH_LIMIT_MS = 5_000

export function createCallController(options: CallControllerOptions): CallController {
  const { router, ids, hostName, countryCode, clock, journal, trunks, recordings, log } = options
  const calls = new Map<string, ActiveCall>()
  let draining = false
  let onIdle: (() => void) | undefined

  const services: CallServices = {
    ...options,
    busyKeys: new Set(),
    forget(sessionId) {
      calls.delete(sessionId)
      if (calls.size === 0) onIdle?.()
    },
  }

  const take = (leg: ServerCall): void => {
    if (draining) return leg.reject(503, { headers: ['Retry-After', '5'] })
    const admission = trunks.admit(leg)
    if (admission.kind === 'refused') return
    const x = dialledNumber(leg.request, countryCode, admission)
    if (x === undefined) {
      if (admission.kind === 'trunk') admission.ended()
      return leg.reject(404)
    }
    const caller = callerNumber(leg.request, countryCode, admission)
    const at = clock.now()
    const arrival: Arrival = {
      x,
      from: caller,
      at,
      ...(isWithheld(leg.request, admission) && { withheld: true }),
    }
    const record: CallRecord = {
      ...ids.next(at),
      hostName,
      appKey: undefined,
      spId: undefined,
      direction: 2,
      serviceType: '',
      x,
      caller,
      callInAt: at,
    }
    const call = new ActiveCall(services, leg, record, arrival, admission)
    calls.set(record.sessionId, call)
    router
      .route(arrival)
      .then((decision) => {
        // A number that is nobody's: there is no app to tell, and nothing to write down.
        if (decision.kind === 'refuse' && decision.subject.app === undefined)
          call.input({ kind: 'fault', releaseCode: decision.releaseCode, statusToCaller: decision.sipStatus })
        else call.routed(decision)
      })
      .catch((error: unknown) => {
        log.error({ sessionId: record.sessionId, err: error }, 'the call could not be routed')
        call.input({ kind: 'fault', releaseCode: 8020, statusToCaller: 500 })
      })
  }

  /** Tells the end, unless it was told before the crash, and then the CDR that waits for a recording. */
  const closeCrashed = async (record: CallRecord, aliveUntil: EpochMs): Promise<void> => {
    let ended = record
    if (record.end === undefined) {
      const lastKnown = record.forward?.answerAt ?? record.forward?.startAt ?? record.callInAt
      const at = Math.max(lastKnown, aliveUntil)
      ended = endAfterCrash(record, at)
      journal.append({ record: ended, event: 'disconnect', at })
    }
    if (ended.recordingPending === undefined) return
    const kept = await inTime(recordings.finish(ended, ended.recordingPending))
    journal.append({ record: afterStoring(ended, kept), event: 'recorded', at: clock.now() })
  }

  /** False when the recording is not stored in the time that its CDR waits for it. */
  const inTime = (finished: Promise<boolean>): Promise<boolean> =>
    new Promise((resolve) => {
      const timer = clock.setTimer(STORE_LIMIT_MS, () => resolve(false))
      void finished.then((kept) => {
        timer.cancel()
        resolve(kept)
      })
    })

  return {
    onInvite: take,
    get activeCalls() {
      return calls.size
    },
    terminate(appKey, sessionId) {
      const call = calls.get(sessionId)
      if (call === undefined || call.isOver || call.record.appKey !== appKey) return false
      call.input({ kind: 'terminate', releaseCode: RELEASE.stopped })
      return true
    },
    async closeCrashedCalls(aliveUntil) {
      const open = await journal.openCalls()
      await Promise.all(open.map((record) => closeCrashed(record, aliveUntil ?? clock.now())))
      await journal.flush()
      return open.length
    },
    async drain(graceMs) {
      draining = true
      if (calls.size > 0) {
        const idle = new Promise<void>((resolve) => {
          onIdle = resolve
        })
        const timer = clock.setTimer(graceMs, () => {
          for (const call of calls.values()) call.input({ kind: 'terminate', releaseCode: 8020 })
        })
        await idle
        timer.cancel()
      }
      // A disk that refuses must not keep the process from stopping: closing the storage tells what was not saved.
      await new Promise<void>((resolve) => {
        const timer = clock.setTimer(FLUSH_LIMIT_MS, resolve)
        void journal.flush().then(() => {
          timer.cancel()
          resolve()
        })
      })
    },
  }
}
