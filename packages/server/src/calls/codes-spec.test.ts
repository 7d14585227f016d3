import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Refuse } from '../bindings/route.ts'
import { feeInfo, pushesOf } from '../notifications/pushes.ts'
import { stateDesc } from '../notifications/release-codes.ts'
import { APP, B, type Bench, CONNECT, openBench, REFUSE, settle, SUBJECT, X } from './call-test-kit.ts'
import type { CallRecord } from './call-record.ts'
import { callerAnswerOf, q850OfStatus, releaseOfFailure } from './release-map.ts'

/**
 * spec/codes.md row by row: what each release code that we send answers to the caller (before media, and as the cause of
 * a BYE) and says in `stateDesc`; the fields that carry the codes; the answers of section 5, on the wire of a call.
 */
const FAILED = 'Call failed.'
const CODES: readonly (readonly [code: number, sip: number, cause: number, text: string])[] = [
  // 2.1
  [0, 480, 16, 'The user releases the call.'],
  [8013, 404, 1, 'Invalid AX call.'],
  [8014, 404, 1, 'Invalid AXB call.'],
  [8016, 403, 21, 'The call direction is not allowed.'],
  [8019, 404, 1, 'The callback record does not exist.'],
  [8022, 404, 1, 'The binding does not exist or has expired.'],
  [8030, 404, 1, 'The AXYB binding does not exist.'],
  [8031, 503, 34, 'Failed to allocate a Y number.'],
  // 2.2; the caller is gone and gets no answer of ours
  [8032, 403, 21, 'The user calls its own virtual number.'],
  [8033, 404, 1, 'The extension number is empty.'],
  // 2.3
  [8025, 404, 1, 'The called virtual number does not exist.'],
  // 2.4
  [7503, 603, 21, 'The callee rejects the call.'],
  [7504, 603, 21, 'The call is rejected.'],
  [8035, 480, 19, 'The call connection times out.'],
  [8100, 404, 1, 'The callee number does not exist.'],
  [8101, 480, 19, 'The callee does not answer.'],
  [8102, 486, 17, 'The callee is busy.'],
  [8103, 480, 20, 'The callee cannot be reached.'],
  [8104, 480, 20, 'The callee is powered off.'],
  [8105, 480, 20, 'The callee is out of service.'],
  // 2.5
  [7100, 403, 21, FAILED],
  [7105, 403, 21, FAILED],
  [7108, 403, 21, FAILED],
  [8010, 480, 16, 'The maximum call duration is reached.'],
  [8017, 480, 16, 'The call is released by the application.'],
  // 2.6
  ...[7001, 7002, 7003, 7004, 7005, 8023, 8042, 8043, 8047, 8048, 8049, 8050, 8055].map(
    (code) => [code, 403, 21, FAILED] as const,
  ),
  [8018, 403, 21, 'No service permission.'],
  // 2.7
  [522, 503, 34, FAILED],
  [8008, 500, 41, FAILED],
  [8020, 500, 41, FAILED],
]

describe('release codes', () => {
  for (const [code, sip, cause, text] of CODES)
    test(`[codes.${code}] ${code} answers ${sip}, or BYE with cause ${cause}, and says "${text}"`, () => {
      assert.deepEqual(callerAnswerOf(code), { sipStatusToCaller: sip, callerReason: cause })
      assert.equal(stateDesc(code), text)
    })

  test('[codes.legacy] codes of older documents are never made of an answer of the callee', () => {
    const old = new Set([8000, 8001, 8002, 8003, 8004, 8005, 8009, 8106, 8107, 8108, 8109, 8110, 8111])
    for (let status = 300; status < 700; status++)
      for (let cause = 0; cause < 128; cause++)
        for (const ringing of [false, true])
          assert.ok(!old.has(releaseOfFailure({ status, ringing, q850FromReason: cause }).releaseCode))
  })
})

