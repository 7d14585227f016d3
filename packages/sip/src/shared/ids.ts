import { randomFillSync } from 'node:crypto'

/**
 * Random identifiers: tags, branches and Call-IDs must not be guessed (RFC 3261 §19.3), and say nothing about the host
 * that wrote them. Random bytes are drawn in bulk: one system call serves a few hundred ids.
 */
const pool = Buffer.alloc(8192)
let used = pool.length

function randomHex(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += bytes
  return pool.toString('hex', used - bytes, used)
}

/** 64 random bits. */
export const newTag = (): string => randomHex(8)
/** RFC 3261 §8.1.1.7: begins with the magic cookie. 96 random bits. */
export const newBranch = (): string => 'z9hG4bK' + randomHex(12)
/** 128 random bits and no host. */
export const newCallId = (): string => randomHex(16)
