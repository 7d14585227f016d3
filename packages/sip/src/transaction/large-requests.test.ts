import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { response } from '../message/build.ts'
import { header } from '../message/headers.ts'
import { branchOf, topVia } from '../message/via.ts'
import { openBench, sendTimes } from '../testkit/bench.ts'
import type { Bench } from '../testkit/bench.ts'

const TARGET = { uri: 'sip:b@192.0.2.1:5060', from: '<sip:x@192.0.2.2>', to: '<sip:b@192.0.2.1>' }
const LARGE = { ...TARGET, body: Buffer.alloc(1300, 'v'), contentType: 'text/plain' }
const SERVER = '192.0.2.2'

const listening = async (t: TestContext, transports: readonly ('udp' | 'tcp')[]): Promise<Bench> => {
  const listen = transports.map((transport) => ({ address: SERVER, port: 5060, transport }))
  const bench = await openBench({ stack: { listen } })
  t.after(() => bench.close())
  return bench
}

const sent = (bench: Bench): string[] =>
  bench.network.carried
    .filter(({ from }) => from.address === SERVER)
    .map(({ to, message }) => {
      const what = message.kind === 'request' ? message.method : String(message.status)
      return `${what} ${to.transport} ${topVia(message)?.transport}`
    })

describe('a request of more than 1300 bytes for a UDP peer', () => {
  it('goes by TCP, with its CANCEL and its ACK, and says so in Via (RFC 3261 §18.1.1)', async (t) => {
    const bench = await listening(t, ['udp', 'tcp'])
    const peer = bench.network.peer('192.0.2.1', 5060, 'tcp')
    const call = bench.stack.invite(LARGE, bench.handlers)
    bench.clock.advance(1)
    const invite = peer.lastRequest('INVITE')
    const server = { address: SERVER, port: 5060, transport: 'tcp' } as const
    peer.send(response(invite, 180, { toTag: 'b' }), server)
    bench.clock.advance(1)
    call.cancel()
    peer.send(response(invite, 487, { toTag: 'b' }), server)
    bench.clock.advance(1)
    assert.deepEqual(sent(bench), ['INVITE tcp TCP', 'CANCEL tcp TCP', 'ACK tcp TCP'])
    assert.deepEqual(bench.events.at(-1), 'onFailure 487')
  })

  it('goes by UDP after all when the peer takes no connection, and the next one at once', async (t) => {
    const bench = await listening(t, ['udp', 'tcp'])
    bench.stack.invite(LARGE, bench.handlers)
    bench.clock.advance(1)
    bench.clock.advance(1)
    assert.deepEqual(sent(bench), ['INVITE tcp TCP', 'INVITE udp UDP'])
    const [byTcp, byUdp] = bench.network.carried.map(({ message }) => branchOf(header(message, 'Via')!))
    assert.equal(byTcp, byUdp)
    bench.deliver(response(bench.peer.lastRequest('INVITE'), 486, { toTag: 'b' }))
    assert.deepEqual(bench.events, ['onFailure 486'])
    bench.network.carried.length = 0
    bench.stack.invite(LARGE, bench.handlers)
    assert.deepEqual(sent(bench), ['INVITE udp UDP'])
  })

  it('is repeated on Timer A once it goes by UDP', async (t) => {
    const bench = await listening(t, ['udp', 'tcp'])
    bench.stack.invite(LARGE, bench.handlers)
    bench.clock.advance(1)
    bench.network.carried.length = 0
    bench.clock.advance(1600)
    assert.deepEqual(
      sendTimes(bench, (message) => message.kind === 'request'),
      [0, 1000],
    )
  })

  it('goes by UDP when there is no TCP face', async (t) => {
    const bench = await listening(t, ['udp'])
    bench.stack.invite(LARGE, bench.handlers)
    assert.deepEqual(sent(bench), ['INVITE udp UDP'])
  })
})

it('a smaller request stays with UDP', async (t) => {
  const bench = await listening(t, ['udp', 'tcp'])
  bench.stack.invite(TARGET, bench.handlers)
  assert.deepEqual(sent(bench), ['INVITE udp UDP'])
})
