import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SERVICE_TYPES } from '../bindings/mode.ts'
import type { CallRecord } from '../calls/call-record.ts'
import { createCallIds } from '../calls/call-ids.ts'
import type { App, Mode } from '../tenants/app.ts'
import { answered, demoApp, demoRecord, ended, fact, forwarded, rung, T0 } from './delivery-test-kit.ts'
import { eventBody, pushesOf } from './pushes.ts'

/** The fields of call events and CDRs, row by row (spec/notifications.md sections 4 and 5). */

const A = '+8613800000021'
const B = '+8613800000022'
const X = '+8617000000001'
const SESSION = '1200_1827_4294967295_20260124023003@pn01.example'
const SUBSCRIPTION = '1d39eaef-0000-4000-8000-000000000001'

const EVENTS = ['callin', 'callout', 'alerting', 'answer', 'disconnect'] as const
type Event = (typeof EVENTS)[number]
type Fields = Readonly<Record<string, unknown>>

const talk = demoRecord({ forward: answered, end: ended, userData: 'order 7' })
const { subscriptionId: _, ...stranger } = demoRecord({
  direction: 2,
  end: { at: T0 + 1_000, releaseCode: 8014, q850: 0, sipStatus: 404 },
})

const infoOf = (event: Event, record: CallRecord = talk, app: App = demoApp()): Fields => {
  const body = JSON.parse(eventBody(fact(event, record, T0 + 19_000), app)) as Fields
  assert.equal(body['eventType'], event)
  return body['statusInfo'] as Fields
}

describe('fields of call events', () => {
  const common: Fields = {
    timestamp: '2026-01-24 02:30:22',
    sessionId: SESSION,
    subscriptionId: SUBSCRIPTION,
    userData: 'order 7',
  }
  for (const event of EVENTS) {
    const fields: Fields = {
      ...common,
      caller: event === 'callin' ? A : X,
      called: event === 'callin' ? X : B,
      ...(event === 'disconnect' && { stateCode: 0, stateDesc: 'The user releases the call.' }),
    }
    for (const [name, value] of Object.entries(fields))
      it(`[event.${event}.${name}] ${event} has ${name} ${JSON.stringify(value)}`, () =>
        assert.deepEqual(infoOf(event)[name], value))

    it(`[event.type] [event.noOthers] ${event} has these fields and no other`, () =>
      assert.deepEqual(Object.keys(infoOf(event)).toSorted(), Object.keys(fields).toSorted()))
  }

  it('[event.userData.unset] [event.subscriptionId.none] no user data and no binding: no such fields', () => {
    for (const event of EVENTS) {
      const names = Object.keys(infoOf(event, stranger))
      assert.ok(!names.includes('userData') && !names.includes('subscriptionId'), event)
    }
  })

  it('[event.refused.parties] disconnect of a call that was not forwarded has the real caller and X', () => {
    const { caller, called } = infoOf('disconnect', stranger)
    assert.deepEqual([caller, called], [A, X])
  })

  it('[event.axe.callin] callin of AXE has no subscriptionId, later events have', () => {
    const app = demoApp({ mode: 'AXE' })
    assert.deepEqual(
      EVENTS.map((event) => 'subscriptionId' in infoOf(event, talk, app)),
      [false, true, true, true, true],
    )
  })

  it('[event.x.notifyMode] [event.x.subscriptionId] events of X mode have no subscriptionId, and callin has notifyMode Block', () => {
    const app = demoApp({ mode: 'X' })
    assert.deepEqual(
      EVENTS.map((event) => infoOf(event, talk, app)['notifyMode']),
      ['Block', undefined, undefined, undefined, undefined],
    )
    for (const event of EVENTS) assert.equal('subscriptionId' in infoOf(event, talk, app), false)
  })

  it('[event.notifyMode.others] callin of other modes has no notifyMode', () => {
    for (const mode of ['AX', 'AXB', 'AXE', 'AXYB'] satisfies Mode[])
      assert.equal('notifyMode' in infoOf('callin', talk, demoApp({ mode })), false, mode)
  })
})

const feeOf = (record: CallRecord, app: App = demoApp()): Fields => {
  const pushes = pushesOf(fact('disconnect', record, T0 + 19_000), app)
  const body = pushes.find(({ kind }) => kind === 'fee')?.body
  return JSON.parse(body ?? assert.fail('no CDR')) as Fields
}

