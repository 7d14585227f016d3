import assert from 'node:assert/strict'
import { it } from 'node:test'
import { tallyOf, type Told } from './tally.ts'

const told = (...results: number[]): Told => new Map(results.map((result, i) => [`id ${i}`, result]))

/** One acknowledged SMS. */
const one = (times: number, results: Told | undefined) =>
  tallyOf({ acknowledged: [true], times: [times], told: [results], repeated: 0 })

it('counts what went out once and was told, and what was told as failed', () => {
  const run = { acknowledged: [true, true], times: [1, 0], told: [told(0), told(10)], repeated: 3 }
  const tally = tallyOf(run)
  assert.deepEqual(
    [tally.acknowledged, tally.delivered, tally.toldAsFailed, tally.repeated, tally.faults],
    [2, 1, 1, 3, []],
  )
})

it('an SMS that went out and is told as unknown is not lost', () => {
  const { delivered, unsure, faults } = one(1, told(10))
  assert.deepEqual([delivered, unsure, faults], [1, 1, []])
})

it('an SMS is lost that never went out, whether nothing was told or that it was sent', () => {
  assert.equal(one(0, undefined).lost, 1)
  assert.deepEqual(one(0, told(0)).faults, ['SMS 0 never went out; told: 0'])
})

it('finds what went out twice, was told twice, or not at all', () => {
  assert.deepEqual(one(2, told(0)).faults, ['SMS 0 went out 2 times'])
  assert.deepEqual(one(1, told(0, 0)).faults, ['SMS 0 was told as 2 SMS'])
  assert.equal(one(1, undefined).untold, 1)
})

it('an SMS that was not acknowledged is owed to nobody', () => {
  const tally = tallyOf({ acknowledged: [false], times: [0], told: [undefined], repeated: 0 })
  assert.deepEqual([tally.acknowledged, tally.lost, tally.faults], [0, 0, []])
})
