import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { test, type TestContext } from 'node:test'
import { ENGINE_HOST, until } from '../testkit/call.ts'
import { CLOSED_MS, MAX_REST_MS, SocketPairs } from './socket-pairs.ts'

const REST_MS = 2000

/** One bound pair, a clock turned by hand, and a stale sender. */
async function restingPair(t: TestContext) {
  const hands = { now: 0 }
  const range = { host: ENGINE_HOST, portMin: 30_000, portMax: 32_000 }
  const pairs = new SocketPairs({ ...range, restMs: REST_MS, now: () => hands.now })
  const [port = 0] = await pairs.grow(1)
  const pair = pairs.get(port) ?? assert.fail('no pair')
  const stale = createSocket('udp4')
  t.after(() => {
    pairs.close()
    stale.close()
  })
  pairs.rest(port)
  const sendLate = async (to: number): Promise<void> => {
    stale.send('late', to, ENGINE_HOST)
    await until('it came', () => pair.heardAtMs === hands.now)
  }
  return { pairs, port, hands, sendLate }
}

test('a pair rests until no packet has come for the whole rest, to either of its ports', async (t) => {
  const { pairs, port, hands, sendLate } = await restingPair(t)
  for (const late of [port, port + 1]) {
    hands.now += REST_MS - 1
    assert.deepEqual(await pairs.wake(), [])
    await sendLate(late)
  }
  hands.now += REST_MS - 1
  assert.deepEqual(await pairs.wake(), [])
  hands.now += 1
  assert.deepEqual(await pairs.wake(), [port])
  assert.deepEqual(await pairs.wake(), [])
})

test('a pair whose stale sender never stops is closed for a while and bound anew', async (t) => {
  const { pairs, port, hands, sendLate } = await restingPair(t)
  while (hands.now < MAX_REST_MS) {
    assert.deepEqual(await pairs.wake(), [])
    hands.now += REST_MS / 2
    await sendLate(port)
  }
  assert.deepEqual(await pairs.wake(), [])
  assert.equal(pairs.get(port), undefined)
  hands.now += CLOSED_MS
  assert.deepEqual(await pairs.wake(), [port])
  assert.equal(pairs.get(port)?.port, port)
})
