import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { generateTone, goertzel } from '../audio/tones.ts'
import { endpointOffer, readRemote } from '../endpoint/endpoint-sdp.ts'
import {
  ENGINE_HOST,
  connectCall,
  startEndpoint,
  startEngine,
  startTightEngine,
  until,
} from '../testkit/call.ts'
import type { MediaEngine, MediaSession } from '../engine.ts'
import { createEmbeddedEngine } from './engine.ts'

const options = { id: 'test', onEvent: () => undefined }

async function bind(test: TestContext, port: number, host = '127.0.0.1'): Promise<Socket> {
  const socket = createSocket('udp4')
  test.after(() => socket.close())
  socket.bind(port, host)
  await once(socket, 'listening')
  return socket
}

test('refuses a call when the port range is used up, and takes one again after the rest', async (t) => {
  const { engine } = await startTightEngine(t, 2, { portRestMs: 1000 })
  const first = await engine.open(options)
  const second = await engine.open(options)
  await assert.rejects(engine.open(options), { name: 'MediaError', code: 'NO_PORTS' })
  assert.equal(engine.sessionCount, 2)
  for (const session of [first, second]) {
    await session.offer('a', 'b', endpointOffer({ host: '127.0.0.1', port: 9000 }))
    await session.close()
  }
  assert.equal(engine.sessionCount, 0)
  await assert.rejects(engine.open(options), { code: 'NO_PORTS', message: /rest after calls/ })
  await opened(engine)
})

/** A session, once ports have rested. */
async function opened(engine: MediaEngine): Promise<MediaSession> {
  let session: MediaSession | undefined
  await until('ports have rested', async () => {
    session = await engine.open(options).catch(() => undefined)
    return session !== undefined
  })
  return session ?? assert.fail('no session')
}

test('skips ports that another program holds', async (t) => {
  const { engine, portMin } = await startTightEngine(t, 1, { ports: 8, held: [0, 3] })
  const session = await engine.open(options)
  const endpoint = { host: '127.0.0.1', port: 9000 }
  const forB = await session.offer('a', 'b', endpointOffer(endpoint))
  const forA = await session.answer('b', 'a', endpointOffer(endpoint))
  assert.deepEqual([readRemote(forA).port, readRemote(forB).port].sort(), [portMin + 4, portMin + 6])
})

test('says so when no socket can be bound', async () => {
  const wrongHost = { host: '192.0.2.1', portMin: 41_200, portMax: 41_300, portRestMs: 0, timeoutSec: 1 }
  await assert.rejects(createEmbeddedEngine(wrongHost), { code: 'NO_PORTS', message: /192\.0\.2\.1/ })
  await assert.rejects(createEmbeddedEngine({ ...wrongHost, portMax: 10 }), RangeError)
})

test('opens more calls at once than there are spare ports', async (t) => {
  const engine = await startEngine(t)
  const sessions = await Promise.all(Array.from({ length: 200 }, () => engine.open(options)))
  assert.equal(sessions.length, 200)
  assert.equal(engine.sessionCount, 200)
})

test('a late packet of an ended call never reaches the next one: its ports rest while they come', async (t) => {
  const { engine } = await startTightEngine(t, 1, { portRestMs: 500 })
  const old = await connectCall(t, engine)
  // The old caller does not notice the end and sends on.
  old.a.startLoop(generateTone(440, 1))
  await until('the old call talks', () => old.b.packetsReceived >= 5)
  await old.session.close()
  const sentAtEnd = old.a.packetsSent
  await until('it sent on for twice the rest', async () => {
    await assert.rejects(engine.open(options), { code: 'NO_PORTS' })
    return old.a.packetsSent >= sentAtEnd + 50
  })
  old.a.stop()
  await (await opened(engine)).close()
  const next = await connectCall(t, engine)
  await Promise.all([next.a.sendTone(1000, 0.3), next.b.sendTone(1000, 0.3)])
  await until('the next call talks', () => next.b.packetsReceived >= 15)
  assert.ok(goertzel(next.b.received(), 1000) > 0.1)
  // The new parties have spoken: the old one is locked out of either leg.
  next.b.clear()
  old.a.startLoop(generateTone(440, 1))
  await next.a.sendTone(1000, 0.3)
  await until('the next call talks on', () => next.b.packetsReceived >= 15)
  assert.ok(goertzel(next.b.received(), 440) < 0.01)
})

