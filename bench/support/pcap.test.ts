import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inviteLatency } from './invite-latency.ts'
import { parsePcap, type CapturedDatagram } from '../../e2e/support/pcap.ts'

/** A capture of one packet: Ethernet, IPv4, UDP 127.0.7.1:5060 -> 127.0.7.2:5070, payload `INVITE`. */
function capture(order: 'LE' | 'BE', magic: number, fraction: number): Buffer {
  const frame = Buffer.concat([
    Buffer.alloc(12),
    Buffer.from('0800', 'hex'),
    Buffer.from('4500002200000000401100007f0007017f000702', 'hex'),
    Buffer.from('13c413ce000e0000', 'hex'),
    Buffer.from('INVITE'),
  ])
  const words = (...values: number[]): Buffer => {
    const out = Buffer.alloc(values.length * 4)
    values.forEach((value, i) =>
      order === 'LE' ? out.writeUInt32LE(value, i * 4) : out.writeUInt32BE(value, i * 4),
    )
    return out
  }
  const record = (second: number): Buffer =>
    Buffer.concat([words(second, fraction, frame.length, frame.length), frame])
  return Buffer.concat([
    words(magic, 0x0004_0002, 0, 0, 65_535, 1),
    record(1_700_000_000),
    record(1_700_000_001),
  ])
}

describe('pcap', () => {
  for (const [title, order, magic, fraction] of [
    ['little-endian microseconds', 'LE', 0xa1b2c3d4, 250],
    ['big-endian microseconds', 'BE', 0xa1b2c3d4, 250],
    ['nanoseconds', 'LE', 0xa1b23c4d, 250_000],
  ] as const) {
    test(`reads datagrams and times of ${title}`, () => {
      const datagrams = parsePcap(capture(order, magic, fraction))
      assert.deepEqual(
        datagrams.map(({ payload, ...rest }) => ({ ...rest, text: payload.toString() })),
        [250, 1_000_250].map((atUs) => ({
          atUs,
          source: '127.0.7.1:5060',
          destination: '127.0.7.2:5070',
          text: 'INVITE',
        })),
      )
    })
  }

  test('leaves out a packet that was cut off', () => {
    const file = capture('LE', 0xa1b2c3d4, 0)
    assert.equal(parsePcap(file.subarray(0, file.length - 3)).length, 1)
  })

  test('refuses what is no capture', () => {
    assert.throws(() => parsePcap(Buffer.alloc(100)), /pcap/)
    assert.throws(() => parsePcap(Buffer.alloc(3)), /header/)
  })
})

describe('INVITE latency', () => {
  const SERVER = '127.0.7.2:5060'
  const arrives = (atUs: number, x: string, callId: string): CapturedDatagram => ({
    atUs,
    source: '127.0.7.1:5060',
    destination: SERVER,
    payload: Buffer.from(
      `INVITE sip:${x}@127.0.7.2:5060 SIP/2.0\r\nFrom: <sip:+8613800000021@a>\r\nCall-ID: ${callId}\r\n\r\n`,
    ),
  })
  const leaves = (atUs: number, x: string): CapturedDatagram => ({
    atUs,
    source: SERVER,
    destination: '127.0.7.3:5060',
    payload: Buffer.from(
      `INVITE sip:+8613800000022@127.0.7.3 SIP/2.0\r\nFrom: "x" <sip:${x}@m>;tag=1\r\nCall-ID: z\r\n\r\n`,
    ),
  })

  test('pairs by the number dialled, whatever the order and spelling', () => {
    const latency = inviteLatency(
      [
        arrives(0, '+8617000000001', 'a'),
        arrives(100, '+8617000000002', 'b'),
        leaves(600, '17000000002'),
        leaves(2_000, '+8617000000001'),
      ],
      SERVER,
    )
    assert.deepEqual(latency, { samples: 2, p50Ms: 2, p99Ms: 2, maxMs: 2 })
  })

  test('a retransmission counts once, from the first', () => {
    const x = '+8617000000001'
    const latency = inviteLatency(
      [arrives(0, x, 'a'), arrives(500, x, 'a'), leaves(700, x), leaves(900, x)],
      SERVER,
    )
    assert.deepEqual(latency, { samples: 1, p50Ms: 0.7, p99Ms: 0.7, maxMs: 0.7 })
  })

  test('a second call to the same number is a pair of its own', () => {
    const x = '+8617000000001'
    const latency = inviteLatency(
      [arrives(0, x, 'a'), leaves(1_000, x), arrives(5_000, x, 'b'), leaves(8_000, x)],
      SERVER,
    )
    assert.deepEqual(latency, { samples: 2, p50Ms: 3, p99Ms: 3, maxMs: 3 })
  })

  test('is absent when nothing left the server', () => {
    assert.equal(inviteLatency([arrives(0, '+8617000000001', 'a')], SERVER), undefined)
  })
})
