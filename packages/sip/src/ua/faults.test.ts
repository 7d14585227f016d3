import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, it } from 'node:test'
import { serializeMessage } from '../message/serialize.ts'
import { SDP_OFFER, openBench, toTagOf } from '../testkit/bench.ts'
import type { Bench } from '../testkit/bench.ts'
import { testRequest } from '../testkit/requests.ts'
import { createSipStack } from './stack.ts'
import type { StackHandlers } from '../core/types.ts'

const boom = (): never => {
  throw new Error('boom')
}

type Faults = { readonly bench: Bench; readonly faults: string[] }

async function openFaulty(handlers: Partial<StackHandlers> = {}): Promise<Faults> {
  const faults: string[] = []
  const onFault = (error: unknown, where: string): void =>
    void faults.push(`${where}: ${error instanceof Error ? error.message : String(error)}`)
  const bench = await openBench({ stackHandlers: { onFault, ...handlers } })
  return { bench, faults }
}

async function talking(handlers: Partial<StackHandlers> = {}): Promise<Faults & { readonly toTag: string }> {
  const opened = await openFaulty(handlers)
  const { bench } = opened
  bench.deliver(testRequest({ from: bench.peer.hop, body: SDP_OFFER }))
  bench.incoming[0]!.answer()
  bench.clock.advance(1)
  const toTag = toTagOf(bench.peer.lastResponse(200))!
  bench.deliver(testRequest({ from: bench.peer.hop, method: 'ACK', toTag }))
  return { ...opened, toTag }
}

describe('a handler that throws', () => {
  it('gets the INVITE a 500, is reported, and leaves nothing', async () => {
    const { bench, faults } = await openFaulty({ onInvite: boom })
    bench.deliver(testRequest({ from: bench.peer.hop }))
    bench.clock.advance(1)
    assert.equal(bench.peer.summaries.at(-1), '500 INVITE')
    assert.deepEqual(faults, ['onInvite: boom'])
    bench.clock.advance(32_000)
    assert.deepEqual(bench.stack.stats(), { transactions: 0, dialogs: 0 })
  })

  it('gets any other request a 500', async () => {
    const { bench, faults } = await openFaulty({ onRequest: boom })
    bench.deliver(testRequest({ from: bench.peer.hop, method: 'OPTIONS' }))
    bench.clock.advance(1)
    assert.deepEqual(bench.peer.summaries, ['500 OPTIONS'])
    assert.deepEqual(faults, ['OPTIONS: boom'])
  })

  it('gets a re-INVITE a 500, and the next one is taken', async () => {
    const { bench, faults, toTag } = await talking()
    const taken: string[] = []
    bench.incoming[0]!.handlers = { ...bench.handlers, onReinvite: boom }
    bench.deliver(testRequest({ from: bench.peer.hop, seq: 2, toTag }))
    bench.incoming[0]!.handlers = { ...bench.handlers, onReinvite: () => void taken.push('onReinvite') }
    bench.deliver(testRequest({ from: bench.peer.hop, seq: 3, toTag }))
    assert.equal(bench.peer.summaries.filter((summary) => summary === '500 INVITE').length, 1)
    assert.deepEqual(faults, ['onReinvite: boom'])
    assert.deepEqual(taken, ['onReinvite'])
  })

  it('costs no message when it is the trace', async () => {
    const { bench, faults } = await openFaulty({ onMessage: boom })
    bench.deliver(testRequest({ from: bench.peer.hop, method: 'OPTIONS' }))
    bench.clock.advance(1)
    assert.deepEqual(bench.peer.summaries, ['200 OPTIONS'])
    assert.deepEqual(faults, ['onMessage: boom', 'onMessage: boom'])
  })

  it('is reported when a timer woke it, a response came, or a refusal was told', async () => {
    const { bench, faults } = await openFaulty()
    const target = { uri: 'sip:b@192.0.2.1', from: '<sip:a@192.0.2.2>', to: '<sip:b@192.0.2.1>' }
    bench.stack.invite(target, { ...bench.handlers, onFailure: boom })
    bench.clock.advance(32_000)
    assert.deepEqual(faults, ['timer: boom'])
    const call = bench.stack.invite(target, { ...bench.handlers, onFailure: boom })
    call.reinvite({}, boom)
    await Promise.resolve()
    assert.deepEqual(faults, ['timer: boom', 'onFinal: boom'])
  })

  it('cannot do harm by throwing from onFault', async () => {
    const { bench } = await openFaulty({ onInvite: boom, onFault: boom })
    const warned = once(process, 'warning')
    bench.deliver(testRequest({ from: bench.peer.hop }))
    bench.clock.advance(1)
    assert.equal(bench.peer.summaries.at(-1), '500 INVITE')
    const [warning] = (await warned) as [Error]
    assert.equal(warning.name, 'SipFault')
    assert.match(warning.message, /onInvite: Error: boom/)
  })

  for (const transport of ['udp', 'tcp'] as const) {
    it(`neither ends the process nor deafens a real ${transport} socket`, async () => {
      const faults = Promise.withResolvers<string>()
      const stack = await createSipStack({
        listen: [{ address: '127.0.0.1', port: 0, transport }],
        handlers: {
          onInvite: (call) => {
            call.handlers = { ...call.handlers, onCancel: boom }
          },
          onFault: (_error, where) => faults.resolve(where),
        },
      })
      const { port } = stack.addresses[0]!
      const from = { address: '127.0.0.1', port: 9, transport }
      const headers = ['Via', `SIP/2.0/UDP 127.0.0.1:9;rport;branch=z9hG4bK-1`]
      const [invite, cancel, options] = ['INVITE', 'CANCEL', 'OPTIONS'].map((method) => {
        const request = testRequest({ from, method, branch: 'z9hG4bK-1' })
        return serializeMessage({ ...request, headers: [...headers, ...request.headers.slice(2)] })
      })
      let heard = ''
      const answered = Promise.withResolvers<void>()
      const hear = (data: Buffer): void => {
        heard += data.toString('latin1')
        if (heard.includes('OPTIONS')) answered.resolve()
      }
      if (transport === 'udp') {
        const socket = createSocket('udp4', hear)
        for (const bytes of [invite!, cancel!, options!]) socket.send(bytes, port, '127.0.0.1')
        await answered.promise
        socket.close()
      } else {
        const socket = connect(port, '127.0.0.1').on('data', hear)
        socket.write(Buffer.concat([invite!, cancel!, options!]))
        await answered.promise
        socket.destroy()
      }
      assert.equal(await faults.promise, transport)
      await stack.close()
    })
  }
})
