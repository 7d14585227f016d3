import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { MediaErrorCode } from '@maskline/media'
import type { IncomingRequest } from '@maskline/sip'
import { type Bench, openBench, SDP, settle, type Stage } from './call-test-kit.ts'

async function assertEnded(bench: Bench, releaseCode: number, toCaller: string): Promise<void> {
  await settle()
  assert.equal(bench.ended()?.releaseCode, releaseCode)
  assert.deepEqual(bench.toCaller, [toCaller])
  assert.equal(bench.controller.activeCalls, 0)
  assert.equal(bench.time.pending(), 0, 'no timer is left behind')
}

describe('a call whose media fails', () => {
  test('is refused with 503 and Retry-After, 522, when no port is free', async () => {
    await assertEnded(openBench({ fail: { open: 'NO_PORTS' } }), 522, '503 Retry-After')
  })
  test('is refused the same way while the engine starts anew', async () => {
    await assertEnded(openBench({ fail: { open: 'ENGINE_DOWN' } }), 522, '503 Retry-After')
  })
  test('is refused with 488 when the caller’s SDP cannot be used', async () => {
    await assertEnded(openBench({ fail: { offer: 'BAD_SDP' } }), 8020, '488')
  })
  test('is refused with 500 when the engine is closed under it, instead of hanging', async () => {
    await assertEnded(openBench({ fail: { open: 'CLOSED' } }), 8020, '500')
  })
  test('is refused with 500 on a bug in media', async () => {
    const bench = openBench({ fail: { offer: 'bug' } })
    await assertEnded(bench, 8020, '500')
    assert.equal(bench.faults.length, 1)
    assert.deepEqual(bench.media.log, ['open', 'offer', 'close'])
  })
  test('is ended after five seconds when media never gets ready, and closes media that comes later', async () => {
    let open!: () => void
    const bench = openBench({ wait: { open: new Promise((resolve) => (open = resolve)) } })
    await settle()
    bench.time.advance(5_000)
    await assertEnded(bench, 8020, '500')
    open()
    await settle()
    assert.deepEqual(bench.media.log, ['open', 'close'])
  })
  test('hears the refusal at once when the announcement cannot be played', async () => {
    await assertEnded(openBench({ bound: false, fail: { answerLocally: 'NO_COMMON_CODEC' } }), 8014, '404 1')
  })
  test('hears the refusal when the announcement never ends', async () => {
    const bench = openBench({ bound: false })
    await settle()
    assert.deepEqual(bench.toCaller, ['183 SDP'])
    bench.time.advance(5 * 60_000)
    await settle()
    assert.deepEqual(bench.toCaller, ['183 SDP', '404 1'])
    assert.equal(bench.ended()?.releaseCode, 8014)
  })
  test('releases the callee that answered when its SDP cannot be used', async () => {
    const bench = openBench({ fail: { answer: 'BAD_SDP' } })
    await settle()
    bench.calleeSays(200)
    await assertEnded(bench, 8020, '488 41')
    assert.deepEqual(bench.toCallee, ['INVITE', 'ACK', 'BYE'])
  })
})

describe('a fault inside the platform', () => {
  test('in the lookup ends the call with 500 and tells nobody, for no app is known', async () => {
    const bench = openBench({ lookup: () => Promise.reject(new Error('the database is gone')) })
    await settle()
    assert.deepEqual(bench.toCaller, ['500'])
    assert.deepEqual(bench.events(), [])
    assert.equal(bench.controller.activeCalls, 0)
  })
  test('in the SIP stack ends the call with 500', async () => {
    const bench = openBench({ inviteThrows: true })
    await settle()
    assert.equal(bench.ended()?.releaseCode, 8020)
    assert.deepEqual(bench.toCaller, ['500 41'])
    assert.equal(bench.controller.activeCalls, 0)
  })
  test('in telling the end still frees the call', async () => {
    const bench = openBench({ journalThrowsOn: 'disconnect' })
    await settle()
    bench.calleeSays(486)
    await settle()
    assert.equal(bench.controller.activeCalls, 0)
    assert.equal(bench.media.log.at(-1), 'close')
  })
})

