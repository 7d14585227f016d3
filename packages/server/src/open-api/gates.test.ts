import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FlowControl } from './flow-control.ts'
import { allowsIp } from './ip-allowlist.ts'
import { Lockout } from './lockout.ts'
import { ReplayMemory } from './replay-memory.ts'

describe('Lockout', () => {
  const rule = { failures: 3, windowMs: 1000, lockMs: 5000 }

  it('[auth.rule.lockout] locks at the third failure within the window', () => {
    const lockout = new Lockout(rule)
    assert.equal(lockout.fail('192.0.2.1', 0), false)
    assert.equal(lockout.fail('192.0.2.1', 500), false)
    assert.equal(lockout.fail('192.0.2.1', 999), true)
    assert.equal(lockout.isLocked('192.0.2.1', 5998), true)
    assert.equal(lockout.isLocked('192.0.2.1', 5999), false)
    assert.equal(lockout.isLocked('192.0.2.2', 999), false)
  })

  it('forgets failures that the window has left', () => {
    const lockout = new Lockout(rule)
    lockout.fail('192.0.2.1', 0)
    lockout.fail('192.0.2.1', 900)
    assert.equal(lockout.fail('192.0.2.1', 1000), false)
    assert.equal(lockout.fail('192.0.2.1', 1001), true)
  })

  it('starts from zero after a lock', () => {
    const lockout = new Lockout(rule)
    for (const at of [0, 1, 2]) lockout.fail('192.0.2.1', at)
    assert.equal(lockout.fail('192.0.2.1', 5003), false)
  })

  it('never locks with a limit of 0', () => {
    const lockout = new Lockout({ ...rule, failures: 0 })
    for (let i = 0; i < 100; i += 1) assert.equal(lockout.fail('192.0.2.1', 0), false)
  })

  it('forgets the source that failed longest ago when there are too many', () => {
    const lockout = new Lockout({ ...rule, failures: 2, windowMs: 1e9 })
    lockout.fail('first', 0)
    lockout.fail('second', 0)
    for (let i = 0; i < 49_999; i += 1) lockout.fail(`source ${i}`, 0)
    assert.equal(lockout.fail('second', 0), true)
    assert.equal(lockout.fail('first', 0), false)
  })
})

describe('Lockout against many addresses', () => {
  const rule = { failures: 3, windowMs: 1000, lockMs: 5000 }

  it('[auth.rule.lockout.source] counts the addresses of one IPv6 /64 as one source, and its neighbours apart', () => {
    const lockout = new Lockout(rule)
    const locks = [1, 2, 3].map((n) => lockout.fail(`2001:db8:0:1:${n}::${n}`, 0))
    assert.deepEqual(locks, [false, false, true])
    assert.equal(lockout.isLocked('2001:db8:0:1:ffff::1', 1), true)
    assert.equal(lockout.isLocked('2001:db8:0:2::1', 1), false)
    assert.deepEqual(lockout.locked(1), [{ ip: '2001:db8:0:1::/64', until: 5000 }])
    assert.equal(lockout.release('2001:db8:0:1::/64', 1), true)
    assert.equal(lockout.isLocked('2001:db8:0:1::1', 1), false)
  })

  it('keeps a lock whatever number of others fail', () => {
    const lockout = new Lockout(rule)
    for (let n = 0; n < 3; n += 1) lockout.fail('192.0.2.1', 0)
    for (let n = 0; n < 50_001; n += 1) lockout.fail(`source ${n}`, 1)
    assert.equal(lockout.isLocked('192.0.2.1', 2), true)
  })

  it('forgets locks that have ended', () => {
    const lockout = new Lockout({ ...rule, failures: 1 })
    lockout.fail('192.0.2.1', 0)
    lockout.fail('192.0.2.2', 6000)
    assert.deepEqual(lockout.locked(0), [{ ip: '192.0.2.2', until: 11_000 }])
  })
})

describe('FlowControl', () => {
  it('[auth.rule.flow.excess] admits one second of requests at once and refills continuously', () => {
    const flow = new FlowControl(10, 0)
    const admitted = (at: number, n: number) =>
      Array.from({ length: n }, () => flow.admit('k', at)).filter(Boolean).length
    assert.equal(admitted(1000, 15), 10)
    assert.equal(admitted(1099, 1), 0)
    assert.equal(admitted(1100, 5), 1)
    assert.equal(admitted(9000, 15), 10)
  })

  it('keeps apps apart and takes no token of the app when the platform refuses', () => {
    const flow = new FlowControl(2, 3)
    assert.deepEqual(
      ['a', 'a', 'a', 'b', 'b'].map((key) => flow.admit(key, 0)),
      [true, true, false, true, false],
    )
    assert.equal(flow.admit('b', 334), true)
  })

  it('admits everything at rate 0, and survives a clock that steps back', () => {
    const off = new FlowControl(0, 0)
    for (let i = 0; i < 1000; i += 1) assert.equal(off.admit('k', 0), true)
    const flow = new FlowControl(1, 0)
    assert.equal(flow.admit('k', 10_000), true)
    assert.equal(flow.admit('k', 5000), false)
    assert.equal(flow.admit('k', 6000), true)
  })
})

describe('ReplayMemory', () => {
  const created = '2026-02-12T15:30:20Z'

  it('knows a triple for twice the skew', () => {
    const memory = new ReplayMemory(1000)
    assert.equal(memory.firstUse('k', 'n', created, 0), true)
    assert.equal(memory.firstUse('k', 'n', created, 1999), false)
    assert.equal(memory.firstUse('k', 'n', created, 2000), false)
    assert.equal(memory.firstUse('k', 'other', created, 2001), true)
    assert.equal(memory.firstUse('k', 'n', created, 4000), true)
  })

  it('keeps apps, nonces and times apart', () => {
    const memory = new ReplayMemory(1000)
    assert.equal(memory.firstUse('k1', 'n', created, 0), true)
    assert.equal(memory.firstUse('k', '1n', created, 0), true)
    assert.equal(memory.firstUse('k1', 'n', '2026-02-12T15:30:21Z', 0), true)
  })

  it('stays bounded: a full generation makes room, the previous one is still known', () => {
    const memory = new ReplayMemory(1e9, 3)
    for (const nonce of ['1', '2', '3', '4']) assert.equal(memory.firstUse('k', nonce, created, 0), true)
    assert.equal(memory.firstUse('k', '1', created, 0), false)
    for (const nonce of ['5', '6', '7']) memory.firstUse('k', nonce, created, 0)
    assert.equal(memory.firstUse('k', '1', created, 0), true)
  })
})

describe('IP allowlist', () => {
  const cases: [string, string, boolean][] = [
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.8', false],
    ['192.0.2.0/28', '192.0.2.15', true],
    ['192.0.2.0/28', '192.0.2.16', false],
    ['2001:db8::/32', '2001:db8:1::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['::1', '::1', true],
    ['0.0.0.0/0', '::1', false],
    ['192.0.2.0/33', '192.0.2.0', false],
    ['192.0.2.0/', '192.0.2.0', false],
    ['host.example', '192.0.2.1', false],
    ['192.0.2.1', '', false],
  ]
  for (const [entry, ip, allowed] of cases) {
    it(`${entry} ${allowed ? 'covers' : 'does not cover'} ${ip || 'an unknown address'}`, () => {
      assert.equal(allowsIp([entry], ip), allowed)
    })
  }

  it('[auth.rule.allowlist.empty] allows everybody when it is empty', () =>
    assert.equal(allowsIp([], '192.0.2.1'), true))
})
