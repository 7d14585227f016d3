import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createIncoming, received, statsOf } from './incoming.ts'
import { ANNOUNCEMENT, createOutgoing, sent, takeOver } from './outgoing.ts'

test('losses are what is missing between the first and the highest sequence number, across its wrap', () => {
  const anyLoss = fc.uniqueArray(fc.integer({ min: 1, max: 198 }), { maxLength: 50, size: 'max' })
  fc.assert(
    fc.property(fc.nat(0xffff), anyLoss, (first, missing) => {
      const incoming = createIncoming()
      for (let n = 0; n < 200; n++) {
        if (!missing.includes(n)) received(incoming, 7, (first + n) & 0xffff, 160)
      }
      const packets = 200 - missing.length
      assert.deepEqual(statsOf(incoming), { packets, octets: packets * 160, lost: missing.length })
    }),
  )
})

test('a late packet is no loss, and a new SSRC starts its own count', () => {
  const incoming = createIncoming()
  for (const sequence of [10, 12, 11, 13]) received(incoming, 7, sequence, 160)
  for (const sequence of [40_000, 40_002]) received(incoming, 8, sequence, 160)
  assert.deepEqual(statsOf(incoming), { packets: 6, octets: 960, lost: 1 })
})

test('every change of source goes on with the next number and the time that has passed', () => {
  const out = createOutgoing()
  let nowMs = 0
  let before: readonly [sequence: number, timestamp: number] | undefined
  const hear = (leg: number, ssrc: number, sequence: number, timestamp: number, gapMs: number): void => {
    nowMs += gapMs
    const changed = takeOver(out, leg, ssrc, sequence, timestamp, 8000, nowMs)
    const mine = [(sequence + out.sequenceOffset) & 0xffff, (timestamp + out.timestampOffset) >>> 0] as const
    if (before) {
      assert.equal(mine[0], (before[0] + 1) & 0xffff)
      assert.equal((mine[1] - before[1]) >>> 0, gapMs * 8, `source ${leg}/${ssrc}, changed: ${changed}`)
    }
    before = mine
    sent(out, mine[0], mine[1], 160, nowMs)
  }
  hear(0, 1, 65_535, 4_294_967_200, 20)
  hear(0, 1, 0, 64, 20)
  hear(ANNOUNCEMENT, 0, 0, 0, 500)
  hear(0, 1, 30_000, 123_456, 40)
  hear(0, 2, 9, 9, 20)
  hear(2, 2, 9, 9, 1000)
  assert.equal(out.packets, 6)
})

test('a packet that was overtaken keeps its place and does not move the stream back', () => {
  const out = createOutgoing()
  for (const n of [1, 3, 2]) {
    takeOver(out, 0, 7, n, n * 160, 8000, n * 20)
    sent(out, (n + out.sequenceOffset) & 0xffff, (n * 160 + out.timestampOffset) >>> 0, 160, n * 20)
  }
  assert.equal(out.lastSequence, (3 + out.sequenceOffset) & 0xffff)
})
