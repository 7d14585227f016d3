import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLeapingClock } from './leaping-clock.ts'

test('a leap runs what came due, in order, and leaves the rest to time', async () => {
  const clock = createLeapingClock()
  const ran: string[] = []
  const before = clock.now()
  const cancelled = clock.setTimer(50_000, () => ran.push('cancelled'))
  clock.setTimer(40_000, () => ran.push('second'))
  clock.setTimer(30_000, () => {
    ran.push('first')
    cancelled.cancel()
  })
  const rest = new Promise<void>((resolve) => clock.setTimer(60_005, resolve))
  clock.leap(60_000)
  assert.deepEqual(ran, ['first', 'second'])
  assert.ok(clock.now() >= before + 60_000)
  await rest
})
