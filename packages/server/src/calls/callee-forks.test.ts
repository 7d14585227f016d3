import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CalleeForks } from './callee-forks.ts'

const sdp = (name: string): Buffer => Buffer.from(name)
const NONE = Buffer.alloc(0)

test('RFC 3261 §13.2.1: the first fork with media is heard, and may change its media', () => {
  const forks = new CalleeForks()
  assert.equal(forks.early('one', sdp('1')), true)
  assert.equal(forks.early('two', sdp('2')), false)
  assert.equal(forks.early('one', sdp('1b')), true)
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
    assert.equal(forks.answered(fork, body === '' ? NONE : sdp(body)).toString(), expected)
  })
