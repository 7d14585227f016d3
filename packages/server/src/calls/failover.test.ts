import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { endpointAnswer, endpointOffer } from '@maskline/media'
import type { SipRequest } from '@maskline/sip'
import { APP, type Bench, type BenchOptions, NONE, openBench, settle, wayOver } from './call-test-kit.ts'
import { openWire, PARTY } from './wire-test-kit.ts'

const SILENT_PORT = 5063

/** A call with a first and a second way. */
async function twoWays(options: BenchOptions & { readonly first?: object; readonly second?: object } = {}) {
  const bench = openBench({
    ...options,
    ways: (told) => [wayOver('one', told, options.first), wayOver('two', told, options.second)],
  })
  await settle()
  return bench
}
const fails = async (bench: Bench, status: number): Promise<void> => {
  bench.calleeSays(status, { headers: ['Via', 'x'] })
  await settle()
}

describe('a callee leg that fails', () => {
  for (const status of [408, 500, 502, 503, 504])
    test(`with ${status} before anything but 100 is tried over the next way, and only that one is told of`, async () => {
      const bench = await twoWays()
      bench.calleeSays(100)
      await fails(bench, status)
      assert.deepEqual(bench.toCallee, ['INVITE', 'INVITE'])
      bench.calleeSays(180)
      bench.calleeSays(200)
      await settle()
      bench.hangsUp()
      await settle()
      assert.deepEqual(bench.events(), ['callin', 'callout', 'alerting', 'answer', 'disconnect'])
      assert.equal(bench.ended()?.releaseCode, 0)
      assert.deepEqual(bench.dialled(), ['one', 'two'])
    })

  for (const status of [403, 404, 480, 486, 488, 501, 600, 603])
    test(`with ${status} has been answered by the callee’s side: no other way`, async () => {
      const bench = await twoWays()
      await fails(bench, status)
      assert.deepEqual(bench.dialled(), ['one'])
      assert.equal(bench.ended()?.sipStatus, status)
    })

  for (const heard of [180, 183, 181])
    test(`after ${heard} may have rung: no other way`, async () => {
      const bench = await twoWays()
      bench.calleeSays(heard, { body: NONE })
      await fails(bench, 503)
      assert.deepEqual(bench.dialled(), ['one'])
      assert.equal(bench.ended()?.sipStatus, 503)
    })

  test('for want of any transport is tried over the next way', async () => {
    const bench = await twoWays()
    bench.calleeIsLost(503)
    await settle()
    assert.deepEqual(bench.dialled(), ['one', 'two'])
  })

  test('that was given up after it had rung for long is not tried again', async () => {
    const bench = await twoWays()
    bench.calleeSays(180, { body: NONE })
    bench.calleeIsLost(408)
    await settle()
    assert.deepEqual(bench.dialled(), ['one'])
    assert.equal(bench.ended()?.releaseCode, 8101)
  })

  test('everywhere: the last failure decides, by the table of its own trunk', async () => {
    const bench = await twoWays({
      first: { releaseCodes: { byStatus: { 503: 8105 } } },
      second: { releaseCodes: { byStatus: { 500: 8104 } } },
    })
    await fails(bench, 503)
    await fails(bench, 500)
    assert.deepEqual(bench.ended(), { at: 1_000_000, releaseCode: 8104, q850: 41, sipStatus: 500 })
    assert.deepEqual(bench.toCaller, ['480 20'])
    assert.equal(bench.time.pending(), 0)
  })
})

