import { type Guard, type Overload, type StackOptions, createGuard, createOverload } from '@maskline/sip'
import type { Trunks } from './calls/ports.ts'
import type { Config } from './config/config.ts'
import type { Log } from './shared/log.ts'

/** Who is kept away from SIP, and when new calls are. */
export type SipGuard = {
  readonly guard: Guard
  /** Absent where it is switched off. */
  readonly overload: Overload | undefined
  /** For the SIP stack. */
  readonly limits: Pick<StackOptions, 'guard' | 'overload' | 'maxDialogs'>
}

/** A masked call has two legs, a dialog each. */
const DIALOGS_OF_CALL = 2

/** `isTrusted`: whether some trunk lets calls in from this address. */
export function createSipGuard(
  { ratePerSource, rateOfStrangers, banSec, maxCalls, overloadMs }: Config['sip'],
  isTrusted: (address: string) => boolean,
  log: Log,
): SipGuard {
  const guard = createGuard({
    isTrusted,
    ratePerSource,
    rateOfStrangers,
    banMs: banSec * 1000,
    onBan: ({ source, why, until, times }) =>
      log.warn({ source, why, until, times }, 'a source of SIP messages is banned'),
  })
  const overload = overloadMs === 0 ? undefined : createOverload({ targetMs: overloadMs })
  const maxDialogs = maxCalls * DIALOGS_OF_CALL
  return { guard, overload, limits: { guard, maxDialogs, ...(overload && { overload }) } }
}

/** A carrier that is let in by certificate or password, not by its address, is no stranger from then on. */
export const welcoming = (trunks: Trunks, guard: Pick<Guard, 'admitPeer'>): Trunks => ({
  ...trunks,
  admit(call) {
    const admission = trunks.admit(call)
    if (admission.kind === 'trunk') guard.admitPeer(call.source)
    return admission
  },
})
