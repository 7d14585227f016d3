import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createSocket } from 'node:dgram'
import type { Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { promisify } from 'node:util'
import { response } from '../message/build.ts'
import { header } from '../message/headers.ts'
import type { SipMessage, SipRequest, SipResponse } from '../message/message.ts'
import { parseMessage } from '../message/parse.ts'
import { serializeMessage } from '../message/serialize.ts'
import { testRequest } from '../testkit/requests.ts'
import { createSipStack } from '../ua/stack.ts'
import type { ClientCallHandlers, ServerCallHandlers, SipStack, StackHandlers } from '../core/types.ts'
import type { TransportName } from './address.ts'

const HOST = '127.0.0.1'
const IGNORE: StackHandlers = { onInvite() {} }

const listenOn = (transport: 'udp' | 'tcp', handlers = IGNORE, address = HOST): Promise<SipStack> =>
  createSipStack({ listen: [{ address, port: 0, transport }], handlers })

async function udpSocket(): Promise<{ socket: UdpSocket; port: number }> {
  const socket = createSocket('udp4')
  socket.bind(0, HOST)
  await once(socket, 'listening')
  return { socket, port: socket.address().port }
}

async function nextMessage(socket: UdpSocket): Promise<SipMessage> {
  const [data] = (await once(socket, 'message')) as [Buffer]
  const parsed = parseMessage(data)
  assert.ok(parsed.ok)
  return parsed.message
}

/** Reads from a TCP connection until `count` responses came. */
async function responsesOf(socket: Socket, count: number): Promise<SipResponse[]> {
  let text = ''
  const found: SipResponse[] = []
  while (found.length < count) {
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    text += chunk.toString('latin1')
    for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
      const parsed = parseMessage(Buffer.from(text.slice(0, end + 4), 'latin1'))
      text = text.slice(end + 4)
      if (parsed.ok && parsed.message.kind === 'response') found.push(parsed.message)
    }
  }
  return found
}

const optionsFrom = (port: number, seq: number, transport: TransportName = 'udp'): Buffer =>
  serializeMessage(
    testRequest({
      from: { address: HOST, port, transport },
      method: 'OPTIONS',
      uri: `sip:${HOST}`,
      seq,
      branch: `z9hG4bK-o${seq}`,
    }),
  )

describe('UDP', () => {
  it('answers to the source port when the request asks for rport, and says so', async () => {
    const stack = await listenOn('udp')
    const { socket, port } = await udpSocket()
    const text = optionsFrom(5999, 1).toString('latin1').replace(';branch', ';rport;branch')
    socket.send(Buffer.from(text, 'latin1'), stack.addresses[0]!.port, HOST)
    const answer = await nextMessage(socket)
    const via = header(answer, 'Via')!
    assert.match(via, new RegExp(`;rport=${port}`))
    assert.match(via, /;received=127\.0\.0\.1/)
    socket.close()
    await stack.close()
  })

  it('answers to the port in Via when rport is not asked for', async () => {
    const stack = await listenOn('udp')
    const caller = await udpSocket()
    const listener = await udpSocket()
    caller.socket.send(optionsFrom(listener.port, 1), stack.addresses[0]!.port, HOST)
    const answer = await nextMessage(listener.socket)
    assert.equal(answer.kind === 'response' && answer.status, 200)
    assert.doesNotMatch(header(answer, 'Via')!, /received|rport/)
    caller.socket.close()
    listener.socket.close()
    await stack.close()
  })

  it('works over IPv6', async () => {
    const stack = await listenOn('udp', IGNORE, '::1')
    const other = await listenOn('udp', IGNORE, '::1')
    const uri = `sip:[::1]:${stack.addresses[0]!.port}`
    const status = await new Promise<number>((resolve) => {
      other.request({ method: 'OPTIONS', uri, from: `<${uri}>`, to: `<${uri}>` }, (response) =>
        resolve(response.status),
      )
    })
    assert.equal(status, 200)
    await stack.close()
    await other.close()
  })
})

