import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { endpointAnswer, endpointOffer } from '@maskline/media'
import { header, type SipRequest, type SipResponse, tagOf } from '@maskline/sip'
import { openWire, PARTY, type Wire } from './wire-test-kit.ts'

/** What is offered, answered and acknowledged before the callee has answered. */
const TAKES_PRACK = ['Supported', '100rel']
const text = (message: SipRequest | SipResponse): string => Buffer.from(message.body).toString()
const reliable = (rseq: number): string[] => ['Require', '100rel', 'RSeq', `${rseq}`]
const isReliable = (message: SipResponse): boolean => /100rel/.test(header(message, 'Require') ?? '')

async function ring(t: TestContext, callerHeaders: readonly string[], body?: Uint8Array) {
  const wire = await openWire(t)
  wire.invite({ headers: callerHeaders, ...(body && { body }) })
  const invite = await wire.callee.gets<SipRequest>('INVITE')
  return { wire, invite }
}

function acknowledge(wire: Wire, early: SipResponse, body?: Uint8Array): void {
  const rack = `${header(early, 'RSeq')} 1 INVITE`
  wire.caller.asks(early, 'PRACK', { headers: ['RAck', rack], ...(body && { body }) })
}

/** The callee answers; the SDP being exchanged, neither 200 nor ACK has any; the caller hangs up, and nothing went wrong. */
async function endsAnswered(wire: Wire, invite: SipRequest, fork?: string): Promise<void> {
  wire.callee.says(invite, 200, fork === undefined ? {} : { fork })
  const answer = await wire.caller.gets<SipResponse>('200 INVITE')
  assert.equal(answer.body.length, 0)
  assert.equal((await wire.callee.gets<SipRequest>('ACK')).body.length, 0)
  wire.caller.asks(answer, 'ACK')
  wire.caller.asks(answer, 'BYE')
  assert.equal((await wire.ended()).releaseCode, 0)
  assert.deepEqual(wire.faults, [])
}

describe('a reliable response of the callee', () => {
  for (const [title, headers, expected] of [
    ['takes them', TAKES_PRACK, true],
    ['does not', [], false],
  ] as const)
    test(`without SDP is acknowledged, and goes to a caller who ${title}`, async (t) => {
      const { wire, invite } = await ring(t, headers, endpointOffer(PARTY))
      assert.match(header(invite, 'Supported') ?? '', /100rel/)
      wire.callee.says(invite, 180, { headers: reliable(7) })
      const prack = await wire.callee.gets<SipRequest>('PRACK')
      assert.equal(header(prack, 'RAck'), `7 ${header(invite, 'CSeq')}`)
      assert.equal(isReliable(await wire.caller.gets<SipResponse>('180 INVITE')), expected)
    })

  test('that makes the offer gets the answer of the caller’s PRACK in its own; the 200s have no SDP', async (t) => {
    const { wire, invite } = await ring(t, TAKES_PRACK)
    assert.equal(invite.body.length, 0)
    wire.callee.says(invite, 183, { headers: reliable(1), body: endpointOffer(PARTY) })
    const early = await wire.caller.gets<SipResponse>('183 INVITE')
    assert.ok(isReliable(early) && text(early).includes('m=audio'))
    assert.equal(wire.callee.count('PRACK'), 0, 'it waits for the caller')
    acknowledge(wire, early, endpointAnswer(early.body, PARTY).sdp)
    const prack = await wire.callee.gets<SipRequest>('PRACK')
    assert.match(text(prack), /m=audio/)
    assert.ok(!text(prack).includes(':40000'))
    wire.callee.says(prack, 200)
    await wire.caller.gets('200 PRACK')
    await endsAnswered(wire, invite)
  })

  test('is not asked for where the caller could not answer an offer in it: that comes in the 200', async (t) => {
    const { wire, invite } = await ring(t, [])
    assert.doesNotMatch(header(invite, 'Supported') ?? '', /100rel/)
    wire.callee.says(invite, 200, { body: endpointOffer(PARTY) })
    const answer = await wire.caller.gets<SipResponse>('200 INVITE')
    wire.caller.asks(answer, 'ACK', { body: endpointAnswer(answer.body, PARTY).sdp })
    assert.match(text(await wire.callee.gets<SipRequest>('ACK')), /m=audio/)
    assert.deepEqual(wire.faults, [])
  })
})

