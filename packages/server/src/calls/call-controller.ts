import type { ServerCall } from '@maskline/sip'
import type { Router } from '../bindings/route.ts'
import { ActiveCall } from './active-call.ts'
import type { CallIds } from './call-ids.ts'
import { endAfterCrash } from './call-machine.ts'
import type { CallRecord } from './call-record.ts'
import { callerNumber, dialledNumber } from './parties.ts'
import type { CallServices } from './call-services.ts'

export type CallControllerOptions = Omit<CallServices, 'forget'> & {
  readonly router: Router
  readonly ids: CallIds
  readonly hostName: string
  readonly countryCode: string
}

export type CallController = {
  /** Takes a new INVITE; every outcome is answered. */
  onInvite(call: ServerCall): void
  readonly activeCalls: number
  /** Ends the calls that a crash left open in the journal: their CDR is written once (docs/teardown.md). */
  closeCrashedCalls(aliveUntil?: number): Promise<number>
  /** Refuses new calls with 503 and waits until the running ones have ended, or ends them after `graceMs`. */
  drain(graceMs: number): Promise<void>
}

/** How long draining waits for the disk, ms. */
const FLUSH_LIMIT_MS = 5_000

export function createCallController(options: CallControllerOptions): CallController {
  const { router, ids, hostName, countryCode, clock, journal, trunks, log } = options
  const calls = new Map<string, ActiveCall>()
  let draining = false
  let onIdle: (() => void) | undefined

  const services: CallServices = {
    ...options,
    forget(sessionId) {
      calls.delete(sessionId)
      if (calls.size === 0) onIdle?.()
    },
  }

  const take = (leg: ServerCall): void => {
    if (draining) return leg.reject(503, { headers: ['Retry-After', '5'] })
    const admission = trunks.admit(leg)
    if (admission.kind === 'refused') return
    const x = dialledNumber(leg.request, countryCode)
    if (x === undefined) return leg.reject(404)
    const caller = admission.kind === 'phone' ? admission.number : callerNumber(leg.request, countryCode)
    const at = clock.now()
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
    const call = new ActiveCall(services, leg, record)
    calls.set(record.sessionId, call)
    router
      .route({ x, from: caller, at })
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

  return {
    onInvite: take,
    get activeCalls() {
      return calls.size
    },
    async closeCrashedCalls(aliveUntil) {
      const open = await journal.openCalls()
      for (const record of open) {
        const lastKnown = record.forward?.answerAt ?? record.forward?.startAt ?? record.callInAt
        const at = Math.max(lastKnown, aliveUntil ?? clock.now())
        journal.append({ record: endAfterCrash(record, at), event: 'disconnect', at })
      }
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