test('when the worker dies its calls lose their media, and a new one serves the next calls', async (t) => {
  const { engine } = await startTightEngine(t, 1)
  const { session, events } = await connectCall(t, engine)
  // Not audio at all: the worker throws.
  await session.play('a', { encoding: 'ulaw', samples: {} as Uint8Array })
  await until('the loss is told', () => events.length > 0)
  assert.deepEqual(events, [{ kind: 'media-timeout' }])
  await assert.rejects(engine.open(options), { name: 'MediaError', code: 'ENGINE_DOWN' })
  await assert.rejects(session.play('a', { encoding: 'ulaw', samples: new Uint8Array(1) }), {
    code: 'ENGINE_DOWN',
  })
  await session.close()
  await (await opened(engine)).close()
  const next = await connectCall(t, engine)
  await next.a.sendTone(1000, 0.1)
  await until('the next call talks', () => next.b.packetsReceived >= 5)
  assert.equal(engine.sessionCount, 1)
})

test('an engine whose worker is dead closes at once', async (t) => {
  const { engine } = await startTightEngine(t, 1)
  const { session, events } = await connectCall(t, engine)
  await session.play('a', { encoding: 'ulaw', samples: {} as Uint8Array })
  await until('the loss is told', () => events.length > 0)
  await engine.close()
  await assert.rejects(engine.open(options), { code: 'CLOSED' })
})

test('a party that names a media port of this engine, of any call, is refused', async (t) => {
  const { engine, portMin } = await startTightEngine(t, 2, { publicHost: '198.51.100.7' })
  const [one, other] = [await engine.open(options), await engine.open(options)]
  const forB = await one.offer('a', 'b', endpointOffer({ host: '192.0.2.1', port: 9000 }))
  for (const host of [ENGINE_HOST, '198.51.100.7']) {
    const naming = endpointOffer({ host, port: readRemote(forB).port })
    await assert.rejects(other.offer('a', 'b', naming), { code: 'BAD_SDP' })
    const control = Buffer.from(`${endpointOffer({ host, port: 9000 }).toString()}a=rtcp:${portMin + 1}\r\n`)
    await assert.rejects(other.offer('a', 'b', control), { code: 'BAD_SDP' })
    await other.offer('a', 'b', endpointOffer({ host, port: 9000 }))
  }
})

test('shows the public address and listens on the local one', async (t) => {
  const engine = await startEngine(t, { publicHost: '198.51.100.7' })
  const session = await engine.open(options)
  const offer = await session.offer('a', 'b', endpointOffer({ host: '127.0.0.1', port: 9000 }))
  assert.equal(readRemote(offer).address, '198.51.100.7')
  assert.equal(Buffer.from(offer).includes('127.'), false)
})

test('close ends everything: calls, sockets, later opens', async (t) => {
  const { engine, portMin } = await startTightEngine(t, 1)
  const session = await engine.open(options)
  await engine.close()
  await engine.close()
  await assert.rejects(engine.open(options), { code: 'CLOSED' })
  await assert.rejects(session.stats(), { code: 'CLOSED' })
  await bind(t, portMin, ENGINE_HOST)
})

test('nothing of one party is in any byte the other receives, media and control', async (t) => {
  const engine = await startEngine(t)
  const bytes: Buffer[] = []
  const rtp = await bind(t, 0)
  const rtcp = await bind(t, 0)
  for (const socket of [rtp, rtcp]) socket.on('message', (message) => bytes.push(message))
  const session = await engine.open(options)
  const a = await startEndpoint(t)
  const offer = endpointOffer({ host: '127.0.0.1', port: a.localPort }).toString()
  bytes.push(Buffer.from(await session.offer('a', 'b', Buffer.from(offer.replace('s=-', 's=alice')))))
  const ofB = endpointOffer({ host: '127.0.0.1', port: rtp.address().port }).toString()
  const answer = Buffer.from(`${ofB}a=rtcp:${rtcp.address().port}\r\n`)
  const remote = readRemote(await session.answer('b', 'a', answer))
  await session.stats()
  a.setRemote(remote)
  await a.sendTone(440, 0.1)
  // From a's RTP socket's address: a report that names alice.
  const aliceRtcp = await bind(t, 0)
  const ssrc = [0x11, 0x22, 0x33, 0x44]
  const rr = [0x80, 201, 0, 1, ...ssrc]
  const sdes = [0x81, 202, 0, 3, ...ssrc, 1, 5, ...Buffer.from('alice'), 0]
  aliceRtcp.send(Buffer.from([...rr, ...sdes]), remote.port + 1, remote.address)
  await until('media and control came', () => bytes.length >= 7)
  const control = bytes.find((message) => message[1] === 201)
  assert.ok(control, 'a report came')
  const portOfA = Buffer.from([a.localPort >> 8, a.localPort & 0xff])
  for (const message of bytes) {
    assert.equal(message.includes('alice'), false)
    assert.equal(message.includes(Buffer.from(ssrc)), false)
    assert.equal(message.includes(String(a.localPort)), false)
  }
  assert.equal(control.includes(portOfA), false)
})