const recording = {
  startAt: T0 + 3_000,
  domain: 'rec.pn.example',
  bucket: 'sp-demokey',
  object: '26012402300600000000001.wav',
}
/** FeeInfo of an answered, recorded call. */
const ANSWERED: Fields = {
  direction: 1,
  spId: 'demo_sp',
  appKey: 'demoKey',
  icid: '0123456789abcdef0123456789abcdef.3978210603.1001.5',
  bindNum: X,
  sessionId: SESSION,
  subscriptionId: SUBSCRIPTION,
  callerNum: A,
  calleeNum: X,
  fwdDisplayNum: X,
  fwdDstNum: B,
  callInTime: '2026-01-24 02:30:03',
  fwdStartTime: '2026-01-24 02:30:03',
  fwdAlertingTime: '2026-01-24 02:30:04',
  fwdAnswerTime: '2026-01-24 02:30:06',
  callEndTime: '2026-01-24 02:30:22',
  fwdUnaswRsn: 0,
  ulFailReason: 0,
  sipStatusCode: 0,
  callOutUnaswRsn: 0,
  recordFlag: 1,
  recordStartTime: '2026-01-24 02:30:06',
  recordDomain: 'rec.pn.example',
  recordBucketName: 'sp-demokey',
  recordObjectName: '26012402300600000000001.wav',
  ttsPlayTimes: 0,
  ttsTransDuration: 0,
  mptyId: SUBSCRIPTION,
  serviceType: '004',
  hostName: 'pn01.example',
  userData: 'order 7',
  voiceCheckType: 0,
}

/** Besides these a CDR has what its outcome gives (section 5.4). */
const ALWAYS =
  'direction spId appKey icid bindNum sessionId callerNum calleeNum callInTime callEndTime fwdUnaswRsn ulFailReason ' +
  'sipStatusCode callOutUnaswRsn recordFlag ttsPlayTimes ttsTransDuration serviceType hostName voiceCheckType'

describe('fields of the CDR', () => {
  for (const [name, value] of Object.entries(ANSWERED))
    it(`[cdr.${name}] FeeInfo of an answered, recorded call has ${name} ${JSON.stringify(value)}`, () =>
      assert.deepEqual(feeOf({ ...talk, recording })[name], value))

  const failed = { at: T0 + 19_000, releaseCode: 8102, q850: 17, sipStatus: 486 }
  const plain = demoRecord()
  const outcomes: readonly (readonly [rows: string, what: string, record: CallRecord, more: string])[] = [
    ['cdr.outcome.refused', 'refused, no binding', stranger, 'failTime'],
    ['cdr.outcome.refused', 'refused, bound', { ...plain, end: failed }, 'failTime subscriptionId mptyId'],
    [
      'cdr.outcome.unanswered faq.16',
      'forwarded, never rang',
      { ...plain, forward: forwarded, end: failed },
      'fwdDisplayNum fwdDstNum fwdStartTime fwdAnswerTime failTime subscriptionId mptyId',
    ],
    [
      'cdr.outcome.unanswered cdr.fwdAlertingTime',
      'rang, not answered',
      { ...plain, forward: rung, end: failed },
      'fwdDisplayNum fwdDstNum fwdStartTime fwdAlertingTime fwdAnswerTime failTime subscriptionId mptyId',
    ],
    [
      'cdr.outcome.answered cdr.failTime',
      'answered',
      { ...plain, forward: answered, end: ended },
      'fwdDisplayNum fwdDstNum fwdStartTime fwdAlertingTime fwdAnswerTime subscriptionId mptyId',
    ],
    [
      'cdr.outcome.recorded',
      'answered and recorded',
      { ...plain, forward: answered, end: ended, recording },
      'fwdDisplayNum fwdDstNum fwdStartTime fwdAlertingTime fwdAnswerTime subscriptionId mptyId ' +
        'recordStartTime recordDomain recordBucketName recordObjectName',
    ],
  ]
  for (const [rows, what, record, more] of outcomes)
    it(`${rows.replace(/\S+/g, '[$&]')} a call ${what} has exactly the fields of its outcome`, () => {
      const names = `${ALWAYS} ${more}`.split(' ')
      assert.deepEqual(Object.keys(feeOf(record)).toSorted(), names.toSorted())
    })

  it('[cdr.failTime] a call that failed has its time and codes', () => {
    const fee = feeOf({ ...plain, forward: rung, end: failed })
    assert.deepEqual(
      [fee['failTime'], fee['fwdUnaswRsn'], fee['ulFailReason'], fee['sipStatusCode']],
      ['2026-01-24 02:30:22', 17, 8102, 486],
    )
  })

  it('[cdr.time.unanswered] [habit.22] [faq.16] an unanswered call has fwdAnswerTime "" and a code that is not 0', () => {
    const fee = feeOf({ ...plain, forward: rung, end: failed })
    assert.equal(fee['fwdAnswerTime'], '')
    assert.notEqual(fee['ulFailReason'], 0)
  })

  it('[cdr.direction.none] [faq.8] without a binding direction is 2, and there is no subscriptionId', () => {
    const fee = feeOf(stranger)
    assert.deepEqual([fee['direction'], 'subscriptionId' in fee, fee['ulFailReason']], [2, false, 8014])
  })

  it('[cdr.recordFlag.none] a call without a file has recordFlag 0 and no name of one', () => {
    const fee = feeOf(talk)
    assert.equal(fee['recordFlag'], 0)
    assert.deepEqual(
      Object.keys(fee).filter((name) => /^record./.test(name)),
      ['recordFlag'],
    )
  })

  it('[cdr.types] [habit.21] integers are JSON integers, everything else is text, nothing is null', () => {
    const integers = new Set(
      'direction fwdUnaswRsn ulFailReason sipStatusCode callOutUnaswRsn recordFlag ttsPlayTimes ttsTransDuration voiceCheckType'.split(
        ' ',
      ),
    )
    for (const record of [{ ...talk, recording }, stranger, { ...plain, forward: rung, end: failed }])
      for (const [name, value] of Object.entries(feeOf(record)))
        if (integers.has(name)) assert.ok(Number.isInteger(value), name)
        else assert.equal(typeof value, 'string', name)
  })

  it('[cdr.time.format] [cdr.time.utc] [habit.21] [faq.1] every time is yyyy-MM-dd HH:mm:ss in UTC', () => {
    const times = Object.entries(feeOf({ ...talk, recording })).filter(([name]) => name.endsWith('Time'))
    assert.equal(times.length, 6)
    for (const [name, value] of times) {
      assert.match(String(value), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/, name)
      const sinceStart = Date.parse(`${String(value).replace(' ', 'T')}Z`) - T0
      assert.ok(sinceStart >= 0 && sinceStart < 20_000, name)
    }
  })

  it('[habit.21] mptyId is the subscriptionId', () => {
    const fee = feeOf(talk)
    assert.equal(fee['mptyId'], fee['subscriptionId'])
  })

  it('[habit.23] [cdr.numbers] [faq.11] all numbers are in global form', () => {
    const fee = feeOf(talk)
    for (const name of ['callerNum', 'calleeNum', 'bindNum', 'fwdDisplayNum', 'fwdDstNum'])
      assert.match(String(fee[name]), /^\+86\d{11}$/, name)
  })

  it('[faq.5] [cdr.sessionId] the CDR has the sessionId of the events', () => {
    for (const event of EVENTS) assert.equal(infoOf(event)['sessionId'], feeOf(talk)['sessionId'])
  })

  it('[cdr.extendNum] the extension of an AXE call, and only there', () => {
    const axe = feeOf({ ...talk, serviceType: '005', extension: '0001' }, demoApp({ mode: 'AXE' }))
    assert.equal(axe['extendNum'], '0001')
    assert.equal('extendNum' in feeOf(talk), false)
  })

  it('[cdr.notifyMode] [cdr.x.subscriptionId] a CDR of X mode has notifyMode Block, user data and no subscriptionId', () => {
    const fee = feeOf({ ...talk, serviceType: '002' }, demoApp({ mode: 'X' }))
    assert.deepEqual([fee['notifyMode'], fee['userData']], ['Block', 'order 7'])
    assert.equal('subscriptionId' in fee || 'mptyId' in fee, false)
    assert.equal('notifyMode' in feeOf(talk), false)
  })

  it('[cdr.serviceType.003] [cdr.serviceType.004] [cdr.serviceType.005] [cdr.serviceType.006] [cdr.serviceType.002] the service type by mode', () => {
    assert.deepEqual(SERVICE_TYPES, { AX: '003', AXB: '004', AXE: '005', AXYB: '006', X: '002' })
  })
})

