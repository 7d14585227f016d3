/**
 * From what the callee's side said in SIP to what the customer reads (release code, Q.850) and what the caller's
 * side is answered (spec/codes.md sections 2.4, 3 and 5). Pure tables; a carrier that differs gets overrides.
 */

/** What the caller's side is told: a final status before media was opened, a Reason cause with BYE afterwards. */
export type CallerAnswer = {
  readonly sipStatusToCaller: number
  /** Q.850 cause for the Reason header towards the caller; 0 = none. */
  readonly callerReason: number
}

export type Failure = {
  /** Final SIP status of the callee's leg; with `weCancelled` it does not matter. */
  readonly status: number
  /** Cause of a `Reason: Q.850;cause=N` header: it wins over every table. */
  readonly q850FromReason?: number
  /** Of a `Reason: SIP;cause=N` header: what failed behind whoever answered; it wins over `status`, but in a trunk's own table. */
  readonly statusFromReason?: number
  /** Whether the callee's phone had rung. */
  readonly ringing: boolean
  /** Why we sent CANCEL: the caller gave up, or our own connection time-out ran out. */
  readonly weCancelled?: 'caller' | 'timeout'
}

export type Release = CallerAnswer & {
  /** `stateCode`, spec/codes.md section 2. */
  readonly releaseCode: number
  /** `fwdUnaswRsn`, spec/codes.md section 3; never 0 here. */
  readonly q850: number
  /** `sipStatusCode` of the CDR: status of the failing leg. */
  readonly sipStatus: number
}

/**
 * What a trunk means by its answers where it differs from the tables, for instance 8105 (out of service), which no
 * standard status tells. A cause is looked up before the status, and the status before that of a `Reason: SIP` beside it.
 */
export type ReleaseOverrides = {
  readonly byCause?: Readonly<Record<number, number>>
  readonly byStatus?: Readonly<Record<number, number>>
}

/** The release of a forwarding that failed before the callee answered. */
export function releaseOfFailure(failure: Failure, overrides?: ReleaseOverrides): Release {
  const { ringing, weCancelled } = failure
  if (weCancelled === 'caller') {
    return {
      releaseCode: ringing ? 7502 : 7501,
      q850: 16,
      sipStatus: 487,
      sipStatusToCaller: 487,
      callerReason: 0,
    }
  }
  if (weCancelled === 'timeout')
    return { releaseCode: 8035, q850: 102, sipStatus: 487, ...callerAnswerOf(8035) }

  const status = failure.statusFromReason ?? failure.status
  const received = isCause(failure.q850FromReason) ? failure.q850FromReason : undefined
  const releaseCode =
    (received !== undefined ? overrides?.byCause?.[received] : undefined) ??
    overrides?.byStatus?.[failure.status] ??
    overrides?.byStatus?.[status] ??
    (received !== undefined ? codeOfCause(received, status, ringing) : undefined) ??
    codeOfStatus(status, ringing)
  const q850 = received ?? q850OfStatus(status, ringing)
  return { releaseCode, q850, sipStatus: failure.status, ...callerAnswerOf(releaseCode) }
}

/** Release code by Q.850 cause; undefined leaves the choice to the SIP status (codes.md 2.4). */
function codeOfCause(cause: number, status: number, ringing: boolean): number | undefined {
  switch (cause) {
    case 1:
    case 3:
    case 22:
    case 28:
      return 8100
    case 17:
      return 8102
    case 18:
    case 19:
      return 8101
    case 20:
      // A carrier that adds the cause to 480 tells "absent" from "unreachable" (row 8104).
      return status === 480 ? 8104 : 8103
    case 21:
      return status === 603 || (ringing && (status === 403 || status === 486)) ? 7503 : 7504
    case 27:
    case 34:
    case 38:
    case 41:
    case 42:
      return 8103
    default:
      return undefined
  }
}

/** Release code by final status, when no cause decides (codes.md 2.4). */
function codeOfStatus(status: number, ringing: boolean): number {
  switch (status) {
    case 603:
      return 7503
    case 403:
    case 433:
    case 607:
    case 608:
      return 7504
    case 404:
    case 410:
    case 484:
    case 604:
      return 8100
    case 408:
    case 480:
      return ringing ? 8101 : 8103
    // The network gave up the leg by itself: without our CANCEL that is its no-answer timer.
    case 487:
      return 8101
    case 486:
    case 600:
      return 8102
    default:
      return 8103
  }
}

/** Q.850 value of a status when the carrier sends no Reason header (codes.md section 3, and 2.4 for 433 to 608). */
export function q850OfStatus(status: number, ringing: boolean): number {
  switch (status) {
    case 400:
    case 481:
    case 500:
    case 503:
      return 41
    case 401:
    case 402:
    case 403:
    case 407:
    case 433:
    case 603:
    case 607:
    case 608:
      return 21
    case 404:
    case 485:
    case 604:
      return 1
    case 405:
      return 63
    case 406:
    case 415:
    case 501:
      return 79
    case 408:
    case 504:
      return 102
    case 410:
      return 22
    case 413:
    case 414:
    case 416:
    case 420:
    case 421:
    case 423:
    case 505:
      return 127
    case 480:
      return ringing ? 19 : 18
    case 482:
    case 483:
      return 25
    case 484:
      return 28
    case 486:
    case 600:
      return 17
    case 487:
      return 19
    case 488:
    case 606:
      return 65
    case 502:
      return 38
    default:
      return 31
  }
}

const NOT_FOUND: CallerAnswer = { sipStatusToCaller: 404, callerReason: 1 }
const BUSY: CallerAnswer = { sipStatusToCaller: 486, callerReason: 17 }
const NO_ANSWER: CallerAnswer = { sipStatusToCaller: 480, callerReason: 19 }
const UNREACHABLE: CallerAnswer = { sipStatusToCaller: 480, callerReason: 20 }
const REJECTED: CallerAnswer = { sipStatusToCaller: 603, callerReason: 21 }
const FORBIDDEN: CallerAnswer = { sipStatusToCaller: 403, callerReason: 21 }
/** Answer 503 with Retry-After: the same call may succeed later. */
const NO_PORTS: CallerAnswer = { sipStatusToCaller: 503, callerReason: 34 }
const INTERNAL: CallerAnswer = { sipStatusToCaller: 500, callerReason: 41 }
const ENDED: CallerAnswer = { sipStatusToCaller: 480, callerReason: 16 }

const BY_CODE: ReadonlyMap<number, CallerAnswer> = new Map([
  [0, ENDED],
  [8010, ENDED],
  [8017, ENDED],
  ...[8013, 8014, 8019, 8022, 8025, 8030, 8033, 8100].map((code) => [code, NOT_FOUND] as const),
  [7503, REJECTED],
  [7504, REJECTED],
  [8035, NO_ANSWER],
  [8101, NO_ANSWER],
  [8102, BUSY],
  ...[8103, 8104, 8105].map((code) => [code, UNREACHABLE] as const),
  ...[522, 7109, 8031].map((code) => [code, NO_PORTS] as const),
  ...[7102, 8008, 8011, 8020].map((code) => [code, INTERNAL] as const),
])

/**
 * What a caller is answered when the platform ends a call with this release code: refusals of its own and failures
 * of the callee (codes.md sections 2 and 5). Codes of permission, tenant and control are all 403.
 */
export function callerAnswerOf(releaseCode: number): CallerAnswer {
  return BY_CODE.get(releaseCode) ?? FORBIDDEN
}

export const isCause = (cause: number | undefined): cause is number =>
  cause !== undefined && Number.isInteger(cause) && cause >= 1 && cause <= 127