describe('reliable offers of several forks', () => {
  /** Two phones offer in a reliable 183; the second before the caller's PRACK, or behind it. */
  async function forked(t: TestContext, isBehind: boolean) {
    const { wire, invite } = await ring(t, TAKES_PRACK)
    const offers = (fork: string, port: number): void =>
      wire.callee.says(invite, 183, {
        fork,
        headers: reliable(1),
        body: endpointOffer({ ...PARTY, port }),
      })
    offers('one', 40_000)
    const early = await wire.caller.gets<SipResponse>('183 INVITE')
    if (!isBehind) offers('two', 40_002)
    acknowledge(wire, early, endpointAnswer(early.body, PARTY).sdp)
    await wire.caller.gets('200 PRACK')
    if (isBehind) offers('two', 40_002)
    const pracks = [await wire.callee.gets<SipRequest>('PRACK'), await wire.callee.gets<SipRequest>('PRACK')]
    for (const prack of pracks) wire.callee.says(prack, 200)
    return { wire, invite, pracks }
  }

  for (const [title, isBehind] of [
    ['before', false],
    ['behind', true],
  ] as const)
    test(`are each answered in a PRACK, also ${title} that of the caller; the one that answers the call needs no more`, async (t) => {
      const { wire, invite, pracks } = await forked(t, isBehind)
      for (const [i, fork] of ['one', 'two'].entries()) {
        assert.equal(tagOf(header(pracks[i]!, 'To')!), fork)
        assert.match(text(pracks[i]!), /m=audio/)
      }
      assert.equal(wire.callee.count('PRACK'), 2)
      await endsAnswered(wire, invite, 'two')
    })

  test('leave the call as it is when one repeats its SDP, ends, or cannot be used', async (t) => {
    const { wire, invite } = await forked(t, true)
    const more = endpointOffer({ ...PARTY })
    wire.callee.says(invite, 183, { fork: 'one', headers: reliable(2), body: more })
    wire.callee.says(await wire.callee.gets<SipRequest>('PRACK'), 200, { fork: 'one' })
    wire.callee.says(invite, 183, { fork: 'three', headers: reliable(1), body: Buffer.from('v=1') })
    wire.callee.says(invite, 199, { fork: 'one' })
    wire.callee.says(invite, 200, { fork: 'two' })
    await wire.caller.gets('200 INVITE')
    await wire.callee.gets('ACK')
    assert.equal(wire.callee.count('PRACK'), 3)
    assert.deepEqual(wire.faults, [])
  })

  test('and the offer in the 200 of another before the PRACK: the answer goes there', async (t) => {
    const { wire, invite } = await ring(t, TAKES_PRACK)
    wire.callee.says(invite, 183, { fork: 'one', headers: reliable(1), body: endpointOffer(PARTY) })
    const early = await wire.caller.gets<SipResponse>('183 INVITE')
    wire.callee.says(invite, 200, { fork: 'two', body: endpointOffer({ ...PARTY, port: 40_002 }) })
    acknowledge(wire, early, endpointAnswer(early.body, PARTY).sdp)
    await wire.caller.gets('200 PRACK')
    assert.equal((await wire.caller.gets<SipResponse>('200 INVITE')).body.length, 0)
    const ack = await wire.callee.gets<SipRequest>('ACK')
    assert.equal(tagOf(header(ack, 'To')!), 'two')
    assert.match(text(ack), /m=audio/)
    assert.deepEqual(wire.faults, [])
  })
})

for (const first of ['PRACK', 'the next response'])
  test(`SDP in a reliable response is in none that follows, also when ${first} comes first`, async (t) => {
    const { wire, invite } = await ring(t, TAKES_PRACK, endpointOffer(PARTY))
    wire.callee.says(invite, 183, { body: endpointAnswer(invite.body, PARTY).sdp })
    const early = await wire.caller.gets<SipResponse>('183 INVITE')
    assert.ok(isReliable(early) && text(early).includes('m=audio'))
    if (first === 'PRACK') {
      acknowledge(wire, early)
      await wire.caller.gets('200 PRACK')
    }
    wire.callee.says(invite, 180)
    const ringing = await wire.caller.gets<SipResponse>('180 INVITE')
    assert.deepEqual([ringing.body.length, isReliable(ringing)], [0, false])
    if (first !== 'PRACK') acknowledge(wire, early)
    wire.callee.says(invite, 200, { body: endpointAnswer(invite.body, PARTY).sdp })
    const answer = await wire.caller.gets<SipResponse>('200 INVITE')
    assert.equal(answer.body.length, 0)
    assert.deepEqual(wire.faults, [])
  })

