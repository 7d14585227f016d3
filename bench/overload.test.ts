import assert from 'node:assert/strict'
import { test } from 'node:test'
import { goodput, renderOverload, type OverloadResult } from './overload.ts'

const result: OverloadResult = {
  server: 'Maskline',
  heldRate: 500,
  offeredRate: 999.6,
  completed: 4_750,
  refused: 5_250,
  failed: 0,
  retransmissions: 3,
  elapsedSec: 10,
  made: 10_000,
  madeFailed: 5_250,
  setUp: { samples: 4_750, p50Ms: 30, p99Ms: 60, maxMs: 75.5 },
  refusal: undefined,
}

test('goodput is what was completed a second, as a share of what is held', () => {
  assert.equal(goodput(result), 0.95)
})

test('the table says what was done with all that was offered, and a dash for times without a capture', () => {
  const lines = renderOverload(result).split('\n')
  assert.ok(lines.includes('| goodput: completed a second ÷ held | 95.0 % | ≥ 90 % |'))
  assert.ok(lines.includes('| refused with 503 | 52.5 % |  |'))
  assert.ok(lines.includes('| INVITE to 503, p99 ms | – | < 50 |'))
  assert.ok(lines.includes('| INVITE to 200, longest, ms | 75.50 | < 1000 |'))
})