describe('a first way that says nothing at all', () => {
  test('has `answerWithinMs` at each of its addresses, and the last way all the time there is', async () => {
    const bench = await twoWays({ first: { answerWithinMs: 1_500 } })
    bench.calleeIsLost(408)
    await settle()
    assert.deepEqual(bench.dialled(), ['one', 'two'])
    assert.deepEqual(
      bench.invites.map(({ silence }) => silence),
      [
        { limitMs: 1_500, atLastHop: true },
        { limitMs: 4_000, atLastHop: false },
      ],
    )
    assert.deepEqual(bench.channels.slice(0, 3), ['one taken', 'one silent', 'one free'])
    bench.time.advance(90_000)
    assert.equal(bench.ended()?.releaseCode, 8035, 'all tries together have the time of one connection')
  })

  test('is left, and what comes of it later is ended and concerns no call', async (t) => {
    const wire = await openWire(t, { before: [SILENT_PORT], way: { answerWithinMs: 10 } })
    const silent = wire.serverAt(SILENT_PORT)
    wire.invite({ body: endpointOffer(PARTY) })
    const late = await silent.gets<SipRequest>('INVITE')
    const invite = await wire.callee.gets<SipRequest>('INVITE')
    silent.says(late, 200, { body: endpointAnswer(late.body, PARTY).sdp })
    await silent.gets('ACK')
    await silent.gets('BYE')
    wire.callee.says(invite, 486)
    assert.equal((await wire.ended()).sipStatus, 486)
    assert.deepEqual(
      wire.facts.map(({ event }) => event),
      ['callin', 'callout', 'disconnect'],
    )
    assert.equal(wire.caller.count('200 INVITE'), 0)
  })

  test('whose caller gives up meanwhile leads nowhere else', async () => {
    const bench = await twoWays()
    bench.cancels()
    await settle()
    bench.time.advance(4_000)
    bench.calleeIsLost(408)
    await settle()
    assert.deepEqual(bench.dialled(), ['one'])
    assert.equal(bench.ended()?.releaseCode, 7501)
  })

  test('whose caller gives up between two ways: the second is cancelled as it begins', async () => {
    const bench = await twoWays()
    bench.calleeSays(503, { headers: ['Via', 'x'] })
    bench.cancels()
    await settle()
    assert.deepEqual(bench.toCallee, ['INVITE', 'INVITE', 'CANCEL'])
    assert.equal(bench.ended()?.releaseCode, 7501)
    assert.deepEqual(bench.channels.slice(-2), ['two free', 'in free'])
  })
})

describe('channels', () => {
  /** What was taken and not given back; throws when something is given back twice. */
  function held(told: readonly string[]): string[] {
    const names = new Set<string>(['in'])
    for (const line of told) {
      const [name = '', what] = line.split(' ')
      if (what === 'taken') names.add(name)
      if (what === 'free') assert.ok(names.delete(name), `${name} was given back twice`)
    }
    return [...names]
  }

  test('a full trunk is passed over; when all are full the caller gets 503 with Retry-After, 522', async () => {
    const passed = await twoWays({ first: { full: true } })
    assert.deepEqual(passed.dialled(), ['two'])
    const full = await twoWays({ first: { full: true }, second: { full: true } })
    assert.deepEqual(full.dialled(), [])
    assert.deepEqual(full.toCaller, ['503 Retry-After'])
    assert.deepEqual([full.ended()?.releaseCode, full.ended()?.sipStatus], [522, 503])
    assert.deepEqual(held(full.channels), [])
  })

  test('nobody leads to the callee: 8103', async () => {
    const bench = openBench({ ways: () => [] })
    await settle()
    assert.equal(bench.ended()?.releaseCode, 8103)
    assert.deepEqual(bench.toCaller, ['480'])
  })

  test('a failed first way is free before the second is taken', async () => {
    const bench = await twoWays()
    await fails(bench, 503)
    assert.deepEqual(bench.channels, ['one taken', 'one 503', 'one free', 'two taken'])
    assert.deepEqual(held(bench.channels), ['in', 'two'])
  })

  test('a way is told once how each INVITE fared, and not by 100', async () => {
    const bench = await twoWays()
    bench.calleeSays(100)
    await fails(bench, 503)
    bench.calleeSays(100)
    bench.calleeSays(180)
    bench.calleeSays(183)
    bench.calleeSays(200)
    await settle()
    assert.deepEqual(bench.channels, ['one taken', 'one 503', 'one free', 'two taken', 'two 180'])
    const silent = await twoWays()
    silent.calleeSays(100)
    silent.calleeIsLost(408)
    await settle()
    assert.deepEqual(silent.channels.slice(0, 3), ['one taken', 'one free', 'two taken'])
  })

  test('a second way that turns out full ends the call with the first failure', async () => {
    const bench = await twoWays({
      first: { releaseCodes: { byStatus: { 503: 8105 } } },
      second: { full: true },
    })
    await fails(bench, 503)
    assert.equal(bench.ended()?.releaseCode, 8105)
    assert.deepEqual(held(bench.channels), [])
  })

  /** Every end of a call gives both channels back, once. */
  const ends: readonly (readonly [title: string, options: BenchOptions, run: (bench: Bench) => unknown])[] = [
    ['the caller hangs up', {}, (b) => (b.calleeSays(200), settle().then(() => b.hangsUp()))],
    ['the callee hangs up', {}, (b) => (b.calleeSays(200), settle().then(() => b.calleeHangsUp()))],
    ['the caller cancels', {}, (b) => b.cancels()],
    ['the callee is busy', {}, (b) => b.calleeSays(486)],
    ['the connection takes too long', {}, (b) => b.time.advance(90_000)],
    ['the customer ends it', {}, (b) => b.controller.terminate(APP.key, b.sessionId())],
    ['the INVITE cannot be sent', { inviteThrows: true }, () => {}],
    ['media fails', { fail: { offer: 'BAD_SDP' } }, () => {}],
    ['there is no port', { fail: { open: 'NO_PORTS' } }, () => {}],
    ['nobody is bound', { bound: false, files: [] }, () => {}],
    ['the lookup fails', { lookup: () => Promise.reject(new Error('gone')) }, () => {}],
  ]
  for (const [title, options, run] of ends)
    test(`are given back when ${title}`, async () => {
      const bench = openBench({ ...options, ways: (told) => [wayOver('one', told)] })
      await settle()
      await run(bench)
      await settle()
      assert.equal(bench.controller.activeCalls, 0)
      assert.deepEqual(held(bench.channels), [])
    })

  test('are given back when the caller cancels while media gets ready', async () => {
    let open!: () => void
    const bench = openBench({
      wait: { open: new Promise((resolve) => (open = resolve)) },
      ways: (told) => [wayOver('one', told)],
    })
    await settle()
    bench.cancels()
    open()
    await settle()
    assert.deepEqual(held(bench.channels), [])
    assert.equal(bench.controller.activeCalls, 0)
  })

  test('are given back when what was dialled is no number', async () => {
    const bench = openBench({ dialled: 'sip:alice@192.0.2.1' })
    await settle()
    assert.deepEqual(bench.toCaller, ['404'])
    assert.deepEqual(held(bench.channels), [])
  })
})

