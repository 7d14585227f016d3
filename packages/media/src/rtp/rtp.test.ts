import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isRtcp, translateRtcp, type RtcpTranslation } from './rtcp.ts'
import { buildRtp, parseRtp } from './rtp.ts'
import {
  LOST_END_MS,
  buildTelephoneEvent,
  createDigitDetector,
  detectDigit,
  flushDigit,
  parseTelephoneEvent,
  type SeenDigit,
} from './telephone-event.ts'

const anyHeader = fc.record({
  payloadType: fc.nat(127),
  marker: fc.boolean(),
  sequence: fc.nat(0xffff),
  timestamp: fc.nat(0xffffffff),
  ssrc: fc.nat(0xffffffff),
})

test('an RTP packet reads back what was built', () => {
  fc.assert(
    fc.property(anyHeader, fc.uint8Array({ maxLength: 200, size: 'max' }), (header, payload) => {
      const packet = parseRtp(buildRtp(header, payload))
      assert.deepEqual(packet, { ...header, payload: Buffer.from(payload) })
    }),
  )
})

test('no bytes make the RTP and RTCP readers throw', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 120, size: 'max' }),
      fc.nat(31),
      fc.constantFrom(200, 201, 8),
      (noise, count, type) => {
        const packet = Buffer.from(noise)
        if (packet.length > 1) {
          packet[0] = 0x80 | count
          packet[1] = type
        }
        parseRtp(packet)
        translateRtcp(packet, translation)
        parseTelephoneEvent(packet)
      },
    ),
    { numRuns: 2000 },
  )
})

test('a telephone event reads back what was built; flash and short payloads are no digits', () => {
  for (const digit of '0123456789*#ABCD') {
    const event = { digit, end: true, volume: 10, duration: 800 }
    assert.deepEqual(parseTelephoneEvent(buildTelephoneEvent(event)), event)
  }
  assert.equal(parseTelephoneEvent(Buffer.from([16, 0, 0, 0])), undefined)
  assert.equal(parseTelephoneEvent(Buffer.from([1, 0, 0])), undefined)
  assert.throws(() => buildTelephoneEvent({ digit: 'x', end: false, volume: 0, duration: 0 }), RangeError)
})

function hear(
  packets: readonly (readonly [timestamp: number, digit: string, duration: number, end?: 'end'])[],
) {
  const state = createDigitDetector()
  const seen: SeenDigit[] = []
  let nowMs = 0
  for (const [timestamp, digit, duration, end] of packets) {
    const event = { digit, end: end !== undefined, volume: 10, duration }
    detectDigit(state, event, timestamp, 8000, (nowMs += 20), (found) => seen.push(found))
  }
  return { state, seen }
}

test('three end packets are one digit', () => {
  const { seen } = hear([
    [1000, '5', 160],
    [1000, '5', 320, 'end'],
    [1000, '5', 320, 'end'],
    [1000, '5', 320, 'end'],
  ])
  assert.deepEqual(seen, [{ digit: '5', durationMs: 40 }])
})

test('the same key twice is two digits, told apart by their time stamps', () => {
  const { seen } = hear([
    [1000, '5', 320, 'end'],
    [5000, '5', 320, 'end'],
  ])
  assert.equal(seen.length, 2)
})

test('a digit without an end is reported when the next begins, or by flush, once', () => {
  const { state, seen } = hear([
    [1000, '1', 160],
    [5000, '2', 160],
  ])
  assert.deepEqual(seen, [{ digit: '1', durationMs: 20 }])
  flushDigit(state, (found) => seen.push(found))
  flushDigit(state, (found) => seen.push(found))
  assert.deepEqual(
    seen.map(({ digit }) => digit),
    ['1', '2'],
  )
  assert.ok(LOST_END_MS > 60)
})

test('a packet of the previous digit that comes late is no new key press', () => {
  const { seen } = hear([
    [1000, '1', 320, 'end'],
    [5000, '2', 320, 'end'],
    [1000, '1', 320, 'end'],
  ])
  assert.deepEqual(
    seen.map(({ digit }) => digit),
    ['1', '2'],
  )
})

const translation: RtcpTranslation = {
  ssrc: 0xb0b0b0b0,
  cname: 'ourname',
  timestampOffset: 1000,
  packets: 7,
  octets: 1120,
  reportedSsrc: 0xa0a0a0a0,
  reportedSource: 0xcafecafe,
  reportedSequenceOffset: 5,
}

/** SR with one report block, SDES with CNAME and e-mail, APP, BYE with a reason. */
function compoundOfPeer(): Buffer {
  const sr = Buffer.alloc(52)
  sr[0] = 0x81
  sr[1] = 200
  sr.writeUInt16BE(12, 2)
  sr.writeUInt32BE(0x11111111, 4)
  sr.writeUInt32BE(160, 16)
  sr.writeUInt32BE(99, 20)
  sr.writeUInt32BE(translation.reportedSsrc, 28)
  sr.writeUInt32BE(1005, 36)
  const items = Buffer.concat([
    Buffer.from([1, 17]),
    Buffer.from('alice@192.0.2.77\0'.slice(0, 17)),
    Buffer.from([3, 13]),
    Buffer.from('alice@example'),
    Buffer.from([0, 0]),
  ])
  const sdes = Buffer.concat([Buffer.from([0x81, 202, 0, 0, 0x11, 0x11, 0x11, 0x11]), items])
  sdes.writeUInt16BE(sdes.length / 4 - 1, 2)
  const app = Buffer.concat([Buffer.from([0x80, 204, 0, 3, 0x11, 0x11, 0x11, 0x11]), Buffer.from('aliceapp')])
  const bye = Buffer.concat([
    Buffer.from([0x81, 203, 0, 3, 0x11, 0x11, 0x11, 0x11, 7]),
    Buffer.from('alice!!'),
  ])
  return Buffer.concat([sr, sdes, app, bye])
}

test('RTCP passes with reports translated and nothing that names the party', () => {
  const peer = compoundOfPeer()
  assert.equal(isRtcp(peer), true)
  const passed = translateRtcp(peer, translation)
  assert.ok(passed)
  assert.equal(passed.includes('alice'), false)
  assert.equal(passed.includes('192.0.2.77'), false)
  assert.equal(passed.includes(Buffer.from([0x11, 0x11, 0x11, 0x11])), false)
  assert.equal(passed.includes('ourname'), true)
  assert.equal(passed.readUInt32BE(4), translation.ssrc)
  assert.equal(passed.readUInt32BE(16), 1160)
  assert.deepEqual([passed.readUInt32BE(20), passed.readUInt32BE(24)], [7, 1120])
  assert.equal(passed.readUInt32BE(28), translation.reportedSource)
  assert.equal(passed.readUInt32BE(36), 1000)
  assert.deepEqual(packetTypes(passed), [200, 202, 203])
})

test('a report about a stream the party did not get from us is left out', () => {
  const passed = translateRtcp(compoundOfPeer(), { ...translation, reportedSsrc: 1 })
  assert.ok(passed)
  assert.equal((passed[0] ?? 0) & 0x1f, 0)
  assert.deepEqual(packetTypes(passed), [200, 202, 203])
})

/** Walks the compound by its length fields, as a receiver does. */
function packetTypes(compound: Buffer): number[] {
  const types: number[] = []
  for (let at = 0; at < compound.length; at += (compound.readUInt16BE(at + 2) + 1) * 4) {
    types.push(compound.readUInt8(at + 1))
  }
  return types
}
