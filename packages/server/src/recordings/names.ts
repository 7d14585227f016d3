import { randomInt } from 'node:crypto'
import type { EpochMs } from '../shared/time.ts'

export type RecordingNames = {
  /** 23 digits and `.wav`: yyMMddHHmmss in UTC, then 11 digits (spec/notifications.md section 5.3). */
  next(at: EpochMs): string
}

const COUNTS = 100_000

/**
 * The 11 digits are six that are drawn at every start of the process and five that count its recordings. A second holds
 * far fewer than 100,000 of them, so a name never comes back, also not when a crash and a restart fall into one second
 * (but for one case in a million). A clock that is set back does not matter: the second of a name never goes back.
 */
export function createRecordingNames(start: number = randomInt(1_000_000)): RecordingNames {
  const salt = String(start).padStart(6, '0')
  let count = 0
  let second = 0
  return {
    next(at) {
      second = Math.max(second, Math.floor(at / 1000))
      const stamp = new Date(second * 1000).toISOString().replace(/[-:T]/g, '').slice(2, 14)
      count = (count + 1) % COUNTS
      return `${stamp}${salt}${String(count).padStart(5, '0')}.wav`
    },
  }
}

/** `sp-` and the lower-cased APP_Key. What a path must not hold becomes a dash; names are unique without the directory. */
export function bucketOf(appKey: string): string {
  return `sp-${appKey.toLowerCase().replace(/[^a-z0-9._-]/g, '-')}`
}
