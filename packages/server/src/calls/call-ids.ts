import { randomBytes, randomInt } from 'node:crypto'
import type { EpochMs } from '../shared/time.ts'

/** Seconds between the NTP epoch (1900) and the Unix epoch (1970), RFC 5905. */
const NTP_OFFSET_SEC = 2_208_988_800

export type CallIds = {
  /** Identifiers of a call that arrives at `at` (spec/notifications.md section 5.3). */
  next(at: EpochMs): { readonly sessionId: string; readonly icid: string }
}

/**
 * sessionId `1200_<start>_<n>_<yyyyMMddHHmmss UTC>@<hostName>` and icid `<32 hex>.<NTP seconds>.<start>.<n>`.
 * `start` is drawn anew at every start of the process and `n` counts its calls, so no pair repeats, also not when a
 * crash and a restart fall into one second. Random hex is drawn in blocks: one system call serves 256 calls.
 */
export function createCallIds(hostName: string, start: number = randomInt(1, 2 ** 31)): CallIds {
  let n = 0
  let pool = ''
  let used = 0
  let stampedSecond = -1
  let stamp = ''
  return {
    next(at) {
      if (used === pool.length) {
        pool = randomBytes(16 * 256).toString('hex')
        used = 0
      }
      const hex = pool.slice(used, (used += 32))
      const second = Math.floor(at / 1000)
      if (second !== stampedSecond) {
        stampedSecond = second
        stamp = new Date(second * 1000).toISOString().replace(/[-:T]/g, '').slice(0, 14)
      }
      n++
      return {
        sessionId: `1200_${start}_${n}_${stamp}@${hostName}`,
        icid: `${hex}.${second + NTP_OFFSET_SEC}.${start}.${n}`,
      }
    },
  }
}
