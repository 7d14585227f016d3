import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nextTryAt } from './ladder.ts'

const MINUTE = 60_000
const after = (attempts: number, minutes: number): number | undefined => {
  const at = nextTryAt(attempts, 0, minutes * MINUTE)
  return at === undefined ? undefined : at / MINUTE
}

describe('the next try', () => {
  it('is on the next rung when the last one was in time', () => {
    assert.deepEqual(
      [0, 1, 4, 9.1, 106.1, 203.1, 300].map((minutes, n) => after(n + 1, minutes)),
      [1, 4, 9, 106, 203, 300, undefined],
    )
  })

  it('keeps its distance from a late one and loses no attempt, as far as the five hours allow', () => {
    assert.equal(after(2, 50), 53)
    assert.equal(after(3, 53), 58)
    assert.equal(after(4, 150), 247)
    assert.equal(after(2, 299), 300)
  })

  it('is none when one failed after the five hours', () => {
    assert.equal(after(2, 300), undefined)
  })
})