describe('Q.850 in fwdUnaswRsn', () => {
  const TABLE: Readonly<Record<number, readonly number[]>> = {
    41: [400, 481, 500, 503],
    21: [401, 402, 403, 407, 603],
    1: [404, 485, 604],
    63: [405],
    79: [406, 415, 501],
    102: [408, 504],
    22: [410],
    127: [413, 414, 416, 420, 421, 423, 505],
    25: [482, 483],
    28: [484],
    17: [486, 600],
    65: [488, 606],
    38: [502],
    31: [305, 422, 599],
  }
  for (const [cause, statuses] of Object.entries(TABLE))
    test(`[codes.q850.${cause}] is ${cause} for ${statuses.join(', ')} without a Reason`, () => {
      for (const status of statuses) assert.equal(q850OfStatus(status, false), Number(cause), `${status}`)
    })

  test('[codes.q850.480] is 18 for 480 before ringing and 19 after', () => {
    assert.deepEqual([q850OfStatus(480, false), q850OfStatus(480, true)], [18, 19])
  })

  test('[codes.q850.487] is 16 when the caller gave up and 102 at our time-out', () => {
    const of = (weCancelled: 'caller' | 'timeout') =>
      releaseOfFailure({ status: 487, ringing: true, weCancelled }).q850
    assert.deepEqual([of('caller'), of('timeout')], [16, 102])
  })

  test('[codes.q850.reason] is the cause of the Reason header wherever there is one', () => {
    for (let cause = 1; cause < 128; cause++)
      assert.equal(releaseOfFailure({ status: 480, ringing: false, q850FromReason: cause }).q850, cause)
  })
})

describe('the fields of event and CDR', () => {
  const record: CallRecord = {
    sessionId: '1200_1_1_20260124023003@pn01.example',
    icid: `${'0'.repeat(32)}.3978210603.1.1`,
    hostName: 'pn01.example',
    appKey: 'k',
    spId: 's',
    direction: 1,
    serviceType: '004',
    subscriptionId: 'sub',
    x: X,
    caller: X,
    callInAt: 1_000,
  }
  const forward = { display: X, callee: B, startAt: 2_000 }
  const told = (of: Partial<CallRecord>, app = APP): Record<string, unknown> => {
    const whole = { ...record, ...of }
    const [event] = pushesOf(
      { record: whole, event: 'disconnect', at: 9_000 },
      { ...app, statusUrl: 'http://c.example/' },
    )
    const { stateCode, stateDesc: desc } = JSON.parse(event!.body).statusInfo
    return { ...JSON.parse(feeInfo(whole, app)), stateCode, desc }
  }
  const busy = { at: 5_000, releaseCode: 8102, q850: 17, sipStatus: 486 }

  test('[codes.field.stateCode] [codes.field.ulFailReason] [codes.point.same] carry one code', () => {
    const { stateCode, desc, ulFailReason, fwdUnaswRsn, sipStatusCode } = told({ forward, end: busy })
    assert.deepEqual(
      [stateCode, desc, ulFailReason, fwdUnaswRsn, sipStatusCode],
      [8102, 'The callee is busy.', 8102, 17, 486],
    )
  })

  test('[codes.field.fwdUnaswRsn] [codes.field.callOutUnaswRsn] a call without a second leg has no Q.850', () => {
    const refused = told({ end: { at: 2_000, releaseCode: 8014, q850: 0, sipStatus: 404 } })
    assert.deepEqual([refused.fwdUnaswRsn, refused.callOutUnaswRsn, refused.ulFailReason], [0, 0, 8014])
  })

  test('[codes.field.answered] [codes.point.0] [codes.field.sipStatusCode] an answered call has zeros', () => {
    const end = { at: 5_000, releaseCode: 0, q850: 0, sipStatus: 0 }
    const { fwdUnaswRsn, ulFailReason, sipStatusCode } = told({
      forward: { ...forward, answerAt: 3_000 },
      end,
    })
    assert.deepEqual([fwdUnaswRsn, ulFailReason, sipStatusCode], [0, 0, 0])
  })

  test('[codes.field.never00] an unanswered call never has 0/0', () => {
    const none = { at: 5_000, releaseCode: 0, q850: 0, sipStatus: 0 }
    for (const of of [
      { end: none },
      { forward, end: none },
      { forward: { ...forward, alertingAt: 3_000 }, end: none },
    ])
      assert.notEqual(told(of).ulFailReason, 0)
  })

  test('[codes.point.7104] nobody bound on an AX number: stateCode 8018, release point 7104', () => {
    const { subscriptionId: _none, ...stranger } = record
    const app = { ...APP, mode: 'AX' } as const
    const end = { at: 2_000, releaseCode: 8018, q850: 0, sipStatus: 403 }
    assert.equal(JSON.parse(feeInfo({ ...stranger, end }, app)).ulFailReason, 7104)
    assert.equal(told({ end }, app).ulFailReason, 8018)
  })
})

