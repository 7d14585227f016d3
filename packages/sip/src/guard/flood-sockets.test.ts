import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { serializeMessage } from '../message/serialize.ts'
import { SDP_ANSWER, SDP_OFFER } from '../testkit/bench.ts'
import { freshRequest } from '../testkit/fort.ts'
import { createSipStack } from '../ua/stack.ts'
import type { ClientCallHandlers, SipStack } from '../core/types.ts'
import { createGuard } from './guard.ts'
import type { Guard } from './guard.ts'
import { createOverload } from './overload.ts'

/** Loopback has more than one address on Linux. */
const CARRIER = '127.0.0.1'
const STRANGER = '127.0.0.2'
const SCANNER = '127.0.0.3'
const DATAGRAMS = 3000
const METHODS = ['INVITE', 'ACK', 'BYE', 'CANCEL', 'OPTIONS', 'REGISTER', 'MESSAGE']

let guard: Guard
let server: SipStack
let caller: SipStack
let port: number

before(async () => {
  guard = createGuard({ isTrusted: (address) => address === CARRIER })
  server = await createSipStack({
    listen: (['udp', 'tcp'] as const).map((transport) => ({ transport, address: '0.0.0.0', port: 0 })),
    publicHost: CARRIER,
    guard,
    overload: createOverload(),
    handlers: {
      onInvite(call) {
        if (call.source.address !== CARRIER) return call.rejectStateless(403)
        call.handlers = { onAck() {}, onBye() {}, onCancel() {}, onLost() {}, onReinvite() {} }
        call.answer({ body: SDP_ANSWER })
      },
    },
  })
  port = server.addresses[0]!.port
  caller = await createSipStack({
    listen: [{ transport: 'udp', address: CARRIER, port: 0 }],
    handlers: { onInvite: (call) => call.reject(603) },
  })
})

after(async () => {
  await caller.close()
  await server.close()
})

/** Resolves with how the call ended: it is hung up as soon as it is answered. */
function call(): Promise<string> {
  return new Promise((resolve) => {
    const handlers: ClientCallHandlers = {
      onProvisional() {},
      onAnswer(answered) {
        answered.ack()
        answered.bye()
        resolve('answered')
      },
      onFailure: (_call, status) => resolve(`failed ${status}`),
      onBye() {},
      onLost() {},
      onReinvite() {},
    }
    const to = `sip:+8617000000001@${CARRIER}:${port}`
    caller.invite({ uri: to, from: `<sip:carrier@${CARRIER}>`, to: `<${to}>`, body: SDP_OFFER }, handlers)
  })
}

async function socketAt(t: TestContext, address: string): Promise<{ socket: Socket; heard(): number }> {
  const socket = createSocket('udp4')
  t.after(() => socket.close())
  let heard = 0
  socket.on('message', () => void heard++)
  socket.bind(0, address)
  await once(socket, 'listening')
  return { socket, heard: () => heard }
}

describe('a flood over UDP', () => {
  it('of requests and noise from one address is hardly answered, and a carrier calls meanwhile', async (t) => {
    const { socket, heard } = await socketAt(t, STRANGER)
    const from = { address: STRANGER, port: socket.address().port, transport: 'udp' } as const
    const send = (bytes: Uint8Array): Promise<void> =>
      new Promise((resolve) => socket.send(bytes, port, CARRIER, () => resolve()))
    const calls: Promise<string>[] = []
    for (let i = 0; i < DATAGRAMS; i++) {
      const method = METHODS[i % METHODS.length]!
      const request = freshRequest(from, method, i % 2 === 0 ? { toTag: 'none' } : {})
      await send(i % 20 === 0 ? Buffer.alloc(500, i) : serializeMessage(request))
      if (i % 300 === 150) calls.push(call())
    }
    assert.deepEqual(new Set(await Promise.all(calls)), new Set(['answered']))
    const { droppedByRate, droppedBanned } = guard.stats()
    assert.ok(droppedByRate + droppedBanned > DATAGRAMS / 2)
    assert.ok(heard() < DATAGRAMS / 4)
    // What is open belongs to the calls: INVITE and BYE of each, for half a minute.
    assert.ok(server.stats().transactions <= 2 * calls.length)
  })

  it('is silence for a scanner, and a call goes on', async (t) => {
    const { socket, heard } = await socketAt(t, SCANNER)
    const from = { address: SCANNER, port: socket.address().port, transport: 'udp' } as const
    const headers = ['User-Agent', 'friendly-scanner']
    for (let i = 0; i < 500; i++)
      socket.send(serializeMessage(freshRequest(from, 'OPTIONS', { headers })), port, CARRIER)
    assert.equal(await call(), 'answered')
    assert.equal(heard(), 0)
    assert.deepEqual(
      guard.bans().flatMap(({ source, why }) => (source === SCANNER ? [why] : [])),
      ['scanner'],
    )
  })
})

describe('a banned source', () => {
  it('loses its connection with its next message, and gets no other', async () => {
    const socket = connect({ host: CARRIER, port: server.addresses[1]!.port, localAddress: STRANGER })
    await once(socket, 'connect')
    // Taken, not only queued.
    const pong = once(socket, 'data')
    socket.write('\r\n\r\n')
    await pong
    guard.offend({ address: STRANGER, port: 1, transport: 'tcp' }, 'scanner')
    const from = { address: STRANGER, port: socket.localPort!, transport: 'tcp' } as const
    socket.on('data', () => assert.fail('it was answered'))
    socket.on('error', () => {})
    socket.write(serializeMessage(freshRequest(from, 'OPTIONS')))
    await once(socket, 'close')
    const next = connect({ host: CARRIER, port: server.addresses[1]!.port, localAddress: STRANGER })
    next.on('error', () => {}).resume()
    await new Promise((resolve) => next.on('close', resolve))
    assert.equal(await call(), 'answered')
  })
})
