import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createManualClock } from './delivery-test-kit.ts'
import { createHostNames } from './host-names.ts'
import type { Resolve } from './host-names.ts'

/** A name server that answers when the test says so. */
function bench() {
  const clock = createManualClock()
  const asked: string[] = []
  const open = new Map<string, Parameters<Resolve>[1]>()
  const lookup = createHostNames(clock, (host, done) => {
    asked.push(host)
    open.set(host, done)
  })
  const settle = (host: string, address?: string): void => {
    const done = open.get(host)
    assert.ok(done, `${host} was asked for`)
    open.delete(host)
    if (address === undefined) done(Object.assign(new Error('no'), { code: 'EAI_AGAIN' }), [])
    else done(null, [{ address, family: 4 }])
  }
  const find = (host: string): Promise<string> =>
    new Promise((resolve, reject) =>
      lookup(host, { all: true }, (error, addresses) => {
        if (error) reject(error)
        else resolve((addresses as { address: string }[]).map(({ address }) => address).join())
      }),
    )
  return { clock, asked, open, settle, find }
}

describe('host names', () => {
  it('are asked for once by many at a time, and again after half a minute', async () => {
    const { clock, asked, settle, find } = bench()
    const both = Promise.all([find('a.example'), find('a.example')])
    settle('a.example', '192.0.2.1')
    assert.deepEqual(await both, ['192.0.2.1', '192.0.2.1'])
    clock.advance(29_999)
    assert.equal(await find('a.example'), '192.0.2.1')
    assert.deepEqual(asked, ['a.example'])
    clock.advance(1)
    assert.equal(await find('a.example'), '192.0.2.1', 'the old address serves until there is a new one')
    settle('a.example', '192.0.2.2')
    assert.equal(await find('a.example'), '192.0.2.2')
    assert.deepEqual(asked, ['a.example', 'a.example'])
  })

  it('that failed fail at once for five seconds', async () => {
    const { clock, asked, settle, find } = bench()
    const failed = assert.rejects(find('a.example'), { code: 'EAI_AGAIN' })
    settle('a.example')
    await failed
    clock.advance(4_999)
    await assert.rejects(find('a.example'))
    assert.equal(asked.length, 1)
    clock.advance(1)
    const again = find('a.example')
    settle('a.example', '192.0.2.1')
    assert.equal(await again, '192.0.2.1')
  })

  it('nobody answers for take one place only and delay no other name', async () => {
    const { clock, asked, open, settle, find } = bench()
    for (let n = 0; n < 6; n++) {
      const failed = assert.rejects(find(`hole${n}.example`))
      settle(`hole${n}.example`)
      await failed
    }
    clock.advance(5_000)
    for (let n = 0; n < 6; n++) void find(`hole${n}.example`).catch(() => {})
    assert.equal(open.size, 1, 'five wait for the first')
    const other = find('b.example')
    settle('b.example', '192.0.2.7')
    assert.equal(await other, '192.0.2.7')
    assert.equal(asked.at(-1), 'b.example')
  })

  it('never seen before are asked for two at a time', async () => {
    const { open, settle, find } = bench()
    const all = ['a', 'b', 'c'].map((name) => find(`${name}.example`))
    assert.deepEqual([...open.keys()], ['a.example', 'b.example'])
    settle('b.example', '192.0.2.2')
    assert.deepEqual([...open.keys()], ['a.example', 'c.example'])
    settle('a.example', '192.0.2.1')
    settle('c.example', '192.0.2.3')
    assert.deepEqual(await Promise.all(all), ['192.0.2.1', '192.0.2.2', '192.0.2.3'])
  })
})
