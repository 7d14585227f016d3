import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CANDIDATE_PACKETS, admit, createLatch, describeSource, type Latch } from './latch.ts'

const DESCRIBED = ['192.0.2.1', 4000] as const
const NAT = ['203.0.113.9', 61_000] as const
const STRANGER = ['203.0.113.66', 6666] as const

function describedLatch(): Latch {
  const latch = createLatch()
  describeSource(latch, 1, ...DESCRIBED)
  return latch
}

test('the described address locks the latch with its first packet', () => {
  const latch = describedLatch()
  assert.equal(admit(latch, ...DESCRIBED), true)
  assert.equal(admit(latch, ...STRANGER), false)
  assert.equal(admit(latch, '192.0.2.1', 4002), false)
})

test('another source is heard from its first packet and locks after a few', () => {
  const latch = describedLatch()
  for (let n = 0; n < CANDIDATE_PACKETS; n++) assert.equal(admit(latch, ...NAT), true)
  assert.equal(admit(latch, ...DESCRIBED), false)
  assert.equal(admit(latch, ...NAT), true)
})

test('before the lock the described address takes over from a candidate, a third source does not', () => {
  const latch = describedLatch()
  assert.equal(admit(latch, ...STRANGER), true)
  assert.equal(admit(latch, ...NAT), false)
  assert.equal(admit(latch, ...DESCRIBED), true)
  assert.equal(admit(latch, ...STRANGER), false)
})

test('a new description opens the latch, and the former source locks at once', () => {
  const latch = describedLatch()
  for (let n = 0; n < CANDIDATE_PACKETS; n++) admit(latch, ...NAT)
  describeSource(latch, 2, ...DESCRIBED)
  assert.equal(admit(latch, ...NAT), true)
  assert.equal(admit(latch, ...STRANGER), false)
})

test('after a new description another source can latch', () => {
  const latch = describedLatch()
  admit(latch, ...DESCRIBED)
  describeSource(latch, 2, ...DESCRIBED)
  for (let n = 0; n < CANDIDATE_PACKETS; n++) assert.equal(admit(latch, ...NAT), true)
  assert.equal(admit(latch, ...DESCRIBED), false)
})

test('the same description again leaves the latch locked', () => {
  const latch = describedLatch()
  admit(latch, ...DESCRIBED)
  describeSource(latch, 1, ...DESCRIBED)
  assert.equal(admit(latch, ...STRANGER), false)
})

test('a party described by a host name is found by its packets', () => {
  const latch = createLatch()
  describeSource(latch, 1, undefined, 4000)
  assert.equal(admit(latch, ...NAT), true)
})
