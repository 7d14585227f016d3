import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CANDIDATE_PACKETS, admit, createLatch, describeSource, shutOut, type Latch } from './latch.ts'

const DESCRIBED = ['192.0.2.1', 4000] as const
const NAT = ['203.0.113.9', 61_000] as const
const STRANGER = ['198.51.100.66', 6666] as const
const SOURCES = [DESCRIBED[0], NAT[0]]

const describe = (latch: Latch, epoch: number): void => describeSource(latch, epoch, ...DESCRIBED, SOURCES)

function describedLatch(): Latch {
  const latch = createLatch()
  describe(latch, 1)
  return latch
}

test('the described address locks the latch with its first packet', () => {
  const latch = describedLatch()
  assert.equal(admit(latch, ...DESCRIBED), true)
  assert.equal(admit(latch, ...NAT), false)
  assert.equal(admit(latch, '192.0.2.1', 4002), false)
})

test('a stranger is never heard, however many packets it sends and however silent the party is', () => {
  const latch = describedLatch()
  for (let n = 0; n < 10; n++) assert.equal(admit(latch, ...STRANGER), false)
  assert.equal(admit(latch, STRANGER[0], DESCRIBED[1]), false)
  assert.equal(admit(latch, ...DESCRIBED), true)
})

test('another source of the party is heard from its first packet and locks after a few', () => {
  const latch = describedLatch()
  for (let n = 0; n < CANDIDATE_PACKETS; n++) assert.equal(admit(latch, ...NAT), true)
  assert.equal(admit(latch, NAT[0], 61_002), false)
  assert.equal(admit(latch, DESCRIBED[0], 4002), false)
  assert.equal(admit(latch, ...NAT), true)
})

test('the described address takes the latch from a candidate and from a lock, a third source does not', () => {
  for (const packets of [1, CANDIDATE_PACKETS + 1]) {
    const latch = describedLatch()
    for (let n = 0; n < packets; n++) assert.equal(admit(latch, ...NAT), true)
    assert.equal(admit(latch, NAT[0], 61_002), false)
    assert.equal(admit(latch, ...DESCRIBED), true)
    assert.equal(admit(latch, ...NAT), false)
  }
})

test('a new description opens the latch, and the former source locks at once', () => {
  const latch = describedLatch()
  for (let n = 0; n < CANDIDATE_PACKETS; n++) admit(latch, ...NAT)
  describe(latch, 2)
  assert.equal(admit(latch, ...NAT), true)
  assert.equal(admit(latch, NAT[0], 61_002), false)
})

test('after a new description another source can latch', () => {
  const latch = describedLatch()
  admit(latch, ...DESCRIBED)
  describe(latch, 2)
  for (let n = 0; n < CANDIDATE_PACKETS; n++) assert.equal(admit(latch, ...NAT), true)
  assert.equal(admit(latch, NAT[0], 61_002), false)
})

test('the same description again leaves the latch locked', () => {
  const latch = describedLatch()
  admit(latch, ...DESCRIBED)
  describe(latch, 1)
  assert.equal(admit(latch, ...NAT), false)
})

test('without hosts to hold to, anyone is found by its packets', () => {
  const latch = createLatch()
  describeSource(latch, 1, undefined, 4000, undefined)
  assert.equal(admit(latch, ...STRANGER), true)
})

test('all of loopback is one host', () => {
  const latch = createLatch()
  describeSource(latch, 1, '127.0.3.1', 4000, ['127.0.3.1'])
  assert.equal(admit(latch, '127.0.0.1', 4002), true)
  assert.equal(admit(latch, '127.0.0.1', 4000), true)
  assert.equal(admit(latch, '127.0.0.1', 4002), false)
})

test('who lost against another fork is not heard again, described or not, until a description names it', () => {
  const latch = describedLatch()
  for (let n = 0; n < CANDIDATE_PACKETS; n++) assert.equal(admit(latch, ...NAT), true)
  const winner = [DESCRIBED[0], 5000] as const
  const other = { address: DESCRIBED[0], port: 4200 }
  const lost = [{ address: DESCRIBED[0], port: DESCRIBED[1] }, other, { address: undefined, port: 1 }]
  shutOut(latch, 1, lost)
  describeSource(latch, 2, ...winner, SOURCES)
  assert.equal(latch.sourceAddress, undefined, 'media goes where the winner listens')
  for (let n = 0; n < 2 * CANDIDATE_PACKETS; n++) {
    assert.equal(admit(latch, ...NAT), false)
    assert.equal(admit(latch, ...DESCRIBED), false)
    assert.equal(admit(latch, other.address, other.port), false)
  }
  assert.equal(admit(latch, ...winner), true)
  // The same state again, and a new description of the winner: what it sent from is still its own.
  for (let n = 0; n < CANDIDATE_PACKETS; n++) admit(latch, ...winner)
  shutOut(latch, 1, lost)
  describeSource(latch, 3, DESCRIBED[0], 5002, SOURCES)
  assert.equal(admit(latch, ...winner), true)
  describeSource(latch, 4, ...DESCRIBED, SOURCES)
  assert.equal(admit(latch, ...DESCRIBED), true)
})

test('a fork that is not heard cannot be the candidate, and the party stays who it is', () => {
  const latch = describedLatch()
  assert.equal(admit(latch, ...NAT), true)
  shutOut(latch, 0, [{ address: NAT[0], port: NAT[1] }])
  assert.equal(admit(latch, ...NAT), false)
  assert.equal(admit(latch, NAT[0], 61_002), true)
  shutOut(latch, 0, [])
  assert.equal(admit(latch, NAT[0], 61_002), true)
})
