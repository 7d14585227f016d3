import type { E164 } from '../shared/e164.ts'
import type { EpochMs } from '../shared/time.ts'
import type { CdrDirection } from '../bindings/route.ts'

/**
 * Everything known of one call, from which events and the CDR are written (spec/notifications.md section 5.1).
 * It grows over the call's life: absent instants have not happened.
 */
export type CallRecord = {
  /** `1200_<n>_<n>_<yyyyMMddHHmmss>@<hostName>`; one per call, for ever. */
  readonly sessionId: string
  /** `<32 hex>.<NTP seconds>.<n>.<n>`. */
  readonly icid: string
  readonly hostName: string
  readonly appKey: string | undefined
  readonly spId: string | undefined
  readonly direction: CdrDirection
  readonly serviceType: string
  readonly subscriptionId?: string
  readonly userData?: string
  /** X (the number dialled). */
  readonly x: E164
  /** Real caller, also one who withholds the number; absent where the network does not say who calls. */
  readonly caller: E164 | undefined
  readonly callInAt: EpochMs
  readonly forward?: {
    readonly display: E164
    readonly callee: E164
    readonly startAt: EpochMs
    readonly alertingAt?: EpochMs
    readonly answerAt?: EpochMs
  }
  /** Extension E that led to the callee (AXE). */
  readonly extension?: string
  /** Present once the file is stored (spec/notifications.md section 5.4). */
  readonly recording?: RecordingRef
  /**
   * A recording that is being written, or written and not stored yet. While it is here an ended call is open in the
   * journal: its CDR waits for the file, after a crash too.
   */
  readonly recordingPending?: RecordingRef
  readonly end?: {
    readonly at: EpochMs
    /** spec/codes.md section 2. */
    readonly releaseCode: number
    /** Q.850 of a failed forwarding; 0 = answered or never forwarded. */
    readonly q850: number
    /** SIP status of the failing leg; 0 when answered. */
    readonly sipStatus: number
  }
}

/** A recording as the CDR names it: when it began, the host that stores the file, its directory there, and its name. */
export type RecordingRef = {
  readonly startAt: EpochMs
  readonly domain: string
  readonly bucket: string
  readonly object: string
}

/**
 * What is told of a call (spec/notifications.md section 4.1). `recorded` is no event of the wire: it follows a
 * `disconnect` whose CDR waited for the recording, and causes that CDR.
 */
export type CallEventType =
  'callin' | 'collectInfo' | 'callout' | 'alerting' | 'answer' | 'disconnect' | 'recorded'

/** One fact to store durably: the journal row of the call and what is to be pushed because of it. */
export type CallFact = {
  readonly record: CallRecord
  readonly event: CallEventType
  readonly at: EpochMs
  /** The digits of a `collectInfo`. */
  readonly digits?: string
}
