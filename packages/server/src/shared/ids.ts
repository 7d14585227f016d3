import { randomFillSync } from 'node:crypto'
import type { EpochMs } from './time.ts'

const pool = Buffer.alloc(4096)
let used = pool.length

/** Ten random bytes, taken from a pool: one call into OpenSSL serves 400 ids. */
function random(): number {
  if (used + 10 > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += 10
  return used - 10
}

/**
 * A UUID of version 7 (RFC 9562 section 5.7): the time leads, so rows made together lie together in an index.
 * The shape of every subscriptionId (spec/notifications.md section 5.3).
 */
export function newUuid(at: EpochMs = Date.now()): string {
  const r = random()
  const a = (0x7000 | (pool.readUInt16BE(r) & 0x0fff)).toString(16)
  const b = (0x8000 | (pool.readUInt16BE(r + 2) & 0x3fff)).toString(16)
  return `${idFrom(at)}-${a}-${b}-${pool.toString('hex', r + 4, r + 10)}`
}

/** The beginning of every UUID made at this instant; all made before it are less. */
export function idFrom(at: EpochMs): string {
  const time = at.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}`
}
