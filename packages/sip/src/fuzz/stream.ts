import assert from 'node:assert/strict'
import { StreamFramer } from '../message/framing.ts'
import type { FramedItem } from '../message/framing.ts'
import { below } from './mutate.ts'
import type { Random } from './mutate.ts'

/** Holds the framer against itself: it must say the same however a stream is cut. Throws what is wrong. */
export function checkFramer(stream: Uint8Array, random: Random): void {
  const whole = messages(new StreamFramer().push(stream))
  const framer = new StreamFramer()
  const pieces: FramedItem[] = []
  // Long streams in single bytes would take the time of many short ones.
  const largest = stream.length > 4096 ? 1500 : 1 + below(random, 300)
  for (let at = 0; at < stream.length;) {
    const to = at + 1 + below(random, largest)
    // A copy: a chunk belongs to the framer, and a slip beyond its end must show.
    pieces.push(...framer.push(Uint8Array.from(stream.subarray(at, to))))
    at = to
  }
  assert.deepEqual(messages(pieces), whole, 'the framer says something else when the stream is cut')
}

/** One answer a read is enough for keep-alives, so their count depends on the cuts. */
function messages(items: readonly FramedItem[]): unknown[] {
  return items
    .filter((item) => item.kind !== 'keepalive')
    .map((item) =>
      item.kind === 'message' && item.result.ok
        ? { ...item.result.message, body: Buffer.from(item.result.message.body).toString('latin1') }
        : item,
    )
}