describe('the answer to the caller', () => {
  const refusal = (releaseCode: number, sipStatus: number): Refuse => ({ ...REFUSE, releaseCode, sipStatus })
  /** The caller was answered to key digits, and then the call was refused with a tone. */
  const refusedUp = async (end: Refuse): Promise<Bench> => {
    const bench = openBench({
      decide: {
        kind: 'collect',
        subject: SUBJECT,
        prompt: 'prompt.wav',
        length: 1,
        attempts: 1,
        firstDigitMs: 1,
        interDigitMs: 1,
        wrongEnd: end,
        emptyEnd: end,
      },
      digits: async () => ({ ...end, tone: 'sorry.wav' }),
    })
    await settle()
    bench.keys('1')
    await settle()
    bench.media.toneEnds('a')
    await settle()
    return bench
  }

  for (const [id, code, sip, cause] of [
    ['forbidden', 8055, 403, 21],
    ['noRelation', 8014, 404, 1],
  ] as const) {
    test(`[codes.sip.${id}] is ${sip} for ${code} before media`, async () => {
      const bench = openBench({ decide: refusal(code, sip) })
      await settle()
      assert.deepEqual(bench.toCaller, [`${sip}`])
    })
    test(`[codes.sip.${id}.bye] is BYE with cause ${cause} for ${code} after a 200`, async () => {
      const bench = await refusedUp(refusal(code, sip))
      assert.deepEqual(bench.toCaller, ['200', `BYE ${cause}`])
      assert.equal(bench.ended()?.releaseCode, code)
    })
  }

  test('[codes.sip.prefers183] is a 183 and no 200 for a tone, where no digits are asked for', async () => {
    const bench = openBench({ decide: { ...refusal(8014, 404), tone: 'sorry.wav' } })
    await settle()
    assert.deepEqual(bench.toCaller, ['183 SDP'])
  })

  test('[codes.sip.unknownX] is 404 for an X that is nobody’s, and nobody is told', async () => {
    const bench = openBench({
      decide: { ...refusal(8025, 404), subject: { app: undefined, direction: 2, serviceType: '' } },
    })
    await settle()
    assert.deepEqual(bench.toCaller, ['404'])
    assert.deepEqual(bench.facts, [])
  })

  test('[codes.sip.noPorts] is 503 with Retry-After when no port is free', async () => {
    const bench = openBench({ fail: { open: 'NO_PORTS' } })
    await settle()
    assert.deepEqual(bench.toCaller, ['503 Retry-After'])
    assert.equal(bench.ended()?.releaseCode, 522)
  })

  for (const [id, rings, status, code, answer] of [
    ['busy', false, 486, 8102, '486 17'],
    ['noAnswer', true, 480, 8101, '480 19'],
    ['unreachable', false, 480, 8103, '480 20'],
    ['rejected', false, 603, 7503, '603 21'],
    ['empty', false, 404, 8100, '404 1'],
  ] as const)
    test(`[codes.sip.${id}] is ${answer} when the callee ${rings ? 'rang and ' : ''}answers ${status}`, async () => {
      const bench = openBench({ decide: CONNECT })
      await settle()
      if (rings) bench.calleeSays(180)
      bench.calleeSays(status)
      await settle()
      assert.equal(bench.toCaller.at(-1), answer)
      assert.equal(bench.ended()?.releaseCode, code)
    })
})
