import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PortPool } from './port-pool.ts'

function poolOfPorts(restMs = 1000) {
  const hands = { now: 0 }
  const asked: number[] = []
  const pool = new PortPool({ now: () => hands.now, restMs, grow: (pairs) => asked.push(pairs) })
  return { pool, hands, asked }
}

test('a port rests for its time after a call and comes back after it', () => {
  const { pool, hands } = poolOfPorts(1000)
  pool.add([4000], 'the range ends')
  assert.equal(pool.takeNow(), 4000)
  pool.release(4000, true)
  hands.now = 999
  assert.equal(pool.takeNow(), undefined)
  hands.now = 1000
  assert.equal(pool.takeNow(), 4000)
})

test('a port nobody was told of needs no rest', () => {
  const { pool } = poolOfPorts()
  pool.add([4000], 'the range ends')
  pool.takeNow()
  pool.release(4000, false)
  assert.equal(pool.takeNow(), 4000)
})

test('waits for growth under way and is refused when the range is used up', async () => {
  const { pool, asked } = poolOfPorts()
  assert.equal(asked.length, 1)
  const first = pool.take()
  const second = pool.take()
  pool.add([4000], undefined)
  assert.equal(await first, 4000)
  assert.equal(asked.length, 2)
  pool.add([], 'every port of the media range is in use')
  await assert.rejects(second, { name: 'MediaError', code: 'NO_PORTS', message: /media range is in use/ })
  await assert.rejects(pool.take(), { code: 'NO_PORTS' })
})

test('grows ahead of need and stops with enough spare', () => {
  const { pool, asked } = poolOfPorts()
  pool.add(
    Array.from({ length: 64 }, (_, n) => 4000 + 2 * n),
    undefined,
  )
  assert.equal(asked.length, 1)
  pool.takeNow()
  assert.equal(asked.length, 2)
})

test('uses the port that has rested longest first', () => {
  const { pool, hands } = poolOfPorts(10)
  pool.add([4000, 4002, 4004], 'the range ends')
  for (const port of [4000, 4002, 4004]) assert.equal(pool.takeNow(), port)
  for (const port of [4002, 4000, 4004]) pool.release(port, true)
  hands.now = 20
  assert.deepEqual([pool.takeNow(), pool.takeNow(), pool.takeNow()], [4002, 4000, 4004])
})
