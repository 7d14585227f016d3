import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import { ManualClock } from '../testkit/manual-clock.ts'
import { timersOf } from '../transaction/clock.ts'
import { createSipStack } from '../ua/stack.ts'
import type { Hop } from './address.ts'
import { FLOW_LIMITS, FlowWatch } from './flow-watch.ts'

const HOST = '127.0.0.1'
const { pingAfterMs, pongTimeoutMs, idleTimeoutMs } = FLOW_LIMITS

function watched() {
  const clock = new ManualClock()
  const events: string[] = []
  const at = (what: string) => () => void events.push(`${what} ${clock.now() - start}`)
  const start = clock.now()
  const watch: FlowWatch = new FlowWatch(timersOf(clock), FLOW_LIMITS, at('ping'), () => {
    at('hang up')()
    watch.close()
  })
  return { clock, events, watch }
}

describe('a connection that we opened (RFC 5626 §4.4.1)', () => {
  it('is pinged in silence, and not while something passes', () => {
    const { clock, events, watch } = watched()
    clock.advance(pingAfterMs - 1)
    watch.onWrite()
    clock.advance(pingAfterMs - 1)
    assert.deepEqual(events, [])
    clock.advance(1)
    assert.deepEqual(events, [`ping ${2 * pingAfterMs - 1}`])
    watch.close()
  })

  it('is given up when a peer that answers pings has stopped to, and kept when it never did', () => {
    const { clock, events, watch } = watched()
    watch.keep()
    clock.advance(pingAfterMs)
    clock.advance(pingAfterMs)
    assert.equal(events.length, 2, 'no answer proves nothing')
    watch.onRead('nothing', false)
    clock.advance(pingAfterMs)
    assert.equal(events.length, 3)
    clock.advance(pongTimeoutMs - 1)
    assert.equal(events.length, 3)
    clock.advance(1)
    assert.match(events[3]!, /^hang up/)
    assert.equal(clock.pending, 0)
  })

  it('is pinged as soon as who keeps it wants, where that is sooner', () => {
    const { clock, events, watch } = watched()
    clock.advance(1_000)
    watch.keep(30_000)
    watch.keep(60_000)
    clock.advance(29_999)
    assert.deepEqual(events, ['ping 30000'])
    watch.onRead('nothing', false)
    clock.advance(30_000)
    assert.equal(events.length, 2)
    watch.close()
  })

  it('is no peer that answers pings for what else it says after one: parts of messages, and pings of its own', () => {
    const { clock, events, watch } = watched()
    watch.keep()
    for (const [heard, isUnfinished] of [
      ['nothing', true],
      ['message', true],
      ['ping', false],
    ] as const) {
      clock.advance(pingAfterMs)
      watch.onRead(heard, isUnfinished)
    }
    clock.advance(3 * pingAfterMs)
    assert.doesNotMatch(events.join(), /hang up/)
    watch.close()
  })

  it('is given up when no message has passed for long, unless someone keeps it', () => {
    const idle = watched()
    idle.clock.advance(idleTimeoutMs + pingAfterMs)
    assert.match(idle.events.at(-1)!, /^hang up/)
    const kept = watched()
    kept.watch.keep()
    kept.clock.advance(3 * idleTimeoutMs)
    assert.match(kept.events.at(-1)!, /^ping/)
    kept.watch.release()
    kept.clock.advance(idleTimeoutMs + pingAfterMs)
    assert.match(kept.events.at(-1)!, /^hang up/)
  })
})

describe('a flow that is kept', () => {
  it('is a connection, opened now and pinged', async (t) => {
    const server = createServer().listen(0, HOST)
    t.after(() => server.close())
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const clock = new ManualClock()
    const listen = [{ address: HOST, port: 0, transport: 'tcp' as const }]
    const stack = await createSipStack({ listen, clock, handlers: { onInvite() {} } })
    t.after(() => stack.close())
    const release = stack.keepFlow({ address: HOST, port, transport: 'tcp' })
    const [peer] = (await once(server, 'connection')) as [Socket]
    t.after(() => peer.destroy())
    peer.on('error', () => {})
    clock.advance(pingAfterMs)
    const [ping] = (await once(peer, 'data')) as [Buffer]
    assert.equal(ping.toString(), '\r\n\r\n')
    release()
  })

  it('is a NAT that is reminded over UDP, until it is let go', async (t) => {
    const peer = createSocket('udp4')
    t.after(() => peer.close())
    peer.bind(0, HOST)
    await once(peer, 'listening')
    const hop: Hop = { address: HOST, port: peer.address().port, transport: 'udp' }
    const clock = new ManualClock()
    const listen = [{ address: HOST, port: 0, transport: 'udp' as const }]
    const stack = await createSipStack({ listen, clock, handlers: { onInvite() {} } })
    t.after(() => stack.close())
    const release = stack.keepFlow(hop)
    for (let i = 0; i < 2; i++) {
      const reminder = once(peer, 'message')
      clock.advance(25_000)
      const [data] = (await reminder) as [Buffer]
      assert.equal(data.toString(), '\r\n\r\n')
    }
    release()
    const releaseSoon = stack.keepFlow(hop, undefined, 10_000)
    const soon = once(peer, 'message')
    clock.advance(10_000)
    await soon
    releaseSoon()
    assert.equal(clock.pending, 0)
  })
})
