import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OutOfDialogOptions, SipResponse } from '@maskline/sip'
import type { HealthConfig, TrunkConfig } from '../config/config.ts'
import { manualClock } from '../testkit/manual-clock.ts'
import { createCapacity } from './capacity.ts'
import { createLine } from './line.ts'
import { watchLines } from './watch.ts'

const LOCAL: readonly string[] = []
const VIA = ['Via', 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1']

function openWatch(health: HealthConfig, trunk: Partial<TrunkConfig> = {}) {
  const { clock, advance, pending } = manualClock(0)
  const warned: string[] = []
  const log = {
    debug() {},
    info() {},
    error() {},
    warn: (_: object, message: string) => void warned.push(message),
  }
  const config: TrunkConfig = { name: 'c', allowFrom: [], numberFormat: 'e164', health, ...trunk }
  const peer = { address: '192.0.2.9', port: 5060, transport: 'udp' } as const
  const line = createLine(config, peer, createCapacity({}, clock), { sipHost: '192.0.2.1', clock, log })
  const asked: OutOfDialogOptions[] = []
  let answer: ((response: SipResponse) => void) | undefined
  const watch = watchLines([line], {
    stack: {
      request(options, onFinal) {
        asked.push(options)
        answer = onFinal
      },
    },
    sipHost: '192.0.2.1',
    clock,
    chance: () => 0.5,
  })
  return {
    line,
    watch,
    warned,
    asked,
    pending,
    advance,
    answers: (status: number, headers: readonly string[] = VIA) =>
      answer!({ kind: 'response', status, reason: '', headers, body: Buffer.alloc(0) }),
  }
}

test('OPTIONS go to the peer itself, the first after a part of the interval', () => {
  const { advance, asked, answers, watch, pending } = openWatch({ optionsSec: 10 })
  advance(4_999)
  assert.equal(asked.length, 0)
  advance(1)
  assert.deepEqual(asked[0], {
    method: 'OPTIONS',
    uri: 'sip:192.0.2.9',
    from: '<sip:192.0.2.1>',
    to: '<sip:192.0.2.9>',
    headers: ['Accept', 'application/sdp'],
    silence: { limitMs: 2_000 },
    hop: { address: '192.0.2.9', port: 5060, transport: 'udp' },
  })
  advance(3_999)
  assert.equal(asked.length, 1, 'the next waits for the answer')
  answers(200)
  advance(10_000)
  assert.equal(asked.length, 2)
  watch.close()
  assert.equal(pending(), 0)
  answers(200)
  assert.equal(pending(), 0, 'an answer after the close starts nothing')
})

test('a peer goes down after three failures of any kind and up after two answers, and each is told once', () => {
  const { line, advance, answers, warned, watch } = openWatch({ optionsSec: 10, timeoutMs: 1_000 })
  advance(5_000)
  advance(1_000) // no answer in time
  answers(200) // too late: counts for nothing
  advance(10_000)
  answers(503)
  advance(10_000)
  assert.equal(line.isUsable(), true)
  answers(408, LOCAL)
  assert.deepEqual([line.up, line.isUsable()], [false, false])
  for (let i = 0; i < 5; i++) {
    advance(10_000)
    answers(503)
  }
  advance(10_000)
  answers(404)
  assert.equal(line.up, false)
  advance(10_000)
  answers(404)
  assert.equal(line.up, true)
  assert.deepEqual(warned, [
    'a peer of a trunk is down; calls take other ways while there are any',
    'a peer of a trunk is up again',
  ])
  watch.close()
})

test('a peer is called up only once something came from it', () => {
  const { line, advance, answers, watch } = openWatch({ optionsSec: 10, failures: 3, timeoutMs: 1_000 })
  assert.equal(line.state, 'not-asked')
  advance(5_000)
  advance(1_000)
  assert.equal(line.state, 'not-heard')
  advance(10_000)
  answers(200)
  assert.equal(line.state, 'up')
  for (let i = 0; i < 3; i++) {
    advance(10_000)
    advance(1_000)
  }
  assert.equal(line.state, 'down')
  watch.close()
})

test('what the stack says of a dead transport is no answer, whatever its status counts for', () => {
  const { line, advance, answers, watch } = openWatch({ optionsSec: 10, failures: 1, alive: [503] })
  advance(5_000)
  answers(503, LOCAL)
  assert.equal(line.up, false)
  watch.close()
})

test('a trunk that sets no OPTIONS is not asked, and learns from its calls', () => {
  const { line, asked, pending, warned } = openWatch({ optionsSec: 0, failures: 2 })
  assert.equal(pending(), 0)
  const way = line.way('+8613800000021' as never)
  assert.equal(line.state, 'not-asked')
  assert.ok(way.begun())
  assert.equal(line.state, 'not-heard')
  way.fared('silent')
  way.fared('silent')
  assert.deepEqual([line.up, line.isUsable(), asked.length], [false, false, 0])
  const said = { kind: 'response', status: 486, reason: '', headers: VIA, body: Buffer.alloc(0) } as const
  const cannot = { ...said, status: 503 }
  for (const heard of [said, cannot, cannot]) way.fared(heard)
  assert.equal(line.up, false, 'a 503 is no success')
  way.fared(said)
  assert.deepEqual([line.up, line.state], [true, 'up'])
  assert.equal(warned.length, 2)
  for (let i = 0; i < 4; i++) way.fared(cannot)
  assert.deepEqual([line.up, line.isUsable()], [true, true], 'nor a failure')
  way.fared({ ...cannot, headers: [...VIA, 'Retry-After', '30'] })
  assert.deepEqual([line.up, line.isUsable(), line.state], [true, false, 'resting'])
})
