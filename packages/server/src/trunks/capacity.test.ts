import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Capacity, createCapacity, type Direction } from './capacity.ts'

const never = { now: (): number => assert.fail('a trunk without a rate asks no clock') }
const take = (capacity: Capacity, ...directions: readonly Direction[]): boolean[] =>
  directions.map((direction) => capacity.take(direction))

test('a number is the total of both directions', () => {
  const capacity = createCapacity({ maxChannels: 2 }, never)
  assert.deepEqual(take(capacity, 'in', 'out', 'in', 'out'), [true, true, false, false])
  capacity.free('in')
  assert.deepEqual(take(capacity, 'out', 'in'), [true, false])
  assert.deepEqual(capacity.inUse, { in: 0, out: 2 })
})

test('directions have limits of their own, within the total', () => {
  const capacity = createCapacity({ maxChannels: { total: 3, in: 2, out: 2 } }, never)
  assert.deepEqual(take(capacity, 'out', 'out', 'out', 'in', 'in'), [true, true, false, true, false])
})

test('without a limit there is none', () => {
  const capacity = createCapacity({}, never)
  for (let i = 0; i < 1000; i++) assert.ok(capacity.take('out'))
})

test('calls a second: as many at once as a second has, then as they come', () => {
  let now = 0
  const capacity = createCapacity({ maxCallsPerSec: { total: 3, in: 1 } }, { now: () => now })
  assert.deepEqual(take(capacity, 'in', 'in', 'out', 'out', 'out'), [true, false, true, true, false])
  now = 333
  assert.deepEqual(take(capacity, 'out'), [false])
  now = 334
  assert.deepEqual(take(capacity, 'out', 'out'), [true, false])
  now = 60_000
  assert.deepEqual(take(capacity, 'out', 'out', 'out', 'out'), [true, true, true, false])
  assert.equal(capacity.inUse.in + capacity.inUse.out, 7, 'a call that is refused holds no channel')
})

test('a full trunk spends nothing of its second', () => {
  let now = 0
  const capacity = createCapacity({ maxChannels: 1, maxCallsPerSec: 2 }, { now: () => now })
  assert.deepEqual(take(capacity, 'out', 'out', 'out'), [true, false, false])
  capacity.free('out')
  assert.deepEqual(take(capacity, 'out'), [true])
  now = -5_000
  capacity.free('out')
  assert.deepEqual(take(capacity, 'out'), [false], 'a clock that is set back gives nothing')
})
