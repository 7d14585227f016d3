import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildRtp } from '../rtp/rtp.ts'
import type { LegState, Report } from './protocol.ts'
import { Relay } from './relay.ts'
import type { SocketPair } from './socket-pairs.ts'

/** A relay without sockets: packets are put in by hand, the clock is turned by hand. */
function relayAlone(timeoutMs = 1000) {
  const reports: Report[] = []
  const sent: string[] = []
  const hands = { now: 0 }
  const pairs = new Map<number, SocketPair>()
  const pairOf = (port: number): SocketPair => {
    const socket = (name: string) => ({
      send: (_packet: unknown, _at: number, _length: number, to: number, address: string) =>
        sent.push(`${name} ${address}:${to}`),
    })
    const known = pairs.get(port)
    if (known) return known
    const pair = { port, rtp: socket('rtp'), rtcp: socket('rtcp'), receiver: undefined }
    pairs.set(port, pair as unknown as SocketPair)
    return pairOf(port)
  }
  const clock = { now: () => hands.now, setTimer: () => 0, clearTimer: () => undefined }
  const relay = new Relay({ clock, timeoutMs, pairOf, report: (report) => reports.push(report) })
  return { relay, reports, sent, hands, at: (port: number) => pairOf(port).receiver ?? assert.fail('no leg') }
}

const A = '203.0.113.9'
const B = '203.0.113.10'

const legAt = (port: number, address: string, peer: number): LegState => ({
  port,
  epoch: 1,
  remote: { address, port: 4000, rtcpPort: 4001 },
  sources: [address],
  hears: true,
  speaks: true,
  peer,
  types: [
    {
      payloadType: 8,
      clockRateHz: 8000,
      isEvent: false,
      law: 'alaw',
      route: { sendType: 8, convertTo: undefined },
    },
  ],
  inBand: false,
  playAs: undefined,
})

const rtp = (sequence = 1): Buffer =>
  buildRtp(
    { payloadType: 8, marker: false, sequence, timestamp: sequence * 160, ssrc: 7 },
    new Uint8Array(160),
  )
const rtcp = (): Buffer => Buffer.from([0x80, 201, 0, 1, 0, 0, 0, 7])

test('RTCP is taken from the hosts of the party only, and the described port takes it back', () => {
  const { relay, sent, at } = relayAlone()
  relay.run({
    op: 'session',
    session: { id: 1, active: true, legs: [legAt(20_000, A, 1), legAt(20_002, B, 0)] },
  })
  at(20_000).onRtp(rtp(), A, 4000)
  sent.length = 0
  at(20_000).onRtcp(rtcp(), '198.51.100.66', 4001)
  assert.deepEqual(sent, [])
  for (let n = 0; n < 4; n++) at(20_000).onRtcp(rtcp(), A, 5555)
  assert.equal(sent.length, 4)
  at(20_000).onRtcp(rtcp(), A, 4001)
  assert.equal(sent.length, 5)
  at(20_000).onRtcp(rtcp(), A, 5555)
  assert.equal(sent.length, 5)
})

/** Two parties of which only B sends, every 100 ms; what is told of them within `forMs`. */
function onlyBSends(a: Partial<LegState>, b: Partial<LegState>, forMs: number, timeoutMs = 1000): Report[] {
  const { relay, reports, hands, at } = relayAlone(timeoutMs)
  const legs = [
    { ...legAt(20_000, A, 1), ...a },
    { ...legAt(20_002, B, 0), ...b },
  ]
  relay.run({ op: 'session', session: { id: 1, active: true, legs } })
  for (let sequence = 1; hands.now < forMs; sequence++) {
    hands.now += 100
    at(20_002).onRtp(rtp(sequence), B, 4000)
    relay.sweep()
  }
  return reports
}
const silentA: Report = { op: 'media-timeout', id: 1, leg: 0 }

test('a dead party is told of though the other still sends, and again after each further time-out', () => {
  assert.deepEqual(onlyBSends({}, {}, 900), [])
  assert.deepEqual(onlyBSends({}, {}, 1000), [silentA])
  assert.deepEqual(onlyBSends({}, {}, 2000), [silentA, silentA])
  assert.deepEqual(onlyBSends({}, {}, 10_000, Infinity), [])
})

test('a party that holds or is held is not silent', () => {
  assert.deepEqual(onlyBSends({ speaks: false }, {}, 5000), [])
  assert.deepEqual(onlyBSends({}, { hears: false }, 5000), [])
})

test('after a hold the whole time-out runs anew', () => {
  const { relay, reports, hands, at } = relayAlone(1000)
  const tell = (speaks: boolean): void => {
    const legs = [{ ...legAt(20_000, A, 1), speaks }, legAt(20_002, B, 0)]
    relay.run({ op: 'session', session: { id: 1, active: true, legs } })
  }
  tell(false)
  for (let n = 0; n < 50; n++) {
    hands.now += 100
    if (n === 41) tell(true)
    at(20_002).onRtp(rtp(n), B, 4000)
    relay.sweep()
  }
  assert.deepEqual(reports, [])
  hands.now += 100
  relay.sweep()
  assert.deepEqual(reports, [silentA])
})

test('RTCP of a muted party shows that it lives', () => {
  const { relay, reports, hands, at } = relayAlone(1000)
  relay.run({
    op: 'session',
    session: { id: 1, active: true, legs: [legAt(20_000, A, 1), legAt(20_002, B, 0)] },
  })
  for (let n = 0; n < 50; n++) {
    hands.now += 100
    at(20_000).onRtcp(rtcp(), A, 4001)
    at(20_002).onRtp(rtp(n), B, 4000)
    relay.sweep()
  }
  assert.deepEqual(reports, [])
})
