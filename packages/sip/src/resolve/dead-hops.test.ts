import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Hop } from '../transport/address.ts'
import { DeadHops } from './dead-hops.ts'

const hop = (n: number): Hop => ({ address: `192.0.2.${n}`, port: 5060, transport: 'udp' })

describe('hops that failed', () => {
  it('are tried last for a minute, or for as long as they asked, ten minutes at most', () => {
    let now = 0
    const dead = new DeadHops(() => now)
    const all = [hop(1), hop(2), hop(3), hop(4)]
    assert.equal(dead.inTurn(all), all)
    dead.mark(hop(1))
    dead.mark(hop(2), 5_000)
    dead.mark(hop(3), 1e9)
    assert.deepEqual(dead.inTurn(all), [hop(4), hop(1), hop(2), hop(3)])
    now = 5_000
    assert.deepEqual(dead.inTurn(all), [hop(2), hop(4), hop(1), hop(3)])
    now = 60_000
    assert.deepEqual(dead.inTurn(all), [hop(1), hop(2), hop(4), hop(3)])
    now = 600_000
    assert.equal(dead.inTurn(all), all)
    assert.equal(dead.size, 0)
  })

  it('are tried all the same when there is no other, and are told apart by transport and port', () => {
    const dead = new DeadHops(() => 0)
    dead.mark(hop(1))
    assert.deepEqual(dead.inTurn([hop(1)]), [hop(1)])
    const others: Hop[] = [
      { ...hop(1), transport: 'tcp' },
      { ...hop(1), port: 5061 },
    ]
    assert.deepEqual(dead.inTurn([hop(1), ...others]), [...others, hop(1)])
  })

  it('are a thousand at most', () => {
    const dead = new DeadHops(() => 0)
    for (let port = 1; port <= 5_000; port++) dead.mark({ ...hop(1), port })
    assert.equal(dead.size, 1_000)
  })
})
