import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CalleeForks } from './callee-forks.ts'

const sdp = (name: string): Buffer => Buffer.from(name)
const NONE = Buffer.alloc(0)

test('RFC 3261 §13.2.1: the first fork with media is heard, and may change its media', () => {
  const forks = new CalleeForks()
  assert.deepEqual(forks.early('one', sdp('1')), { sdp: sdp('1'), others: [] })
  assert.deepEqual(forks.early('two', sdp('2')), { sdp: sdp('1'), others: [sdp('2')] })
  assert.deepEqual(forks.early('one', sdp('1b')), { sdp: sdp('1b'), others: [sdp('2')] })
})

for (const [what, fork, body, expected] of [
  ['an answer with SDP of its own', 'two', '2b', '2b'],
  ['an answer without SDP of a fork that sent its own early', 'two', '', '2'],
  ['an answer without SDP of the fork that is heard', 'one', '', ''],
  ['an answer without SDP of a fork that never sent any', 'three', '', ''],
] as const)
  test(`${what} leads to ${expected === '' ? 'no change' : `the SDP ${expected}`}`, () => {
    const forks = new CalleeForks()
    forks.early('one', sdp('1'))
    forks.early('two', sdp('2'))
    assert.equal(forks.answered(fork, body === '' ? NONE : sdp(body)).sdp.toString(), expected)
  })

test('the forks that lost are told with the answer of another', () => {
  const forks = new CalleeForks()
  for (const fork of ['one', 'two', 'three']) forks.early(fork, sdp(fork))
  assert.deepEqual(forks.answered('two', NONE), { sdp: sdp('two'), others: [sdp('one'), sdp('three')] })
})

test('a fork that is over makes room for the next (RFC 6228)', () => {
  const forks = new CalleeForks()
  for (const fork of ['one', 'two', 'three']) forks.early(fork, sdp(fork))
  assert.equal(forks.ended('two'), undefined)
  assert.deepEqual(forks.ended('one'), { sdp: sdp('three'), others: [sdp('one')] })
  assert.equal(forks.ended('three'), undefined)
  assert.equal(forks.early('four', sdp('four')).sdp.toString(), 'four')
})

test('the SDPs of a few forks are kept, not of all that a network can make up', () => {
  const forks = new CalleeForks()
  for (let n = 0; n < 100; n++) forks.early(`fork ${n}`, sdp(`${n}`))
  assert.equal(forks.answered('fork 99', NONE).sdp.length, 0)
  for (let n = 0; n < 100; n++) forks.early(`fork ${n}`, sdp(`${n}`))
  assert.equal(forks.answered('fork 99', NONE).others.length, 8)
})
