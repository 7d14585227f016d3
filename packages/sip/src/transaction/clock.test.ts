import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { TimerWheel } from './clock.ts'

describe('timer wheel', () => {
  it('runs timers in the order they are due, never early, and not those that were cleared', async () => {
    const wheel = new TimerWheel()
    const order: number[] = []
    const start = performance.now()
    const early: number[] = []
    await new Promise<void>((resolve) => {
      for (const delay of [60, 20, 40, 0]) {
        wheel.setTimer(delay, () => {
          order.push(delay)
          if (performance.now() - start < delay) early.push(delay)
          if (delay === 60) resolve()
        })
      }
      wheel.clearTimer(wheel.setTimer(30, () => order.push(30)))
    })
    assert.deepEqual(order, [0, 20, 40, 60])
    assert.deepEqual(early, [])
    wheel.close()
  })

  it('wakes the others when one of them throws, and reports what it threw', async () => {
    const faults: string[] = []
    const wheel = new TimerWheel((error, where) => faults.push(`${where}: ${String(error)}`))
    const order: number[] = []
    await new Promise<void>((resolve) => {
      wheel.setTimer(20, () => order.push(1))
      wheel.setTimer(20, () => {
        throw new Error('boom')
      })
      wheel.setTimer(20, () => order.push(2))
      wheel.setTimer(40, () => resolve())
    })
    assert.deepEqual(order, [1, 2])
    assert.deepEqual(faults, ['timer: Error: boom'])
    wheel.close()
  })

  it('holds no Node timer while nothing waits', async () => {
    const timeouts = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timeouts()
    const wheel = new TimerWheel()
    assert.equal(timeouts(), before)
    await new Promise<void>((resolve) => wheel.setTimer(1, resolve))
    assert.equal(timeouts(), before)
    wheel.setTimer(60_000, () => {})
    assert.equal(timeouts(), before + 1)
    wheel.close()
    assert.equal(timeouts(), before)
  })

  it('keeps a timer that is longer than one turn of the wheel', async () => {
    const wheel = new TimerWheel()
    let ran = false
    // One turn is 4096 ticks of 10 ms; this one shares its slot with the short timer.
    wheel.setTimer(40_960 + 20, () => (ran = true))
    await new Promise<void>((resolve) => wheel.setTimer(20, resolve))
    await new Promise<void>((resolve) => wheel.setTimer(20, resolve))
    assert.equal(ran, false)
    wheel.close()
  })

  it('lets sockets be read before timers fire when the process stood still', async () => {
    const wheel = new TimerWheel()
    const order: string[] = []
    await new Promise<void>((resolve) => {
      wheel.setTimer(20, () => {
        order.push('timer')
        resolve()
      })
      const end = performance.now() + 120
      while (performance.now() < end);
      setImmediate(() => order.push('sockets read'))
    })
    assert.deepEqual(order, ['sockets read', 'timer'])
    wheel.close()
  })
})