describe('identifiers of calls', () => {
  const ids = createCallIds('pn01.example')

  it('[cdr.id.sessionId] sessionId is 1200_n_n_time@host, at most 128 characters', () => {
    const { sessionId } = ids.next(T0)
    assert.match(sessionId, /^1200_\d+_\d+_20260124023003@pn01\.example$/)
    assert.ok(sessionId.length <= 128)
  })

  it('[cdr.id.icid] icid is 32 hex digits, NTP seconds and two numbers, at most 64 characters', () => {
    const at = Date.UTC(2019, 0, 23, 9, 15, 14)
    const { icid } = ids.next(at)
    assert.match(icid, /^[0-9a-f]{32}\.3757223714\.\d+\.\d+$/)
    assert.ok(icid.length <= 64)
  })

  it('[cdr.id.unique] [faq.6] no two calls share one, also of different runs', () => {
    const runs = [ids, createCallIds('pn01.example'), createCallIds('pn01.example')]
    const made = runs.flatMap((run) => Array.from({ length: 1_000 }, () => run.next(T0)))
    assert.equal(new Set(made.map(({ sessionId }) => sessionId)).size, 3_000)
    assert.equal(new Set(made.map(({ icid }) => icid)).size, 3_000)
  })

  it('[cdr.id.hostName] the host part of sessionId is the host that wrote the CDR', () => {
    const fee = feeOf(talk)
    assert.equal(String(fee['sessionId']).split('@')[1], fee['hostName'])
  })
})
