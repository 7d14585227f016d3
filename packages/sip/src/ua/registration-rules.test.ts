import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { NO_BODY } from '../message/message.ts'
import type { SipResponse } from '../message/message.ts'
import { backOffMs, outcomeOf, refreshDelayMs, retryDelayMs } from './registration-rules.ts'
import type { Outcome } from './registration-rules.ts'

const CONTACT = '<sip:maskline@192.0.2.2:5060>;expires=600'
const asked = { expiresSec: 600, contact: CONTACT, isOutbound: false }

const answer = (status: number, ...headers: readonly string[]): SipResponse => ({
  kind: 'response',
  status,
  reason: '+8613800000021 says no',
  headers: ['Via', 'SIP/2.0/UDP 192.0.2.2', ...headers],
  body: NO_BODY,
})
const local = (status: number): SipResponse => ({ ...answer(status), headers: [] })

describe('the time that a 200 grants (RFC 3261 §10.2.4)', () => {
  const own = '<sip:maskline@192.0.2.2:5060>'
  for (const [what, headers, seconds] of [
    ['is that of our own Contact', ['Contact', `${own};expires=90`, 'Expires', '300'], 90],
    ['is found among others', ['Contact', `<sip:x@192.0.2.9>;expires=60, ${own};expires=90`], 90],
    [
      'is found by the user where the address was rewritten',
      ['Contact', '<sip:y@192.0.2.9>;expires=60', 'Contact', '<sip:maskline@198.51.100.1:1024>;expires=91'],
      91,
    ],
    ['is that of the only Contact', ['Contact', '<sip:z@198.51.100.1>;expires=92'], 92],
    ['is Expires without the parameter', ['Contact', own, 'Expires', '300'], 300],
    ['is Expires without a Contact', ['Expires', '301'], 301],
    ['is what was asked for when nothing is said', [], 600],
    ['is a week at most', ['Contact', `${own};expires=4294967295`], 604_800],
  ] as const)
    it(what, () => {
      assert.deepEqual(outcomeOf(answer(200, ...headers), asked), { kind: 'granted', expiresSec: seconds })
    })

  it('is none where our Contact is not kept', () => {
    for (const contact of [`${own};expires=0`, '<sip:x@192.0.2.9>;expires=60, <sip:y@192.0.2.9>;expires=60'])
      assert.equal(outcomeOf(answer(200, 'Contact', contact), asked).kind, 'failed')
  })
})

describe('other answers to a REGISTER', () => {
  const outbound = { ...asked, isOutbound: true }

  it('ask for more time (423) or for less (439)', () => {
    assert.deepEqual(outcomeOf(answer(423, 'Min-Expires', '1800'), outbound), {
      kind: 'again',
      expiresSec: 1800,
      isOutbound: true,
    })
    assert.deepEqual(outcomeOf(answer(439), outbound), { kind: 'again', expiresSec: 600, isOutbound: false })
  })

  it('ask for nothing that we can do', () => {
    for (const [response, given] of [
      [answer(423), asked],
      [answer(423, 'Min-Expires', '600'), asked],
      [answer(423, 'Min-Expires', '4294967295'), asked],
      [answer(439), asked],
    ] as const)
      assert.equal(outcomeOf(response, given).kind, 'failed')
  })

  it('say why, without a word of the peer, and whether asking again soon is of use', () => {
    for (const [response, why, isRefusal] of [
      [answer(403), '403 Forbidden', true],
      [answer(401), '401 Unauthorized', true],
      [answer(603), '603 Decline', true],
      [answer(302), '302 Moved Temporarily', true],
      [answer(480), '480 Temporarily Unavailable', false],
      [answer(500), '500 Server Internal Error', false],
      [answer(477), '477', true],
      [local(408), 'the registrar did not answer', false],
      [local(503), 'the registrar cannot be reached', false],
    ] as const)
      assert.deepEqual(outcomeOf(response, asked), {
        kind: 'failed',
        why,
        isRefusal,
        retryAfterMs: undefined,
      })
  })
})

describe('waits', () => {
  const failure = (isRefusal: boolean, retryAfterMs?: number): Outcome & { kind: 'failed' } => ({
    kind: 'failed',
    why: '',
    isRefusal,
    retryAfterMs,
  })

  it('refresh in the last fifth of the time, with room for a time-out', () => {
    assert.equal(refreshDelayMs(3600, 1), 3_565_000)
    assert.equal(refreshDelayMs(3600, 0), 2_852_000)
    assert.equal(refreshDelayMs(60, 1), 45_000)
    assert.equal(refreshDelayMs(60, 0), 36_000)
    assert.equal(refreshDelayMs(1, 0), 1_000)
  })

  it('double from 30 s up to half an hour, half of it by chance (RFC 5626 §4.5)', () => {
    assert.deepEqual(
      [1, 2, 3, 6, 7, 100].map((n) => backOffMs(n, 1) / 1000),
      [30, 60, 120, 960, 1800, 1800],
    )
    assert.equal(backOffMs(1, 0), 15_000)
  })

  it('are half an hour after a refusal, and what the registrar asks for where it does', () => {
    assert.equal(retryDelayMs(failure(true), 1, 1), 1_800_000)
    assert.equal(retryDelayMs(failure(false), 1, 1), 30_000)
    assert.equal(retryDelayMs(failure(false, 300_000), 9, 0), 300_000)
    assert.equal(retryDelayMs(failure(true, 5_000), 1, 1), 35_000)
    assert.equal(retryDelayMs(failure(false, 1e12), 1, 0), 604_800_000)
    assert.equal(retryDelayMs(failure(false, 0), 1, 1), 30_000)
  })
})
