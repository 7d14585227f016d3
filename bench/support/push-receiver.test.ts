import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pushFaults, type PushTally } from './push-receiver.ts'

const all = (calls: number): PushTally => ({
  counts: { callin: calls, callout: calls, alerting: calls, answer: calls, disconnect: calls, fee: calls },
  calls,
  complete: calls,
  duplicates: 0,
  outOfOrder: 0,
  faultCount: 0,
  faults: [],
})

test('a run whose calls were all told of is without fault', () => {
  assert.deepEqual(pushFaults(all(10), 10, 0), [])
})

test('a call nobody heard of is a fault, unless it failed', () => {
  assert.match(pushFaults(all(9), 10, 0).join(), /9 calls told of, 10 made/)
  assert.deepEqual(pushFaults(all(9), 10, 1), [])
})

test('missing, repeated, disordered and badly signed pushes are faults', () => {
  const tally = all(10)
  assert.match(pushFaults({ ...tally, complete: 9 }, 10, 0).join(), /1 calls without a disconnect or a CDR/)
  assert.match(pushFaults({ ...tally, duplicates: 1 }, 10, 0).join(), /came twice/)
  assert.match(pushFaults({ ...tally, outOfOrder: 2 }, 10, 0).join(), /out of order/)
  assert.match(pushFaults({ ...tally, faultCount: 1, faults: ['x'] }, 10, 0).join(), /receiver: x.*1 pushes/)
  const { counts } = tally
  assert.match(pushFaults({ ...tally, counts: { ...counts, answer: 8 } }, 10, 0).join(), /2 calls .* answer/)
})
