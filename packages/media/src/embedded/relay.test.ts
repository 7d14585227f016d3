import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { test } from 'node:test'
import { dtmfSamples } from '../audio/call-tones.ts'
import { encodeG711 } from '../audio/g711.ts'
import { generateTone, goertzel, toneAmplitudes } from '../audio/tones.ts'
import { readRemote } from '../endpoint/endpoint-sdp.ts'
import { buildRtp, parseRtp, type RtpPacket } from '../rtp/rtp.ts'
import { buildTelephoneEvent } from '../rtp/telephone-event.ts'
import { ENGINE_HOST, connectCall, startEndpoint, startEngine, until } from '../testkit/call.ts'

test('each party hears the other and not itself', async (t) => {
  const engine = await startEngine(t)
  const { a, b } = await connectCall(t, engine)
  await Promise.all([a.sendTone(440, 0.5), b.sendTone(1000, 0.5)])
  await until('both heard half a second', () => a.packetsReceived >= 25 && b.packetsReceived >= 25)
  const [b440 = 0, b1000 = 1] = toneAmplitudes(b.received(), [440, 1000])
  const [a440 = 1, a1000 = 0] = toneAmplitudes(a.received(), [440, 1000])
  assert.ok(b440 > 0.2 && b1000 < 0.01, `b heard 440 Hz at ${b440} and 1000 Hz at ${b1000}`)
  assert.ok(a1000 > 0.2 && a440 < 0.01, `a heard 1000 Hz at ${a1000} and 440 Hz at ${a440}`)
})

test('a party that speaks only A-law and one that speaks only µ-law hear each other', async (t) => {
  const engine = await startEngine(t)
  const { a, b } = await connectCall(t, engine, { a: ['PCMA'], b: ['PCMU'] })
  await Promise.all([a.sendTone(440, 0.3), b.sendTone(1000, 0.3)])
  await until('both heard 15 packets', () => a.packetsReceived >= 15 && b.packetsReceived >= 15)
  assert.ok(goertzel(b.received(), 440) > 0.2)
  assert.ok(goertzel(a.received(), 1000) > 0.2)
})

test('works over IPv6', async (t) => {
  const engine = await startEngine(t, { host: '::1' })
  const { a, b } = await connectCall(t, engine, { host: '::1' })
  await a.sendTone(440, 0.2)
  await until('b heard it', () => b.packetsReceived >= 10)
  assert.ok(goertzel(b.received(), 440) > 0.2)
})

test("a stranger's packets reach nobody once the party has spoken", async (t) => {
  const engine = await startEngine(t)
  const { session, a, b } = await connectCall(t, engine)
  await a.sendTone(440, 0.2)
  await until('b heard a', () => b.packetsReceived >= 10)
  b.clear()
  const stranger = await startEndpoint(t)
  const aPort = readRemote(await session.offer('b', 'a', offerOf(b.localPort))).port
  stranger.setRemote({ address: ENGINE_HOST, port: aPort, payloadType: 8 })
  await stranger.sendTone(1500, 0.2)
  await a.sendTone(440, 0.2)
  await until('b heard a again', () => b.packetsReceived >= 10)
  assert.ok(goertzel(b.received(), 1500) < 0.01)
  assert.equal(b.packetsReceived, 10)
  assert.equal((await session.stats()).legs['a']?.packets, 20)
})

const offerOf = (port: number): Buffer =>
  Buffer.from(
    `v=0\r\no=- 9 9 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio ${port} RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n`,
  )

test('a party behind NAT is answered where its packets come from', async (t) => {
  const engine = await startEngine(t)
  const { session, a, b } = await connectCall(t, engine)
  const behindNat = await startEndpoint(t)
  // b describes an address of its private network and sends from elsewhere.
  const forB = await session.offer('a', 'b', offerOf(a.localPort))
  const answer = offerOf(5004).toString().replaceAll('127.0.0.1', '10.0.0.7')
  await session.answer('b', 'a', Buffer.from(answer), { sourceAddress: '127.0.0.1' })
  behindNat.setRemote(readRemote(forB))
  behindNat.startLoop(generateTone(1000, 1))
  a.startLoop(generateTone(440, 1))
  await until('both hear', () => behindNat.packetsReceived >= 10 && a.packetsReceived >= 10)
  assert.equal(b.packetsReceived, 0)
})

