import { getRandomValues } from 'node:crypto'

const pool = new Uint32Array(256)
let next = pool.length

/** Uniform and unguessable, 0…2^32-1: SSRCs, first sequence numbers, SDP session ids (RFC 3550 §8.1). */
export function random32(): number {
  if (next === pool.length) {
    getRandomValues(pool)
    next = 0
  }
  return pool[next++] ?? 0
}
