import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PortPool } from './port-pool.ts'

function poolOfPorts() {
  const asked: number[] = []
  const pool = new PortPool((pairs) => asked.push(pairs))
  return { pool, asked }
}

test('a port that rests after a call is free once it has rested, and the refusal counts it', async () => {
  const { pool } = poolOfPorts()
  pool.add([4000], 'the range ends')
  assert.equal(pool.takeNow(), 4000)
  pool.rest(1)
  assert.equal(pool.takeNow(), undefined)
  await assert.rejects(pool.take(), { code: 'NO_PORTS', message: /1 pairs rest after calls/ })
  pool.rested([4000])
  assert.equal(pool.takeNow(), 4000)
})

test('a port nobody was told of needs no rest', () => {
  const { pool } = poolOfPorts()
  pool.add([4000], 'the range ends')
  pool.takeNow()
  pool.release(4000)
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

test('uses the port that has been free longest first', () => {
  const { pool } = poolOfPorts()
  pool.add([4000, 4002, 4004], 'the range ends')
  for (const port of [4000, 4002, 4004]) assert.equal(pool.takeNow(), port)
  pool.rest(3)
  pool.rested([4002, 4000])
  pool.rested([4004])
  assert.deepEqual([pool.takeNow(), pool.takeNow(), pool.takeNow()], [4002, 4000, 4004])
})
