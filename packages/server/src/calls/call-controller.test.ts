import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Ask, Connect, Memo } from '../bindings/route.ts'
import { APP, type Bench, CONNECT, openBench, REFUSE, settle, SUBJECT } from './call-test-kit.ts'

/** What the controller's calls share: stops by order, keys that exclude, questions to customers, memos. */
describe('a stop by the customer’s order', () => {
  const stop = async (bench: Bench): Promise<boolean> => {
    const stopped = bench.controller.terminate('k', bench.sessionId())
    await settle()
    return stopped
  }

  test('[call.terminate.talk] [call.terminate.second] [codes.8017] releases both legs; a second one finds nothing', async () => {
    const bench = openBench()
    await settle()
    bench.calleeSays(200)
    await settle()
    assert.equal(await stop(bench), true)
    assert.deepEqual(bench.toCaller, ['200', 'BYE 31'])
    assert.deepEqual(bench.toCallee, ['INVITE', 'ACK', 'BYE'])
    assert.equal(bench.ended()?.releaseCode, 8017)
    assert.equal(await stop(bench), false)
  })

  test('[call.terminate.ringing] cancels a callee that rings and refuses the caller', async () => {
    const bench = openBench()
    await settle()
    bench.calleeSays(180)
    assert.equal(await stop(bench), true)
    assert.deepEqual(bench.toCaller, ['180', '480 31'])
    assert.deepEqual(bench.toCallee, ['INVITE', 'CANCEL'])
    assert.equal(bench.ended()?.releaseCode, 8017)
  })

  test('[call.terminate.announcement] cuts an announcement', async () => {
    const bench = openBench({ decide: { ...REFUSE, tone: 'sorry.wav' } })
    await settle()
    assert.equal(await stop(bench), true)
    assert.deepEqual(bench.toCaller, ['183 SDP', '404 1'])
    assert.equal(bench.ended()?.releaseCode, 8017)
    assert.equal(bench.controller.activeCalls, 0)
  })

  test('[call.terminate.unknown] of another app, or of no call, finds nothing', async () => {
    const bench = openBench()
    await settle()
    assert.equal(bench.controller.terminate('other', bench.sessionId()), false)
    assert.equal(bench.controller.terminate('k', 'no such call'), false)
    assert.equal(bench.controller.activeCalls, 1)
  })
})

describe('a call that excludes others', () => {
  const busy = { ...REFUSE, releaseCode: 8102, sipStatus: 486, tone: 'busy.wav' }
  const exclusive: Connect = { ...CONNECT, exclusive: { key: 'ax:x', busy } }
  const second = async (bench: Bench): Promise<string[]> => {
    const log: string[] = []
    bench.dial(log)
    await settle()
    return log
  }

  test('[call.exclusive.busy] [codes.sip.busy.183] keeps the next one out, with the busy tone, 486 and cause 17', async () => {
    const bench = openBench({ decide: exclusive })
    await settle()
    const log = await second(bench)
    assert.deepEqual(log, ['183 SDP'])
    bench.media.toneEnds('a')
    await settle()
    assert.deepEqual(log, ['183 SDP', '486 17'])
    assert.equal(bench.ended()?.releaseCode, 8102)
    assert.equal(bench.controller.activeCalls, 1)
  })

  for (const [how, end] of [
    ['hangs up', (bench: Bench) => bench.cancels()],
    ['is refused by the callee', (bench: Bench) => bench.calleeSays(486)],
    ['is stopped', (bench: Bench) => void bench.controller.terminate('k', bench.sessionId())],
    ['runs into the connection time-out', (bench: Bench) => bench.time.advance(90_000)],
  ] as const)
    test(`[call.exclusive.freed] lets the next one in once it ${how}`, async () => {
      const bench = openBench({ decide: exclusive })
      await settle()
      end(bench)
      await settle()
      await second(bench)
      assert.equal(bench.toCallee.filter((sent) => sent === 'INVITE').length, 2)
    })

  test('[call.exclusive.freed] lets it in after a fault too, and while its recording is being stored', async () => {
    const faulty = openBench({ decide: exclusive, inviteThrows: true })
    await settle()
    assert.deepEqual(await second(faulty), ['500 41'])
    const recorded = openBench({
      decide: { ...exclusive, recording: {} },
      finish: () => new Promise(() => {}),
    })
    await settle()
    recorded.calleeSays(200)
    await settle()
    recorded.hangsUp()
    await settle()
    await second(recorded)
    assert.equal(recorded.toCallee.filter((sent) => sent === 'INVITE').length, 2)
  })

  test('a refused call frees nothing', async () => {
    const bench = openBench({ decide: exclusive })
    await settle()
    await second(bench)
    bench.media.toneEnds('a')
    await settle()
    assert.deepEqual(await second(bench), ['183 SDP'])
  })
})

