import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Heard } from './wire.ts'
import { FrameFollower } from './ws-frames.ts'

const CONTINUATION = 0
const TEXT = 1
const PONG = 10

/** A masked frame, as clients send them. */
function frame(opcode: number, length: number, isLast = true): Buffer {
  const first = (isLast ? 0x80 : 0) | opcode
  const extended = Buffer.alloc(length < 126 ? 0 : length < 65_536 ? 2 : 8)
  if (extended.length > 0)
    extended.writeUIntBE(length, Math.max(0, extended.length - 6), Math.min(6, extended.length))
  const short = extended.length === 0 ? length : extended.length === 2 ? 126 : 127
  return Buffer.concat([Buffer.from([first, 0x80 | short]), extended, Buffer.alloc(4 + length, 0x81)])
}

test('messages are heard however their frames are cut, long or short, and told from pings', () => {
  for (const length of [0, 1, 125, 126, 65_535, 65_536])
    for (const size of [1, 3, 1000, 1_000_000]) {
      const frames = new FrameFollower()
      const bytes = Buffer.concat([frame(TEXT, length), frame(PONG, 2), frame(TEXT, length)])
      const heard: Heard[] = []
      for (let at = 0; at < bytes.length; at += size) heard.push(frames.push(bytes.subarray(at, at + size)))
      const expected = length > 4 ? 'message' : 'ping'
      const completed = heard.filter((one) => one !== 'nothing')
      assert.deepEqual(new Set(completed), new Set([expected]), `${length} bytes in chunks of ${size}`)
      if (size === 1) assert.equal(completed.length, 2)
      assert.equal(frames.isUnfinished, false)
    }
})

test('a message is unfinished from its first byte to its last fragment, whatever comes between', () => {
  const frames = new FrameFollower()
  const steps = [
    frame(TEXT, 10, false).subarray(0, 1),
    frame(TEXT, 10, false).subarray(1),
    frame(PONG, 4),
    frame(CONTINUATION, 10, false),
    frame(CONTINUATION, 0),
  ].map((bytes) => [frames.push(bytes), frames.isUnfinished])
  assert.deepEqual(steps, [
    ['nothing', true],
    ['nothing', true],
    ['nothing', true],
    ['nothing', true],
    ['message', false],
  ])
})