test('SDP in an unreliable response is repeated in the 200, which alone counts (RFC 3264)', async (t) => {
  const { wire, invite } = await ring(t, [], endpointOffer(PARTY))
  wire.callee.says(invite, 183, { body: endpointAnswer(invite.body, PARTY).sdp })
  const early = await wire.caller.gets<SipResponse>('183 INVITE')
  wire.callee.says(invite, 180)
  assert.equal(text(await wire.caller.gets<SipResponse>('180 INVITE')), text(early))
  wire.callee.says(invite, 200, { body: endpointAnswer(invite.body, PARTY).sdp })
  assert.equal(text(await wire.caller.gets<SipResponse>('200 INVITE')), text(early))
})

describe('an offer before the answer (RFC 3311)', () => {
  async function early(t: TestContext) {
    const { wire, invite } = await ring(t, TAKES_PRACK, endpointOffer(PARTY))
    wire.callee.says(invite, 183, {
      fork: 'one',
      headers: reliable(1),
      body: endpointAnswer(invite.body, PARTY).sdp,
    })
    const prack = await wire.callee.gets<SipRequest>('PRACK')
    wire.callee.says(prack, 200, { fork: 'one' })
    const progress = await wire.caller.gets<SipResponse>('183 INVITE')
    acknowledge(wire, progress)
    await wire.caller.gets('200 PRACK')
    return { wire, invite, progress }
  }

  test('of the caller is answered by us, and its 200 has no SDP any more', async (t) => {
    const { wire, invite, progress } = await early(t)
    wire.caller.asks(progress, 'UPDATE', {
      body: endpointOffer({ ...PARTY, direction: 'sendonly', version: 2 }),
    })
    assert.match(text(await wire.caller.gets<SipResponse>('200 UPDATE')), /a=recvonly/)
    assert.equal(wire.callee.count('UPDATE'), 0)
    wire.callee.says(invite, 200, { fork: 'one' })
    assert.equal((await wire.caller.gets<SipResponse>('200 INVITE')).body.length, 0)
    assert.deepEqual(wire.faults, [])
  })

  test('of the fork that is heard is answered by us, that of another is refused', async (t) => {
    const { wire, invite } = await early(t)
    const moved = endpointOffer({ ...PARTY, port: 40_002, version: 2 })
    wire.callee.asksOf(invite, 'UPDATE', { fork: 'one', body: moved })
    assert.match(text(await wire.callee.gets<SipResponse>('200 UPDATE')), /m=audio/)
    wire.callee.says(invite, 183, {
      fork: 'two',
      headers: reliable(1),
      body: endpointAnswer(invite.body, PARTY).sdp,
    })
    wire.callee.says(await wire.callee.gets<SipRequest>('PRACK'), 200, { fork: 'two' })
    wire.callee.asksOf(invite, 'UPDATE', { fork: 'two', body: moved })
    await wire.callee.gets('488 UPDATE')
    assert.equal(wire.caller.count('UPDATE'), 0)
    assert.deepEqual(wire.faults, [])
  })

  test('of the caller in its PRACK is answered there', async (t) => {
    const { wire, invite } = await ring(t, TAKES_PRACK, endpointOffer(PARTY))
    wire.callee.says(invite, 183, { body: endpointAnswer(invite.body, PARTY).sdp })
    const progress = await wire.caller.gets<SipResponse>('183 INVITE')
    acknowledge(wire, progress, endpointOffer({ ...PARTY, direction: 'inactive', version: 2 }))
    assert.match(text(await wire.caller.gets<SipResponse>('200 PRACK')), /a=inactive/)
    assert.deepEqual(wire.faults, [])
  })
})