describe('a call whose customer decides', () => {
  const ask: Ask = {
    kind: 'ask',
    subject: { app: APP, direction: 2, serviceType: '002' },
    url: 'http://customer.example/',
    timeoutMs: 5_000,
  }

  test('[call.x.ask] waits for the answer in silence, then follows it', async () => {
    let answer!: () => void
    const bench = openBench({
      decide: ask,
      ask: () =>
        new Promise((resolve) => {
          answer = () => resolve({ kind: 'answer', status: 200, body: '{}' })
        }),
      answered: async (_arrival, asked, given) => {
        assert.equal(asked, ask)
        assert.deepEqual(given, { kind: 'answer', status: 200, body: '{}' })
        return { ...CONNECT, subject: { ...SUBJECT, userData: 'order-1' } }
      },
    })
    await settle()
    assert.deepEqual(bench.toCaller, [])
    answer()
    await settle()
    assert.deepEqual(bench.events(), ['callin', 'callout'])
    assert.equal(bench.facts.at(-1)!.record.userData, 'order-1')
  })

  test('[call.x.callerGone] [codes.7516] whose caller hangs up meanwhile ends with 7516; the answer changes nothing', async () => {
    let answer!: () => void
    const bench = openBench({
      decide: ask,
      ask: () => new Promise((resolve) => (answer = () => resolve({ kind: 'failed', why: 'late' }))),
      answered: async () => ({ ...CONNECT, exclusive: { key: 'x', busy: REFUSE } }),
    })
    await settle()
    bench.cancels()
    answer()
    await settle()
    assert.deepEqual(bench.events(), ['callin', 'disconnect'])
    assert.equal(bench.ended()?.releaseCode, 7516)
    assert.deepEqual(bench.toCallee, [])
    assert.equal(bench.time.pending(), 0)
  })

  test('[call.x.failure] is refused as the router says when the customer does not answer, and with 8020 on a fault', async () => {
    const refused = openBench({ decide: ask, answered: async () => REFUSE })
    await settle()
    assert.deepEqual(refused.toCaller, ['404'])
    assert.equal(refused.ended()?.releaseCode, 8014)
    const broken = openBench({ decide: ask, answered: () => Promise.reject(new Error('a bug')) })
    await settle()
    assert.deepEqual(broken.toCaller, ['500'])
    assert.equal(broken.ended()?.releaseCode, 8020)
  })
})

test('[call.memos] memos are noted when the callee’s leg starts and when the callee answers', async () => {
  const memo = (bindingId: string): Memo => ({ do: 'forget', bindingId, kind: 'last-peer' })
  const bench = openBench({
    decide: { ...CONNECT, memos: { forwarded: [memo('left')], answered: [memo('answered')] } },
  })
  await settle()
  assert.deepEqual(bench.noted, [memo('left')])
  bench.calleeSays(200)
  await settle()
  assert.deepEqual(bench.noted, [memo('left'), memo('answered')])
})

test('[codes.8105] a trunk’s own meaning of a cause decides the release code', async () => {
  const bench = openBench()
  await settle()
  bench.calleeSays(503, { headers: ['Reason', 'Q.850;cause=29'] })
  await settle()
  assert.equal(bench.ended()?.releaseCode, 8105)
  assert.deepEqual(bench.toCaller, ['480 20'])
})