test('codecs of a trunk are all that its leg is offered, in its order', async () => {
  const sdp = Buffer.from(
    'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 30000 RTP/AVP 0 8 18 101\r\na=rtpmap:101 telephone-event/8000\r\n',
  )
  const bench = await twoWays({ first: { codecs: ['PCMA', 'PCMU'] }, second: { codecs: ['G729'] }, sdp })
  assert.match(bench.offers()[0]!, /m=audio 30000 RTP\/AVP 8 0 101\r\n/)
  await fails(bench, 503)
  assert.match(bench.offers()[1]!, /m=audio 30000 RTP\/AVP 18 101\r\n/)
  const none = openBench({ ways: (told) => [wayOver('one', told, { codecs: ['AMR'] })], sdp })
  await settle()
  assert.deepEqual(none.toCaller, ['488'])
})

describe('a trunk that has no codec in common with the caller', () => {
  const sdp = Buffer.from('v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 30000 RTP/AVP 8 0\r\n')
  const ways = (...codecs: string[]) =>
    openBench({
      sdp,
      ways: (told) => ['one', 'two', 'three'].map((name, i) => wayOver(name, told, { codecs: [codecs[i]!] })),
    })

  test('is passed over, first or later, and its channel is free', async () => {
    const first = ways('AMR', 'PCMA', 'PCMA')
    await settle()
    assert.deepEqual(first.dialled(), ['two'])
    assert.match(first.offers()[0]!, /m=audio 30000 RTP\/AVP 8\r\n/)
    assert.deepEqual(first.channels, ['one taken', 'one free', 'two taken'])
    const later = ways('PCMA', 'AMR', 'PCMU')
    await settle()
    await fails(later, 503)
    assert.deepEqual(later.dialled(), ['one', 'three'])
    assert.deepEqual(later.channels.slice(-3), ['two taken', 'two free', 'three taken'])
  })

  test('is no failure while another failed before it: that one decides', async () => {
    const bench = ways('PCMA', 'AMR', 'AMR')
    await settle()
    await fails(bench, 503)
    assert.deepEqual(bench.dialled(), ['one'])
    assert.equal(bench.ended()?.sipStatus, 503)
    assert.equal(bench.channels.at(-2), 'three free')
  })

  test('fails the call with 488, 8020, when all are such', async () => {
    const bench = ways('AMR', 'AMR', 'AMR')
    await settle()
    assert.deepEqual(bench.dialled(), [])
    assert.deepEqual(bench.toCaller, ['488'])
    assert.equal(bench.ended()?.releaseCode, 8020)
    assert.equal(bench.channels.filter((told) => told.endsWith(' free')).length, 4)
  })
})