test('a stranger takes no leg of a silent party, unless the engine takes media from anywhere', async (t) => {
  for (const latching of ['strict', 'any'] as const) {
    const engine = await startEngine(t, { latching })
    const { session, a } = await connectCall(t, engine)
    const forB = await session.offer('a', 'b', offerOf(a.localPort))
    const elsewhere = offerOf(5004).toString().replaceAll('127.0.0.1', '192.0.2.7')
    await session.answer('b', 'a', Buffer.from(elsewhere), { sourceAddress: '192.0.2.8' })
    await session.stats()
    const stranger = await startEndpoint(t)
    stranger.setRemote(readRemote(forB))
    await stranger.sendTone(1500, 0.2)
    const heard = async (): Promise<number> => (await session.stats()).legs['b']?.packets ?? 0
    if (latching === 'any') await until('it is heard', () => a.packetsReceived === 10)
    assert.equal(await heard(), latching === 'any' ? 10 : 0)
    assert.equal(a.packetsReceived, latching === 'any' ? 10 : 0)
  }
})

test('what a party hears is one stream without a gap across announcement and source changes', async (t) => {
  const engine = await startEngine(t)
  const { session, events, a, b } = await connectCall(t, engine)
  const heard: RtpPacket[] = []
  const listener = await startEndpoint(t, { onPacket: (packet) => heard.push(packet) })
  const forB = await session.offer('a', 'b', offerOf(a.localPort))
  await session.answer('b', 'a', offerOf(listener.localPort))
  assert.ok(forB)
  await a.sendTone(440, 0.2)
  a.startLoop(generateTone(440, 1))
  const playId = await session.play('b', {
    encoding: 'ulaw',
    samples: encodeG711('ulaw', generateTone(800, 0.3)),
  })
  await until('the announcement ends', () => events.some((event) => event.kind === 'play-finished'))
  assert.deepEqual(events, [{ kind: 'play-finished', leg: 'b', playId }])
  const atEnd = heard.length
  await until('a is heard again', () => heard.length > atEnd + 10)
  a.stop()
  assert.equal(b.packetsReceived, 0)
  assert.equal(new Set(heard.map((packet) => packet.ssrc)).size, 1)
  for (let n = 1; n < heard.length; n++) {
    const [before, packet] = [heard[n - 1], heard[n]]
    if (before === undefined || packet === undefined) continue
    assert.equal(packet.sequence, (before.sequence + 1) & 0xffff)
    const step = (packet.timestamp - before.timestamp) >>> 0
    assert.ok(step > 0 && step < 8000, `time stamp step ${step}`)
    if (!packet.marker) assert.equal(step, 160)
  }
  const audio = listener.received()
  const [at440 = 0, at800 = 0] = toneAmplitudes(audio, [440, 800])
  assert.ok(at440 > 0.05 && at800 > 0.05)
})

test('an announcement mutes the peer only towards its hearer, and a stopped one reports nothing', async (t) => {
  const engine = await startEngine(t)
  const { session, events, a, b } = await connectCall(t, engine)
  const samples = encodeG711('alaw', generateTone(800, 1))
  a.startLoop(generateTone(440, 1))
  b.startLoop(generateTone(1000, 1))
  await session.play('b', { encoding: 'alaw', samples }, Infinity)
  await until('b hears it', () => goertzel(b.received().slice(-1600), 800) > 0.2)
  a.clear()
  b.clear()
  await until('half a second', () => a.packetsReceived >= 25 && b.packetsReceived >= 25)
  assert.ok(goertzel(b.received(), 440) < 0.01)
  assert.ok(goertzel(a.received(), 1000) > 0.2)
  await session.stop('b')
  b.clear()
  await until('b hears a again', () => goertzel(b.received().slice(-1600), 440) > 0.2)
  assert.deepEqual(events, [])
})

