import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../shared/time.ts'
import { startSweeper } from './sweeper.ts'

/** A clock whose one timer is fired by hand. */
function handClock() {
  let pending: { delayMs: number; run: () => void } | undefined
  const clock: Clock = {
    now: () => 5000,
    setTimer(delayMs, run) {
      const mine = (pending = { delayMs, run })
      return { cancel: () => void (pending === mine && (pending = undefined)) }
    },
  }
  return {
    clock,
    delay: () => pending?.delayMs,
    fire() {
      const { run } = pending!
      pending = undefined
      run()
    },
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

function fixture(deleted: (number | Error)[]) {
  const errors: unknown[] = []
  const asked: number[] = []
  const hand = handClock()
  const store = {
    async deleteExpired(at: number) {
      asked.push(at)
      const next = deleted.shift() ?? 0
      if (next instanceof Error) throw next
      return next
    },
  }
  const log = { error: (fields: unknown) => void errors.push(fields) } as unknown as Parameters<
    typeof startSweeper
  >[0]['log']
  return { ...hand, errors, asked, sweeper: startSweeper({ store, clock: hand.clock, log }) }
}

test('sweeps once a second, and goes on at once while batches are full', async () => {
  const { asked, delay, fire, sweeper } = fixture([200, 3])
  assert.equal(delay(), 1000)
  fire()
  await turn()
  assert.equal(delay(), 0)
  fire()
  await turn()
  assert.equal(delay(), 1000)
  assert.deepEqual(asked, [5000, 5000])
  await sweeper.close()
  assert.equal(delay(), undefined)
})

test('a failing storage is reported and tried again', async () => {
  const { delay, errors, fire, sweeper } = fixture([new Error('disk')])
  fire()
  await turn()
  assert.equal(errors.length, 1)
  assert.equal(delay(), 1000)
  await sweeper.close()
})

test('closing waits for the sweep under way and starts no other', async () => {
  const { asked, delay, fire, sweeper } = fixture([200])
  fire()
  await sweeper.close()
  assert.equal(asked.length, 1)
  assert.equal(delay(), undefined)
})
