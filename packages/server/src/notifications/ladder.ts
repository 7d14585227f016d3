import type { EpochMs } from '../shared/time.ts'

/**
 * When a push that failed is tried again: minutes after its first failed attempt (spec/notifications.md section 3).
 * Seven attempts in all, five hours.
 */
export const RETRY_OFFSETS_MIN = [1, 4, 9, 106, 203, 300] as const

const MINUTE_MS = 60_000
const LAST_OFFSET_MS = RETRY_OFFSETS_MIN[5] * MINUTE_MS
/** How long a push may wait beyond the ladder for a dead server to come back. */
const GRACE_MS = 60 * MINUTE_MS

/**
 * Instant of the next try after `attempts` tries (1 to 7) have failed, the last one at `now`; undefined when the push
 * is given up. A try that came late, because the server rested meanwhile, uses up no other: the next one keeps its
 * distance, as far as the five hours allow. After them the first try that fails is the last.
 */
export function nextTryAt(attempts: number, firstFailedAt: EpochMs, now: EpochMs): EpochMs | undefined {
  const offset = RETRY_OFFSETS_MIN[attempts - 1]
  const endsAt = firstFailedAt + LAST_OFFSET_MS
  if (offset === undefined || now >= endsAt) return undefined
  const rungAt = firstFailedAt + offset * MINUTE_MS
  if (rungAt > now) return rungAt
  const distanceMin = offset - (RETRY_OFFSETS_MIN[attempts - 2] ?? 0)
  return Math.min(now + distanceMin * MINUTE_MS, endsAt)
}

/** From here on a push is sent even to a dead server, or it would wait for ever: no push is dropped unsent. */
export function patienceEndsAt(firstFailedAt: EpochMs): EpochMs {
  return firstFailedAt + LAST_OFFSET_MS + GRACE_MS
}