describe('crossing messages', () => {
  test('CANCEL while the callee’s 200 waits for media: the callee gets ACK and BYE, the caller no 200', async () => {
    let answer!: () => void
    const bench = openBench({ wait: { answer: new Promise((resolve) => (answer = resolve)) } })
    await settle()
    bench.calleeSays(200)
    bench.caller.handlers.onCancel(bench.caller, bench.caller.request)
    answer()
    await settle()
    assert.deepEqual(bench.toCallee, ['INVITE', 'ACK', 'BYE'])
    assert.equal(bench.controller.activeCalls, 0)
  })
  test('CANCEL during the lookup: callin and disconnect 7516, no callee', async () => {
    const bench = openBench()
    bench.caller.handlers.onCancel(bench.caller, bench.caller.request)
    await settle()
    assert.deepEqual(bench.events(), ['callin', 'disconnect'])
    assert.equal(bench.ended()?.releaseCode, 7516)
    assert.deepEqual(bench.toCallee, [])
  })
  test('a callee that answers after the connection time-out stays released', async () => {
    const bench = openBench()
    await settle()
    bench.time.advance(90_000)
    bench.calleeSays(487)
    await settle()
    assert.deepEqual(bench.toCallee, ['INVITE', 'CANCEL'])
    assert.deepEqual(bench.toCaller, ['480 19'])
    assert.equal(bench.facts.filter((fact) => fact.event === 'disconnect').length, 1)
  })
})

describe('a re-INVITE', () => {
  const talking = async (fail: Partial<Record<Stage, MediaErrorCode>> = {}): Promise<Bench> => {
    const bench = openBench({ fail })
    await settle()
    bench.calleeSays(200)
    await settle()
    return bench
  }
  const request = (answers: number[], body: Uint8Array = SDP): IncomingRequest => ({
    request: { kind: 'request', method: 'INVITE', uri: 'sip:x', headers: [], body },
    source: { address: '192.0.2.5', port: 5060, transport: 'udp' },
    respond: (status) => void answers.push(status),
  })

  for (const [status, relayed] of [
    [488, 488],
    [491, 491],
    [401, 488],
    [302, 488],
    [481, 488],
  ] as const)
    test(`refused with ${status} by the other side is refused with ${relayed}, and the call goes on`, async () => {
      const bench = await talking()
      const answers: number[] = []
      bench.caller.handlers.onReinvite(bench.caller, request(answers))
      await settle()
      bench.answerReinvite({ kind: 'response', status, reason: '', headers: [], body: Buffer.alloc(0) })
      await settle()
      assert.deepEqual(answers, [relayed])
      assert.equal(bench.controller.activeCalls, 1)
    })

  test('without an offer, whose ACK brings no answer, is still acknowledged to the other side', async () => {
    const bench = await talking()
    const answers: number[] = []
    bench.caller.handlers.onReinvite(bench.caller, request(answers, Buffer.alloc(0)))
    await settle()
    bench.answerReinvite({ kind: 'response', status: 200, reason: '', headers: [], body: SDP })
    await settle()
    assert.deepEqual(answers, [200])
    const ack = { ...request([]).request, method: 'ACK', body: Buffer.alloc(0) }
    bench.caller.handlers.onReinviteAck!(bench.caller, ack)
    await settle()
    assert.deepEqual(bench.toCallee, ['INVITE', 'ACK', 'INVITE', 'ACK'])
  })

  test('taken back by its CANCEL is taken back on the other side', async () => {
    const bench = await talking()
    const offered = request([])
    bench.caller.handlers.onReinvite(bench.caller, offered)
    await settle()
    bench.caller.handlers.onReinviteCancelled!(bench.caller, offered)
    assert.deepEqual(bench.toCallee, ['INVITE', 'ACK', 'INVITE', 'CANCEL'])
  })

  test('as an UPDATE is relayed the same way (RFC 3311 §5)', async () => {
    const bench = await talking()
    const answers: number[] = []
    bench.caller.handlers.onUpdate!(bench.caller, request(answers))
    await settle()
    assert.deepEqual(bench.toCallee, ['INVITE', 'ACK', 'INVITE'])
    bench.answerReinvite({ kind: 'response', status: 200, reason: '', headers: [], body: SDP })
    await settle()
    assert.deepEqual(answers, [200])
  })

  test('that refreshes a session carries the SDP that the leg has (RFC 4028 §7.4)', async () => {
    const bench = openBench()
    assert.equal(bench.caller.handlers.sessionOffer!(bench.caller), undefined)
    await settle()
    bench.calleeSays(200)
    await settle()
    assert.ok(bench.caller.handlers.sessionOffer!(bench.caller)!.length > 0)
  })

  test('before the call is up is answered 491', async () => {
    const bench = openBench()
    await settle()
    const answers: number[] = []
    bench.caller.handlers.onReinvite(bench.caller, request(answers))
    assert.deepEqual(answers, [491])
  })
})
