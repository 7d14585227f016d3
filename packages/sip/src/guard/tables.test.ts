import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BanList } from './ban-list.ts'
import { KnownSources } from './known-sources.ts'
import { isScanner } from './offences.ts'
import { Points } from './points.ts'
import { RateSlots } from './rate-slots.ts'
import { sourceKeyOf } from '../transport/source-key.ts'

const START = 1_700_000_000_000
const HOUR = 3600_000

describe('sourceKeyOf', () => {
  for (const [address, key] of [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:0:0:ffff:1:2:3', '2001:db8:0:0::/64'],
    ['2001:DB8:0:1::5', '2001:db8:0:1::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
  ] as const)
    it(`of ${address} is ${key}`, () => assert.equal(sourceKeyOf(address), key))
})

describe('RateSlots', () => {
  it('lets a burst through, then the rate, then a burst again after a rest', () => {
    const slots = new RateSlots({ perSec: 10, burst: 20 }, 1)
    const passed = (at: number, count: number): number =>
      Array.from({ length: count }, () => slots.take('192.0.2.1', at)).filter(Boolean).length
    assert.equal(passed(START, 100), 20)
    assert.equal(passed(START + 1000, 100), 10)
    assert.equal(passed(START + 1050, 100), 0)
    assert.equal(passed(START + 60_000, 100), 20)
  })

  it('is fair to others while addresses are made up by the hundred thousand', () => {
    const slots = new RateSlots({ perSec: 50, burst: 100 }, 12345)
    let refused = 0
    for (let i = 0; i < 200_000; i++) {
      slots.take(`198.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, START + i / 100)
      if (i % 2000 === 0 && !slots.take('192.0.2.1', START + i / 100)) refused++
    }
    assert.equal(refused, 0)
  })

  it('has no limit at a rate of 0', () => {
    const slots = new RateSlots({ perSec: 0, burst: 0 }, 1)
    for (let i = 0; i < 1000; i++) assert.equal(slots.take('192.0.2.1', START), true)
  })
})

describe('Points', () => {
  it('reach the limit when they come together, and wear off', () => {
    const points = new Points(100, 60_000)
    for (let i = 0; i < 9; i++) assert.equal(points.add('a', 10, START), false)
    assert.equal(points.add('a', 10, START), true)
    const slow = new Points(100, 60_000)
    for (let i = 0; i < 100; i++) assert.equal(slow.add('a', 10, START + i * 6000), false)
  })

  it('forget who was quiet longest, not who goes on', () => {
    const points = new Points(100, 60_000)
    points.add('guesser', 50, START)
    for (let i = 0; i < 100_000; i++) {
      points.add(`made up ${i}`, 1, START)
      if (i % 10_000 === 0) points.add('guesser', 1, START)
    }
    assert.ok(points.size <= 16_384)
    assert.equal(points.add('guesser', 40, START), true)
    points.sweep(START + 60_000)
    assert.equal(points.size, 0)
  })
})

describe('BanList', () => {
  it('bans for a while, twice as long each time, for a day at most, and forgets after a quiet day', () => {
    const bans = new BanList(300_000)
    let now = START
    const lengths: number[] = []
    for (let i = 0; i < 12; i++) {
      const { until, times } = bans.ban('192.0.2.66', 'digest', false, now)!
      assert.equal(times, i + 1)
      lengths.push((until - now) / 1000)
      assert.equal(bans.isBanned('192.0.2.66', false, until - 1), true)
      assert.equal(bans.isBanned('192.0.2.66', false, until), false)
      now = until + 1
    }
    assert.deepEqual(lengths.slice(0, 4), [300, 600, 1200, 2400])
    assert.deepEqual(lengths.slice(-2), [86_400, 86_400])
    bans.sweep(now + 23 * HOUR)
    assert.equal(bans.ban('192.0.2.66', 'digest', false, now + 23 * HOUR)!.times, 13)
    bans.sweep(now + 80 * HOUR)
    assert.equal(bans.size, 0)
  })

  it('does not count a ban that lasts; what was heard over a connection shuts connections too', () => {
    const bans = new BanList(300_000)
    assert.equal(bans.ban('a', 'digest', false, START)?.times, 1)
    assert.equal(bans.ban('a', 'digest', false, START + 1), undefined)
    assert.equal(bans.isBanned('a', true, START + 1), false)
    assert.equal(bans.ban('a', 'digest', true, START + 2)?.times, 1)
    assert.equal(bans.isBanned('a', true, START + 3), true)
    assert.equal(bans.ban('a', 'scanner', false, START + 4), undefined)
  })

  it('holds no more than its bound, and nobody at 0', () => {
    const bans = new BanList(300_000)
    for (let i = 0; i < 100_000; i++) bans.ban(`source ${i}`, 'scanner', false, START)
    assert.equal(bans.size, 65_536)
    assert.equal(new BanList(0).ban('a', 'scanner', false, START), undefined)
  })
})

describe('KnownSources', () => {
  it('tells peers, flows and their neighbours from strangers, for as long as they are heard of', () => {
    const known = new KnownSources({ perSec: 50, burst: 100 }, HOUR)
    known.addFlow('192.0.2.7', 40_000, 'alice', START)
    known.addPeer('192.0.2.8', START)
    const standings = (now: number): unknown[] => [
      known.standingOf('192.0.2.7', 40_000, now),
      known.standingOf('192.0.2.7', 40_001, now),
      known.standingOf('192.0.2.8', 5060, now),
      known.standingOf('192.0.2.9', 5060, now),
    ]
    assert.deepEqual(standings(START), ['flow', 'neighbour', 'peer', undefined])
    known.addFlow('192.0.2.7', 40_000, 'alice', START + HOUR - 1)
    assert.deepEqual(standings(START + HOUR), ['flow', 'neighbour', undefined, undefined])
    assert.equal(known.userAt('192.0.2.7', 40_000, START + HOUR), 'alice')
    assert.equal(known.userAt('192.0.2.7', 40_000, START + 3 * HOUR), undefined)
    known.sweep(START + HOUR)
    assert.equal(known.size, 1)
    known.sweep(START + 3 * HOUR)
    assert.equal(known.size, 0)
  })
})

describe('isScanner', () => {
  for (const agent of [
    'friendly-scanner',
    'sipvicious',
    'sipcli/v1.8',
    'VaxSIPUserAgent/3.1',
    'sundayddr',
    'iWar',
  ])
    it(`knows ${agent}`, () => assert.equal(isScanner(agent), true))
  for (const agent of [
    '',
    'baresip v1.0.0',
    'Asterisk PBX 20.6',
    'Linphone/5.1',
    'Yealink SIP-T46',
    'MicroSIP/3.21',
  ])
    it(`takes "${agent}" for none`, () => assert.equal(isScanner(agent), false))
})
