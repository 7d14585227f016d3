import type { EpochMs } from '../shared/time.ts'

/**
 * When a push that failed is tried again: minutes after its first failed attempt (spec/notifications.md section 3).
 * Seven attempts in all, five hours.
 */
export const RETRY_OFFSETS_MIN = [1, 4, 9, 106, 203, 300] as const

/** Instant of the next try after `attempts` tries (1 to 7) have failed; undefined when the push is given up. */
export function nextTryAt(attempts: number, firstFailedAt: EpochMs): EpochMs | undefined {
  const offset = RETRY_OFFSETS_MIN[attempts - 1]
  return offset === undefined ? undefined : firstFailedAt + offset * 60_000
}