test('several announcements follow each other without a gap and finish once', async (t) => {
  const engine = await startEngine(t)
  const { session, events, a } = await connectCall(t, engine, { a: ['PCMU'] })
  const tone = (frequencyHz: number) =>
    ({ encoding: 'alaw', samples: encodeG711('alaw', generateTone(frequencyHz, 0.1)) }) as const
  const playId = await session.play(
    'a',
    [tone(500), tone(800), { encoding: 'ulaw', samples: new Uint8Array(0) }],
    2,
  )
  await until('they end', () => events.length > 0)
  assert.deepEqual(events, [{ kind: 'play-finished', leg: 'a', playId }])
  const heard = a.received()
  assert.equal(heard.length, 4 * 800)
  for (const [n, frequencyHz] of [500, 800, 500, 800].entries()) {
    assert.ok(goertzel(heard.subarray(n * 800, n * 800 + 800), frequencyHz) > 0.2, `${n}: ${frequencyHz} Hz`)
  }
  const nothing = await session.play('a', [])
  await until('nothing ends at once', () => events.length > 1)
  assert.deepEqual(events[1], { kind: 'play-finished', leg: 'a', playId: nothing })
})

test('an announcement to a caller that nobody has answered yet is heard, in its own law', async (t) => {
  const engine = await startEngine(t)
  const events: unknown[] = []
  const session = await engine.open({ id: 'early', onEvent: (event) => events.push(event) })
  const a = await startEndpoint(t)
  const offer = offerOf(a.localPort).toString().replace('RTP/AVP 8', 'RTP/AVP 0')
  a.setRemote(readRemote(await session.answerLocally('a', Buffer.from(offer))))
  const samples = encodeG711('alaw', generateTone(800, 0.3))
  const playId = await session.play('a', { encoding: 'alaw', samples }, 2)
  await until('it ends', () => events.length > 0)
  assert.deepEqual(events, [{ kind: 'play-finished', leg: 'a', playId }])
  assert.equal(a.received().length, 2 * 2400)
  assert.ok(goertzel(a.received(), 800) > 0.2)
})

test('a digit is reported once with its duration and passes to the other party', async (t) => {
  const engine = await startEngine(t)
  const { events, a, b } = await connectCall(t, engine)
  a.startLoop(generateTone(440, 1))
  await a.sendDigit('5', 160)
  await a.sendDigit('5', 100)
  await a.sendDigit('#', 100)
  await until('three digits', () => events.length >= 3 && b.receivedDigits().length >= 3)
  assert.deepEqual(events, [
    { kind: 'digit', leg: 'a', digit: '5', durationMs: 160 },
    { kind: 'digit', leg: 'a', digit: '5', durationMs: 100 },
    { kind: 'digit', leg: 'a', digit: '#', durationMs: 100 },
  ])
  assert.equal(b.receivedDigits(), '55#')
})

test('a digit whose end packets are all lost is reported all the same', async (t) => {
  const engine = await startEngine(t)
  const { session, events, b } = await connectCall(t, engine)
  const half = await startEndpoint(t)
  const raw = offerOf(half.localPort).toString().replaceAll('101', '96')
  await session.offer('a', 'b', Buffer.from(raw))
  const forA = await session.answer('b', 'a', offerOf(b.localPort))
  const port = readRemote(forA).port
  assert.equal(readRemote(forA).eventPayloadType, 96)
  const socket = createSocket('udp4')
  t.after(() => socket.close())
  await session.stats()
  for (const duration of [160, 320]) {
    const payload = buildTelephoneEvent({ digit: '7', end: false, volume: 10, duration })
    const header = { payloadType: 96, marker: duration === 160, sequence: duration, timestamp: 5, ssrc: 1 }
    socket.send(buildRtp(header, payload), port, ENGINE_HOST)
  }
  await until('the digit', () => events.length > 0)
  assert.deepEqual(events, [{ kind: 'digit', leg: 'a', digit: '7', durationMs: 40 }])
})

