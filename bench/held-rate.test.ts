import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isHeld, searchHeldRate } from './held-rate.ts'

describe('the highest rate held', () => {
  const search = async (rates: readonly number[], capacity: number) => {
    const tried: number[] = []
    const held = await searchHeldRate(rates, async (rate) => {
      tried.push(rate)
      return rate <= capacity
    })
    return { ...held, tried }
  }

  test('is the last before one that does not hold; what is above is not tried', async () => {
    const found = await search([400, 600, 800, 1_000], 700)
    assert.deepEqual(found, { rate: 600, isLast: false, tried: [400, 600, 800] })
  })

  test('may be more when all hold', async () => {
    assert.deepEqual(await search([400, 600], 900), { rate: 600, isLast: true, tried: [400, 600] })
  })

  test('is none when the first does not hold', async () => {
    assert.deepEqual(await search([400, 600], 100), { rate: 0, isLast: false, tried: [400] })
  })
})

describe('a rate is held', () => {
  const run = { rate: 600, achievedRate: 590, completed: 5_996, failed: 4 }

  test('with fewer than one call of a thousand failed', () => {
    assert.equal(isHeld(run), true)
    assert.equal(isHeld({ ...run, completed: 5_994, failed: 6 }), false)
  })

  test('only when it was offered', () => assert.equal(isHeld({ ...run, achievedRate: 500 }), false))
})
