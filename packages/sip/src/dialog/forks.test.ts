import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { header } from '../message/headers.ts'
import { response } from '../message/build.ts'
import { SDP_ANSWER } from '../testkit/bench.ts'
import type { Bench } from '../testkit/bench.ts'
import { callOut, count, leavesNothing } from '../testkit/scripted-call.ts'

const reliable = (rseq: number): string[] => ['Require', '100rel', 'RSeq', String(rseq)]

/** To-tags of the requests of a method, in order. */
const toTags = (bench: Bench, method: string): string[] =>
  bench.peer.inbox
    .filter((message) => message.kind === 'request' && message.method === method)
    .map((message) => /tag=(\w+)/.exec(header(message, 'To')!)![1]!)

describe('an INVITE of ours that forks (RFC 3261 §13.2.2.4)', () => {
  it('tells with every response which early dialog speaks, and which one answered', async () => {
    const callee = await callOut()
    callee.says(180, 'b1')
    callee.says(183, 'b2', { body: SDP_ANSWER })
    callee.says(183, 'b1', { body: SDP_ANSWER })
    callee.says(200, 'b2', { body: SDP_ANSWER })
    assert.deepEqual(callee.bench.events, [
      'onProvisional 180 b1',
      'onProvisional 183 b2',
      'onProvisional 183 b1',
      'onAnswer b2',
    ])
  })

  it('reports a response without a tag too, which makes no dialog', async () => {
    const callee = await callOut()
    callee.bench.deliver(response(callee.invite, 180))
    assert.deepEqual(callee.bench.events, ['onProvisional 180'])
  })

  it('may be answered by a fork that was not heard of', async () => {
    const callee = await callOut()
    callee.says(180, 'b1')
    callee.says(200, 'b9', { body: SDP_ANSWER })
    callee.call.ack()
    callee.bench.clock.advance(1)
    assert.deepEqual(toTags(callee.bench, 'ACK'), ['b9'])
    assert.equal(callee.bench.events.at(-1), 'onAnswer b9')
  })

  it('acknowledges and ends every other answer, with and without an early dialog', async () => {
    const callee = await callOut()
    for (const fork of ['b1', 'b2']) callee.says(180, fork, { headers: reliable(1) })
    callee.says(200, 'b2', { body: SDP_ANSWER })
    callee.call.ack()
    callee.says(200, 'b1', { body: SDP_ANSWER })
    callee.says(200, 'b3', { body: SDP_ANSWER })
    assert.deepEqual(toTags(callee.bench, 'ACK'), ['b2', 'b1', 'b3'])
    assert.deepEqual(toTags(callee.bench, 'BYE'), ['b1', 'b3'])
    assert.equal(callee.bench.stack.stats().dialogs, 1)
    callee.asks('BYE', 1, { fork: 'b2' })
    assert.ok(leavesNothing(callee.bench))
  })

  it('takes no request of a fork that did not win any more', async () => {
    const callee = await callOut()
    callee.says(183, 'b1', { headers: reliable(1), body: SDP_ANSWER })
    callee.says(200, 'b2', { body: SDP_ANSWER })
    callee.call.ack()
    callee.asks('UPDATE', 1, { fork: 'b1' })
    assert.equal(callee.bench.peer.summaries.at(-1), '481 UPDATE')
  })

  it('gives every early dialog a CSeq and a target of its own', async () => {
    const callee = await callOut()
    callee.says(180, 'b1', { headers: reliable(1) })
    callee.says(183, 'b1', { headers: reliable(2) })
    callee.says(180, 'b2', { headers: reliable(1) })
    const seqs = callee.bench.peer.inbox
      .filter((message) => message.kind === 'request' && message.method === 'PRACK')
      .map((message) => header(message, 'CSeq'))
    assert.deepEqual(seqs, ['2 PRACK', '3 PRACK', '2 PRACK'])
  })

  it('keeps twenty early dialogs, and passes over the responses of more', async () => {
    const callee = await callOut()
    for (let n = 0; n < 50; n++) callee.says(180, `f${n}`, { headers: reliable(1) })
    assert.equal(callee.bench.events.length, 20)
    assert.equal(new Set(toTags(callee.bench, 'PRACK')).size, 20)
    callee.says(200, 'f49', { body: SDP_ANSWER })
    assert.equal(callee.bench.events.at(-1), 'onAnswer f49')
    callee.call.ack()
    for (let n = 0; n < 48; n++) callee.says(200, `f${n}`)
    assert.equal(new Set(toTags(callee.bench, 'BYE')).size, 19)
    callee.asks('BYE', 1, { fork: 'f49' })
    assert.ok(leavesNothing(callee.bench))
  })
})

describe('199 (RFC 6228)', () => {
  it('ends its early dialog and no other, and frees its place', async () => {
    const callee = await callOut()
    for (let n = 0; n < 20; n++) callee.says(180, `f${n}`)
    callee.says(199, 'f3', { headers: ['Reason', 'SIP;cause=486'] })
    callee.says(180, 'f20')
    assert.deepEqual(callee.bench.events.slice(-2), ['onForkEnded f3', 'onProvisional 180 f20'])
    callee.asks('UPDATE', 1, { fork: 'f3' })
    callee.asks('UPDATE', 1, { fork: 'f4' })
    assert.deepEqual(callee.bench.peer.summaries.slice(-2), ['481 UPDATE', '200 UPDATE'])
  })

  it('that is reliable is acknowledged', async () => {
    const callee = await callOut()
    callee.says(180, 'b1', { headers: reliable(1) })
    callee.says(199, 'b1', { headers: reliable(2) })
    assert.equal(count(callee.bench, 'PRACK'), 2)
    assert.equal(callee.bench.events.at(-1), 'onForkEnded b1')
  })

  it('of a fork that nobody has heard of says nothing', async () => {
    const callee = await callOut()
    callee.says(199, 'b1', { headers: reliable(1) })
    assert.deepEqual(callee.bench.events, [])
    assert.equal(count(callee.bench, 'PRACK'), 0)
  })

  it('does not keep the fork from answering after all', async () => {
    const callee = await callOut()
    callee.says(180, 'b1')
    callee.says(199, 'b1')
    callee.says(200, 'b1', { body: SDP_ANSWER })
    assert.equal(callee.bench.events.at(-1), 'onAnswer b1')
  })
})