describe('TCP', () => {
  it('reads requests however they are cut, answers pings, and answers on the same connection', async () => {
    const stack = await listenOn('tcp')
    const socket = connect(stack.addresses[0]!.port, HOST)
    socket.setNoDelay(true)
    await once(socket, 'connect')
    const bytes = Buffer.concat([
      optionsFrom(1, 1, 'tcp'),
      optionsFrom(1, 2, 'tcp'),
      optionsFrom(1, 3, 'tcp'),
    ])
    const answers = responsesOf(socket, 3)
    for (let at = 0; at < bytes.length; at += 97) {
      socket.write(bytes.subarray(at, at + 97))
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.deepEqual(
      (await answers).map((answer) => [answer.status, header(answer, 'CSeq')]),
      [
        [200, '1 OPTIONS'],
        [200, '2 OPTIONS'],
        [200, '3 OPTIONS'],
      ],
    )
    socket.write('\r\n\r\n')
    const [pong] = (await once(socket, 'data')) as [Buffer]
    assert.equal(pong.toString(), '\r\n')
    socket.destroy()
    await stack.close()
  })

  it('answers 400 and hangs up when the stream cannot be followed any more', async () => {
    const stack = await listenOn('tcp')
    const socket = connect(stack.addresses[0]!.port, HOST)
    const text = optionsFrom(1, 1, 'tcp')
      .toString('latin1')
      .replace(/Content-Length: \d+/, 'Content-Length: x')
    socket.write(text)
    const [answer] = await responsesOf(socket, 1)
    assert.equal(answer?.status, 400)
    socket.resume()
    await once(socket, 'close')
    await stack.close()
  })

  it('carries a whole call, and requests both ways share one connection', async () => {
    const done = Promise.withResolvers<string>()
    const called = { connections: new Set<string>() }
    const calleeHandlers: ServerCallHandlers = {
      onAck: (call) => call.bye(),
      onBye() {},
      onCancel() {},
      onLost: (_call, why) => done.reject(new Error(why)),
      onReinvite() {},
    }
    const callee = await listenOn('tcp', {
      onInvite(call) {
        call.handlers = calleeHandlers
        call.progress(180)
        call.answer()
      },
      onMessage: (_direction, _message, _local, peer) =>
        called.connections.add(`${peer.address}:${peer.port}`),
    })
    const caller = await listenOn('tcp')
    const callerHandlers: ClientCallHandlers = {
      onProvisional() {},
      onAnswer: (call) => call.ack(),
      onFailure: (_call, status) => done.reject(new Error(`${status}`)),
      onBye: () => done.resolve('bye'),
      onLost: (_call, why) => done.reject(new Error(why)),
      onReinvite() {},
    }
    const uri = `sip:b@${HOST}:${callee.addresses[0]!.port};transport=tcp`
    caller.invite({ uri, from: '<sip:a@192.0.2.1>', to: `<${uri}>` }, callerHandlers)
    assert.equal(await done.promise, 'bye')
    assert.equal(called.connections.size, 1)
    await caller.close()
    await callee.close()
  })

  it('fails a call with 503 when nobody listens', async () => {
    const closed = await listenOn('tcp')
    const { port } = closed.addresses[0]!
    // Before the other port is free, which the system might give it.
    const stack = await listenOn('tcp')
    await closed.close()
    const uri = `sip:b@${HOST}:${port};transport=tcp`
    const status = await new Promise<number>((resolve) => {
      stack.request({ method: 'OPTIONS', uri, from: '<sip:a@192.0.2.1>', to: `<${uri}>` }, (answer) =>
        resolve(answer.status),
      )
    })
    assert.equal(status, 503)
    await stack.close()
  })
})

describe('a connection that breaks', () => {
  /** A peer that hears one request on each connection, and resets, or says what it is given and hangs up. */
  async function breaking(
    t: TestContext,
    say: (request: SipMessage) => Uint8Array = () => Buffer.alloc(0),
    onClosed = () => {},
  ) {
    const server = createServer((socket) => {
      socket.on('error', () => {}).on('close', onClosed)
      socket.once('data', (data) => {
        const parsed = parseMessage(data)
        assert.ok(parsed.ok)
        const answer = say(parsed.message)
        if (answer.length === 0) socket.resetAndDestroy()
        else socket.end(answer)
      })
    }).listen(0, HOST)
    t.after(() => server.close())
    await once(server, 'listening')
    return (server.address() as { port: number }).port
  }
  /** The status that an INVITE ends with, and what it heard before. */
  function invite(stack: SipStack, uri: string, body?: Buffer): Promise<string> {
    const heard: number[] = []
    return new Promise((resolve) => {
      const options = { uri, from: '<sip:a@192.0.2.1>', to: `<${uri}>`, ...(body && { body }) }
      stack.invite(options, {
        onProvisional: (_call, { status }) => void heard.push(status),
        onAnswer: () => resolve('answered'),
        onFailure: (_call, status) => resolve([...heard, status].join(' ')),
        onBye() {},
        onLost() {},
        onReinvite() {},
      })
    })
  }

  it('fails the requests that have no answer (RFC 3261 §17.1.4)', async (t) => {
    const port = await breaking(t)
    const stack = await listenOn('tcp')
    t.after(() => stack.close())
    const uri = `sip:b@${HOST}:${port};transport=tcp`
    assert.equal(await invite(stack, uri), '503')
    const asked = { method: 'OPTIONS', uri, from: '<sip:a@192.0.2.1>', to: `<${uri}>` }
    const status = await new Promise((resolve) => stack.request(asked, (answer) => resolve(answer.status)))
    assert.equal(status, 503)
  })

  it('sends a request that was too large for UDP by UDP after all', async (t) => {
    const port = await breaking(t)
    const udp = createSocket('udp4')
    t.after(() => udp.close())
    udp.bind(port, HOST)
    await once(udp, 'listening')
    const listen = (['udp', 'tcp'] as const).map((transport) => ({ address: HOST, port: 0, transport }))
    const stack = await createSipStack({ listen, handlers: IGNORE })
    t.after(() => stack.close())
    udp.on('message', (data, from) => {
      const parsed = parseMessage(data)
      if (!parsed.ok || parsed.message.kind !== 'request' || parsed.message.method !== 'INVITE') return
      udp.send(serializeMessage(response(parsed.message, 486, { toTag: 'b' })), from.port, from.address)
    })
    assert.equal(await invite(stack, `sip:b@${HOST}:${port}`, Buffer.alloc(1400, 'v')), '486')
  })

  it('does not fail a call that rings: its answer may come by another', async (t) => {
    const ringing = Promise.withResolvers<SipRequest>()
    const closed = Promise.withResolvers<void>()
    const port = await breaking(
      t,
      (request) => {
        assert.equal(request.kind, 'request')
        ringing.resolve(request as SipRequest)
        return serializeMessage(response(request as SipRequest, 180, { toTag: 'b' }))
      },
      closed.resolve,
    )
    const stack = await listenOn('tcp')
    t.after(() => stack.close())
    const ended = invite(stack, `sip:b@${HOST}:${port};transport=tcp`)
    const request = await ringing.promise
    await closed.promise
    const again = connect(stack.addresses[0]!.port, HOST)
    t.after(() => again.destroy())
    await once(again, 'connect')
    again.write(serializeMessage(response(request, 486, { toTag: 'b' })))
    assert.match(await ended, /^(?:180 )?486$/)
  })
})

describe('IPv6', () => {
  it('stands in brackets in Via and Contact, and without in `received` (RFC 5118 §4.5)', async () => {
    const seen: SipMessage[] = []
    const callee = await listenOn(
      'tcp',
      {
        onInvite: (call) => call.reject(486),
        onMessage: (_direction, message) => void seen.push(message),
      },
      '::1',
    )
    const caller = await listenOn('tcp', IGNORE, '::1')
    const uri = `sip:b@[::1]:${callee.addresses[0]!.port};transport=tcp`
    const failed = Promise.withResolvers<number>()
    caller.invite(
      { uri, from: '<sip:a@a.example>', to: `<${uri}>` },
      {
        onProvisional() {},
        onAnswer() {},
        onBye() {},
        onLost() {},
        onReinvite() {},
        onFailure: (_call, status) => failed.resolve(status),
      },
    )
    assert.equal(await failed.promise, 486)
    const [invite] = seen
    assert.match(header(invite!, 'Contact')!, /^<sip:\[::1\]:\d+;transport=tcp>$/)
    assert.match(header(invite!, 'Via')!, /^SIP\/2\.0\/TCP \[::1\]:\d+;.*;received=::1$/)
    await caller.close()
    await callee.close()
  })

  it('shares a port with IPv4, each with a face of its own', async () => {
    const first = await createSipStack({
      listen: [
        { address: '::', port: 0, transport: 'udp' },
        { address: '::', port: 0, transport: 'tcp' },
      ],
      handlers: IGNORE,
    })
    const [udp, tcp] = first.addresses.map(({ port }) => port) as [number, number]
    const second = await createSipStack({
      listen: [
        { address: '0.0.0.0', port: udp, transport: 'udp' },
        { address: '0.0.0.0', port: tcp, transport: 'tcp' },
      ],
      handlers: IGNORE,
    })
    const asker = await createSipStack({
      listen: [
        { address: '::1', port: 0, transport: 'tcp' },
        { address: HOST, port: 0, transport: 'tcp' },
        { address: '::1', port: 0, transport: 'udp' },
        { address: HOST, port: 0, transport: 'udp' },
      ],
      handlers: IGNORE,
    })
    for (const [port, transport] of [
      [udp, 'udp'],
      [tcp, 'tcp'],
    ] as const)
      for (const host of ['[::1]', HOST]) {
        const uri = `sip:${host}:${port};transport=${transport}`
        const status = await new Promise<number>((resolve) => {
          asker.request({ method: 'OPTIONS', uri, from: '<sip:a@a.example>', to: `<${uri}>` }, (answer) =>
            resolve(answer.status),
          )
        })
        assert.equal(status, 200, uri)
      }
    await asker.close()
    await second.close()
    await first.close()
  })
})

describe('listening', () => {
  for (const transport of ['udp', 'tcp'] as const) {
    it(`names address and port when they are taken (${transport})`, async () => {
      const first = await listenOn(transport)
      const { port } = first.addresses[0]!
      const second = createSipStack({
        listen: [
          { address: HOST, port: 0, transport },
          { address: HOST, port, transport },
        ],
        handlers: IGNORE,
      })
      const pattern = new RegExp(
        `cannot listen for SIP on 127\\.0\\.0\\.1 port ${port} .*another program already uses it`,
      )
      await assert.rejects(second, pattern)
      await first.close()
    })
  }

  it('leaves no socket, connection or timer behind when closed: the process ends by itself', async () => {
    const script = `
      import { createSipStack } from ${JSON.stringify(new URL('../index.ts', import.meta.url).href)}
      const listen = ['udp', 'tcp', 'ws'].map((transport) => ({ address: '${HOST}', port: 0, transport }))
      const handlers = { onInvite() {}, onRequest() { asked() } }
      let count = 0
      const both = Promise.withResolvers()
      const asked = () => { if (++count === 2) both.resolve() }
      const stack = await createSipStack({ listen, handlers })
      for (const { port, transport } of stack.addresses.slice(0, 2)) {
        const uri = 'sip:${HOST}:' + port + ';transport=' + transport
        stack.request({ method: 'MESSAGE', uri, from: '<sip:a@192.0.2.1>', to: '<' + uri + '>' }, () => {})
      }
      await both.promise
      console.log(stack.stats().transactions)
      await stack.close()
      console.log(stack.stats().transactions)
    `
    const run = promisify(execFile)
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { timeout: 20_000 })
    assert.equal(stdout, '4\n0\n')
  })
})