test('digits sent as tones are told when asked for, and not of a phone that sends events as well', async (t) => {
  const engine = await startEngine(t)
  for (const codec of ['PCMA', 'PCMU'] as const) {
    const { session, events, a, b } = await connectCall(t, engine, { a: [codec] })
    const key = async (digit: string): Promise<void> => {
      await a.sendAudio(Int16Array.from([...dtmfSamples(digit, 80), ...new Int16Array(480)]))
    }
    await key('1')
    await session.listen('a', { inBand: true })
    await key('2')
    await key('2')
    // The last one ends with the stream.
    await a.sendAudio(dtmfSamples('#', 100))
    await until('three digits', () => events.length >= 3)
    const told = events.flatMap((event) => (event.kind === 'digit' ? [event.leg + event.digit] : []))
    assert.deepEqual(told, ['a2', 'a2', 'a#'])
    assert.ok(goertzel(b.received().subarray(0, 640), 697) > 0.1, 'the tones pass to the other party')
    await a.sendDigit('7', 100)
    await key('8')
    await session.listen('a', { inBand: false })
    await session.listen('a', { inBand: true })
    await key('9')
    await a.sendDigit('0', 100)
    await until('the events', () => events.length >= 5)
    const later = events.slice(3).map((event) => event.kind === 'digit' && event.digit)
    assert.deepEqual(later, ['7', '0'])
    await session.close()
  }
})

test('a party on hold hears nothing; the one that holds may still send music', async (t) => {
  const engine = await startEngine(t)
  const { session, a, b } = await connectCall(t, engine)
  const text = offerOf(a.localPort).toString()
  const forB = await session.offer('a', 'b', Buffer.from(`${text}a=sendonly\r\n`))
  assert.match(forB.toString(), /a=sendonly/)
  const heldByB = Buffer.from(`${offerOf(b.localPort).toString()}a=recvonly\r\n`)
  const forA = await session.answer('b', 'a', heldByB)
  assert.match(forA.toString(), /a=recvonly/)
  a.clear()
  b.clear()
  await Promise.all([a.sendTone(440, 0.2), b.sendTone(1000, 0.2)])
  await until('b hears the music', () => b.packetsReceived >= 10)
  assert.equal(a.packetsReceived, 0)
})

test('a party that stopped sending is told of, and the one that still sends is not', async (t) => {
  const engine = await startEngine(t, { timeoutSec: 1 })
  const { events, a, b } = await connectCall(t, engine)
  a.startLoop(generateTone(440, 1))
  b.startLoop(generateTone(1000, 1))
  await until('both talk', () => a.packetsReceived >= 5 && b.packetsReceived >= 5)
  a.stop()
  await until('the time-out', () => events.length > 0)
  assert.deepEqual(events[0], { kind: 'media-timeout', leg: 'a' })
})

test('CSRCs, header extensions and padding end at the relay', async (t) => {
  const engine = await startEngine(t)
  const { session, a } = await connectCall(t, engine)
  const raw: Buffer[] = []
  const socket = createSocket('udp4')
  t.after(() => socket.close())
  socket.on('message', (message) => raw.push(message))
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', () => resolve()))
  await session.offer('a', 'b', offerOf(a.localPort))
  const forA = await session.answer('b', 'a', offerOf(socket.address().port))
  const head = buildRtp(
    { payloadType: 8, marker: false, sequence: 7, timestamp: 9, ssrc: 3 },
    new Uint8Array(0),
  )
  head[0] = 0x80 | 0x20 | 0x10 | 1
  const packet = Buffer.concat([
    head,
    Buffer.from('CSRC'),
    Buffer.from([0xbe, 0xde, 0, 1]),
    Buffer.from('name'),
    Buffer.from('abcd'),
    Buffer.from([0, 0, 3]),
  ])
  const sender = createSocket('udp4')
  t.after(() => sender.close())
  await session.stats()
  sender.send(packet, readRemote(forA).port, ENGINE_HOST)
  await until('it came', () => raw.length > 0)
  const [message = Buffer.alloc(0)] = raw
  assert.equal(message[0], 0x80)
  assert.equal(message.length, 16)
  assert.equal(parseRtp(message)?.payload.toString(), 'abcd')
  assert.notEqual(parseRtp(message)?.ssrc, 3)
})
