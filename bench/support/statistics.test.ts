import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { quantile, slope } from './statistics.ts'

describe('quantile', () => {
  test('is a value of the list, whatever its order', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i)
    assert.deepEqual([quantile(values, 0.5), quantile(values, 0.99), quantile(values, 1)], [51, 100, 100])
  })

  test('is undefined without values', () => assert.equal(quantile([], 0.5), undefined))
})

describe('slope', () => {
  test('is that of the line that the points lie on', () => {
    const points = [0, 1, 2, 5].map((x) => ({ x, y: 7 - 3 * x }))
    assert.ok(Math.abs(slope(points) + 3) < 1e-12)
  })

  test('is zero for points that jump up and down around a level', () => {
    const points = [1, -1, -1, 1].map((y, x) => ({ x, y }))
    assert.equal(slope(points), 0)
  })

  test('is not a number where x stands still', () => {
    assert.ok(Number.isNaN(slope([{ x: 1, y: 1 }])))
  })
})
