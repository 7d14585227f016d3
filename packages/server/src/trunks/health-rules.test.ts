import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FRESH, type Health, heard, healthPolicy, isUsable, rest, tried } from './health-rules.ts'

const PROBED = healthPolicy({ optionsSec: 10, failures: 3, successes: 2 })
const UNPROBED = healthPolicy(undefined)

/** `+` is a success, `-` a failure, one a second; what is told is the state after each. */
function told(results: string, policy = PROBED): string {
  let health: Health = FRESH
  return [...results]
    .map((result, second) => {
      health = heard(health, result === '+', second * 1000, policy)
      return health.up ? 'u' : 'd'
    })
    .join('')
}

for (const [results, states] of [
  ['+++', 'uuu'],
  ['---', 'uud'],
  ['--+--', 'uuuuu'],
  ['---+-++', 'uuddddu'],
  ['---+--+-+-+', 'uuddddddddd'],
  ['---++---', 'uudduuud'],
] as const)
  test(`hysteresis: after ${results} the states were ${states}`, () => assert.equal(told(results), states))

test('a peer with OPTIONS that is down gets no call in its turn until it is up', () => {
  const down = [0, 1, 2].reduce((health, at) => heard(health, false, at, PROBED), FRESH)
  assert.equal(isUsable(down, 1e9, PROBED), false)
  const once = heard(down, true, 1e9, PROBED)
  assert.equal(isUsable(once, 1e9, PROBED), false)
  assert.equal(isUsable(heard(once, true, 1e9, PROBED), 1e9, PROBED), true)
})

test('one without OPTIONS gets a call after a while, and rests again when that fails', () => {
  const down = [0, 1, 2].reduce((health, at) => heard(health, false, at, UNPROBED), FRESH)
  assert.equal(isUsable(down, 30_001, UNPROBED), false)
  assert.equal(isUsable(down, 30_002, UNPROBED), true)
  const again = heard(down, false, 31_000, UNPROBED)
  assert.equal(isUsable(again, 60_999, UNPROBED), false)
  assert.equal(isUsable(again, 61_000, UNPROBED), true)
})

test('one without OPTIONS that is down gets one call at a time, and the next as soon as that is answered', () => {
  const down = [0, 1, 2].reduce((health, at) => heard(health, false, at, UNPROBED), FRESH)
  const probing = tried(down, 30_002, UNPROBED)
  assert.equal(isUsable(probing, 30_002, UNPROBED), false)
  assert.equal(
    isUsable(probing, 60_002, UNPROBED),
    true,
    'a call of which nothing is heard blocks nobody for ever',
  )
  const once = heard(probing, true, 31_000, UNPROBED)
  assert.deepEqual([once.up, isUsable(once, 31_000, UNPROBED)], [false, true])
  assert.equal(heard(tried(once, 31_000, UNPROBED), true, 32_000, UNPROBED), FRESH)
  assert.equal(tried(FRESH, 5, UNPROBED), FRESH)
})

test('a peer that asks for rest is up, gets it, and no more than a minute', () => {
  const resting = rest(FRESH, 5_000, 1_000)
  assert.equal(resting.up, true)
  assert.equal(isUsable(resting, 5_999, PROBED), false)
  assert.equal(isUsable(resting, 6_000, PROBED), true)
  assert.equal(isUsable(rest(FRESH, 3_600_000, 0), 60_000, PROBED), true)
})

test('what counts as alive', () => {
  for (const [status, alive] of [
    [200, true],
    [405, true],
    [404, true],
    [408, false],
    [503, false],
  ] as const)
    assert.equal(PROBED.alive(status), alive)
  const strict = healthPolicy({ alive: [200] })
  assert.deepEqual([strict.alive(200), strict.alive(404)], [true, false])
  assert.equal(strict.optionsMs, 30_000, 'a trunk that speaks of health has OPTIONS')
  assert.equal(UNPROBED.optionsMs, 0)
})
