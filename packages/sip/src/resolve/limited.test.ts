import assert from 'node:assert/strict'
import { it } from 'node:test'
import { limited } from './limited.ts'

it('some run at once, some wait for their turn, the rest is rejected', async () => {
  const gate = limited(2, 1)
  const open = Array.from({ length: 3 }, () => Promise.withResolvers<string>())
  let begun = 0
  const asked = open.map(({ promise }) => gate(() => (begun++, promise)))
  await assert.rejects(
    gate(() => Promise.resolve('4')),
    /too many/,
  )
  assert.equal(begun, 2)
  open[0]!.reject(new Error('gone'))
  await assert.rejects(asked[0]!, /gone/)
  open[1]!.resolve('2')
  open[2]!.resolve('3')
  assert.deepEqual(await Promise.all(asked.slice(1)), ['2', '3'])
  assert.equal(begun, 3)
  assert.deepEqual(await Promise.all([1, 2].map((n) => gate(() => Promise.resolve(n)))), [1, 2])
})
