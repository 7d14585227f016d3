import assert from 'node:assert/strict'
import { it } from 'node:test'
import { openBench } from '../testkit/bench.ts'
import { testRequest } from '../testkit/requests.ts'
import { summaryOf } from '../testkit/memory-network.ts'

it('a trace sees every message, copies too, from when it begins until it ends, and others are none of its business', async () => {
  const faults: unknown[] = []
  const bench = await openBench({ stackHandlers: { onFault: (error) => void faults.push(error) } })
  const seen: string[] = []
  const options = (seq: number): void =>
    bench.deliver(
      testRequest({
        from: bench.peer.hop,
        method: 'OPTIONS',
        seq,
        branch: `z9hG4bK-${seq}`,
        callId: `c${seq}`,
      }),
    )
  options(1)
  const end = bench.stack.trace((direction, message, local, peer) => {
    assert.deepEqual([local.address, peer.address], ['192.0.2.2', '192.0.2.1'])
    seen.push(`${direction} ${summaryOf(message)}`)
  })
  const endOther = bench.stack.trace(() => {
    throw new Error('a bug of who looks')
  })
  options(2)
  assert.deepEqual(seen, ['in OPTIONS', 'out 200 OPTIONS'])
  assert.equal(faults.length, 2)
  endOther()
  const { uri, from, to } = { uri: 'sip:192.0.2.1', from: '<sip:a@a.example>', to: '<sip:b@b.example>' }
  bench.stack.request({ method: 'OPTIONS', uri, from, to }, () => {})
  bench.clock.advance(600)
  assert.deepEqual(seen.slice(2), ['out OPTIONS', 'out OPTIONS'])
  end()
  options(3)
  assert.equal(seen.length, 4)
  await bench.close()
})
