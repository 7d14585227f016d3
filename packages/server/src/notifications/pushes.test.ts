import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { CallRecord } from '../calls/call-record.ts'
import { T0, answered, demoApp, demoRecord, ended, fact, forwarded, rung } from './delivery-test-kit.ts'
import { pushesOf } from './pushes.ts'

const app = demoApp()
const SESSION = '1200_1827_4294967295_20260124023003@pn01.example'
const SUBSCRIPTION = '1d39eaef-0000-4000-8000-000000000001'

const eventOf = (...args: Parameters<typeof fact>): string | undefined =>
  pushesOf(fact(...args), app).find(({ kind }) => kind === 'event')?.body
const feeOf = (record: CallRecord, of = app): string | undefined =>
  pushesOf(fact('disconnect', record, T0 + 19_000), of).find(({ kind }) => kind === 'fee')?.body

describe('call events', () => {
  it('[axb.call.notifyOnly] [event.body] writes callin with the real caller and X', () => {
    assert.equal(
      eventOf('callin', demoRecord()),
      `{"eventType":"callin","statusInfo":{"timestamp":"2026-01-24 02:30:03","sessionId":"${SESSION}","caller":"+8613800000021","called":"+8617000000001","subscriptionId":"${SUBSCRIPTION}"}}`,
    )
  })

  for (const event of ['callout', 'alerting', 'answer'] as const) {
    it(`[event.body] [event.parties.forwarded] writes ${event} with the number shown and the real callee`, () => {
      assert.equal(
        eventOf(event, demoRecord({ forward: answered }), T0 + 1_000),
        `{"eventType":"${event}","statusInfo":{"timestamp":"2026-01-24 02:30:04","sessionId":"${SESSION}","caller":"+8617000000001","called":"+8613800000022","subscriptionId":"${SUBSCRIPTION}"}}`,
      )
    })
  }

  it('writes disconnect of a forwarded call with the number shown, the real callee, code and sentence', () => {
    assert.equal(
      eventOf('disconnect', demoRecord({ forward: answered, end: ended }), T0 + 19_000),
      `{"eventType":"disconnect","statusInfo":{"timestamp":"2026-01-24 02:30:22","sessionId":"${SESSION}","caller":"+8617000000001","called":"+8613800000022","stateCode":0,"stateDesc":"The user releases the call.","subscriptionId":"${SUBSCRIPTION}"}}`,
    )
  })

  it('writes disconnect of a refused call with the real caller and X, without a binding', () => {
    const { subscriptionId: _, ...stranger } = demoRecord({
      direction: 2,
      end: { at: T0, releaseCode: 8014, q850: 0, sipStatus: 404 },
    })
    assert.equal(
      eventOf('disconnect', stranger),
      `{"eventType":"disconnect","statusInfo":{"timestamp":"2026-01-24 02:30:03","sessionId":"${SESSION}","caller":"+8613800000021","called":"+8617000000001","stateCode":8014,"stateDesc":"Invalid AXB call."}}`,
    )
  })

  it('[faq.9] carries userData in every event, escaped as JSON', () => {
    const record = demoRecord({ userData: 'order "7"\\\n', forward: answered, end: ended })
    for (const event of ['callin', 'callout', 'alerting', 'answer', 'disconnect'] as const) {
      const body = eventOf(event, record) ?? ''
      assert.ok(body.endsWith(`,"userData":"order \\"7\\"\\\\\\n"}}`), body)
      assert.equal(JSON.parse(body).statusInfo.userData, 'order "7"\\\n')
    }
  })

  it('[call.events.digitInfo] [axe.call.collectInfo.fields] writes collectInfo with the digits and nothing of the parties', () => {
    const keyed = { ...fact('collectInfo', demoRecord({ userData: 'u' })), digits: '0001' }
    assert.deepEqual(
      pushesOf(keyed, { ...app, mode: 'AXE' }).map(({ kind, body }) => [kind, body]),
      [
        [
          'event',
          `{"eventType":"collectInfo","statusInfo":{"timestamp":"2026-01-24 02:30:03","sessionId":"${SESSION}","digitInfo":"0001"}}`,
        ],
      ],
    )
  })

  it('[call.recording.cdrWaits] writes no CDR of a call whose recording is being stored, and no event with that CDR', () => {
    const ref = { startAt: T0 + 3_000, domain: 'rec.pn.example', bucket: 'sp-demokey', object: '1.wav' }
    const record = demoRecord({ forward: answered, end: ended })
    const kinds = (event: 'disconnect' | 'recorded', of: CallRecord) =>
      pushesOf(fact(event, of), app).map(({ kind }) => kind)
    assert.deepEqual(kinds('disconnect', { ...record, recordingPending: ref }), ['event'])
    assert.deepEqual(kinds('recorded', { ...record, recording: ref }), ['fee'])
    assert.deepEqual(kinds('recorded', record), ['fee'])
  })

  it('keeps the caller of an anonymous call as an empty string', () => {
    const body = eventOf('callin', demoRecord({ caller: undefined })) ?? ''
    assert.ok(body.includes('"caller":"","called":"+8617000000001"'), body)
  })

  it('leaves the binding out of callin in AXE, as only the extension decides it', () => {
    const axe = demoApp({ mode: 'AXE' })
    const bodyOf = (event: 'callin' | 'callout') =>
      pushesOf(fact(event, demoRecord({ forward: forwarded })), axe)[0]?.body
    assert.equal(bodyOf('callin')?.includes('subscriptionId'), false)
    assert.equal(bodyOf('callout')?.includes('subscriptionId'), true)
  })
})

describe('addresses', () => {
  it('[push.address.callin] [push.address.status] [faq.18] sends callin to its own address when there is one, all else to the status address', () => {
    const apart = demoApp({ callinUrl: 'http://192.0.2.2/callin' })
    const urlsOf = (event: 'callin' | 'callout') =>
      pushesOf(fact(event, demoRecord()), apart).map(({ url }) => url)
    assert.deepEqual(urlsOf('callin'), ['http://192.0.2.2/callin'])
    assert.deepEqual(urlsOf('callout'), ['http://192.0.2.1/status'])
  })

  it('[push.address.empty] [push.address.cdr] [faq.13] [faq.17] sends no events without a status address and no CDR without a CDR address', () => {
    const end = fact('disconnect', demoRecord({ end: ended }))
    const kindsOf = (change: Partial<typeof app>) => pushesOf(end, demoApp(change)).map(({ kind }) => kind)
    assert.deepEqual(kindsOf({}), ['event', 'fee'])
    assert.deepEqual(kindsOf({ statusUrl: '' }), ['fee'])
    assert.deepEqual(kindsOf({ cdrUrl: '' }), ['event'])
    assert.deepEqual(kindsOf({ statusUrl: '', cdrUrl: '' }), [])
  })

  it('[push.x.callin] queues no callin for an X-mode app: that one is asked, not told', () => {
    assert.deepEqual(pushesOf(fact('callin', demoRecord()), demoApp({ mode: 'X' })), [])
  })
})

const HEAD = `{"direction":1,"spId":"demo_sp","appKey":"demoKey","icid":"0123456789abcdef0123456789abcdef.3978210603.1001.5","bindNum":"+8617000000001","sessionId":"${SESSION}","subscriptionId":"${SUBSCRIPTION}","callerNum":"+8613800000021","calleeNum":"+8617000000001"`
const FORWARD = `,"fwdDisplayNum":"+8617000000001","fwdDstNum":"+8613800000022","callInTime":"2026-01-24 02:30:03","fwdStartTime":"2026-01-24 02:30:03"`
const TAIL = `,"ttsPlayTimes":0,"ttsTransDuration":0,"mptyId":"${SUBSCRIPTION}","serviceType":"004","hostName":"pn01.example"`
const LAST = `,"voiceCheckType":0}`

describe('CDR', () => {
  it('[cdr.recordObjectName] [faq.7] writes an answered and recorded call exactly as a real push', () => {
    const recording = {
      startAt: T0 + 3_000,
      domain: 'rec.pn.example',
      bucket: 'sp-demokey',
      object: '26012402300600000000001.wav',
    }
    assert.equal(
      feeOf(demoRecord({ forward: answered, end: ended, recording })),
      `${HEAD}${FORWARD},"fwdAlertingTime":"2026-01-24 02:30:04","fwdAnswerTime":"2026-01-24 02:30:06","callEndTime":"2026-01-24 02:30:22","fwdUnaswRsn":0,"ulFailReason":0,"sipStatusCode":0,"callOutUnaswRsn":0,"recordFlag":1,"recordStartTime":"2026-01-24 02:30:06","recordDomain":"rec.pn.example","recordBucketName":"sp-demokey","recordObjectName":"26012402300600000000001.wav"${TAIL}${LAST}`,
    )
  })

  it('writes an answered call', () => {
    assert.equal(
      feeOf(demoRecord({ forward: answered, end: ended })),
      `${HEAD}${FORWARD},"fwdAlertingTime":"2026-01-24 02:30:04","fwdAnswerTime":"2026-01-24 02:30:06","callEndTime":"2026-01-24 02:30:22","fwdUnaswRsn":0,"ulFailReason":0,"sipStatusCode":0,"callOutUnaswRsn":0,"recordFlag":0${TAIL}${LAST}`,
    )
  })

  it('writes a call that rang but was not answered with an empty answer time', () => {
    assert.equal(
      feeOf(
        demoRecord({ forward: rung, end: { at: T0 + 19_000, releaseCode: 8102, q850: 17, sipStatus: 486 } }),
      ),
      `${HEAD}${FORWARD},"fwdAlertingTime":"2026-01-24 02:30:04","fwdAnswerTime":"","callEndTime":"2026-01-24 02:30:22","fwdUnaswRsn":17,"failTime":"2026-01-24 02:30:22","ulFailReason":8102,"sipStatusCode":486,"callOutUnaswRsn":0,"recordFlag":0${TAIL}${LAST}`,
    )
  })

  it('writes a call that never rang without an alerting time', () => {
    assert.equal(
      feeOf(
        demoRecord({
          forward: forwarded,
          end: { at: T0 + 2_000, releaseCode: 8103, q850: 41, sipStatus: 503 },
        }),
      ),
      `${HEAD}${FORWARD},"fwdAnswerTime":"","callEndTime":"2026-01-24 02:30:05","fwdUnaswRsn":41,"failTime":"2026-01-24 02:30:05","ulFailReason":8103,"sipStatusCode":503,"callOutUnaswRsn":0,"recordFlag":0${TAIL}${LAST}`,
    )
  })

  it('writes a refused call of a stranger with direction 2 and without a binding', () => {
    const { subscriptionId: _, ...stranger } = demoRecord({
      direction: 2,
      end: { at: T0 + 1_000, releaseCode: 8014, q850: 0, sipStatus: 404 },
    })
    assert.equal(
      feeOf(stranger),
      `{"direction":2,"spId":"demo_sp","appKey":"demoKey","icid":"0123456789abcdef0123456789abcdef.3978210603.1001.5","bindNum":"+8617000000001","sessionId":"${SESSION}","callerNum":"+8613800000021","calleeNum":"+8617000000001","callInTime":"2026-01-24 02:30:03","callEndTime":"2026-01-24 02:30:04","fwdUnaswRsn":0,"failTime":"2026-01-24 02:30:04","ulFailReason":8014,"sipStatusCode":404,"callOutUnaswRsn":0,"recordFlag":0,"ttsPlayTimes":0,"ttsTransDuration":0,"serviceType":"004","hostName":"pn01.example","voiceCheckType":0}`,
    )
  })

  it('writes a call refused although bound with its binding', () => {
    assert.equal(
      feeOf(demoRecord({ end: { at: T0 + 1_000, releaseCode: 8016, q850: 0, sipStatus: 403 } })),
      `${HEAD},"callInTime":"2026-01-24 02:30:03","callEndTime":"2026-01-24 02:30:04","fwdUnaswRsn":0,"failTime":"2026-01-24 02:30:04","ulFailReason":8016,"sipStatusCode":403,"callOutUnaswRsn":0,"recordFlag":0${TAIL}${LAST}`,
    )
  })

  it('writes the extension and the customer data of an AXE call', () => {
    const record = demoRecord({
      serviceType: '005',
      extension: '0001',
      userData: 'abc',
      end: { at: T0 + 1_000, releaseCode: 7516, q850: 0, sipStatus: 487 },
    })
    const fee = feeOf(record, demoApp({ mode: 'AXE' })) ?? ''
    assert.ok(
      fee.endsWith(
        `"serviceType":"005","hostName":"pn01.example","extendNum":"0001","userData":"abc","voiceCheckType":0}`,
      ),
      fee,
    )
  })

  it('keeps callerNum of an anonymous caller as an empty string', () => {
    assert.equal(JSON.parse(feeOf(demoRecord({ caller: undefined, end: ended })) ?? '').callerNum, '')
  })

  it('sends release point 7104 when nobody is bound on an AX number', () => {
    const { subscriptionId: _, ...stranger } = demoRecord({
      direction: 2,
      end: { at: T0, releaseCode: 8018, q850: 0, sipStatus: 404 },
    })
    assert.equal(JSON.parse(feeOf(stranger, demoApp({ mode: 'AX' })) ?? '').ulFailReason, 7104)
    assert.equal(JSON.parse(feeOf(stranger) ?? '').ulFailReason, 8018)
  })
})

describe('the failure triple', () => {
  const triple = (record: CallRecord) => {
    const [event, fee] = pushesOf(fact('disconnect', record), app).map(({ body }) => JSON.parse(body))
    return [event.statusInfo.stateCode, fee.fwdUnaswRsn, fee.ulFailReason, fee.sipStatusCode]
  }

  it('never says 0/0 of an unanswered call', () => {
    const end = { at: T0, releaseCode: 0, q850: 0, sipStatus: 0 }
    assert.deepEqual(triple(demoRecord({ end })), [7516, 0, 7516, 0])
    assert.deepEqual(triple(demoRecord({ forward: forwarded, end })), [7501, 0, 7501, 0])
    assert.deepEqual(triple(demoRecord({ forward: rung, end })), [7502, 0, 7502, 0])
  })

  it('[faq.15] says 0/0 of every call that was answered and ended by a party', () => {
    const end = { at: T0, releaseCode: 7502, q850: 16, sipStatus: 487 }
    assert.deepEqual(triple(demoRecord({ forward: answered, end })), [0, 0, 0, 0])
  })

  it('keeps the code of an answered call that the platform ended', () => {
    const end = { at: T0, releaseCode: 8010, q850: 16, sipStatus: 0 }
    assert.deepEqual(triple(demoRecord({ forward: answered, end })), [8010, 0, 8010, 0])
  })

  it('gives the disconnect event and the CDR the same code', () => {
    const end = { at: T0, releaseCode: 8035, q850: 102, sipStatus: 487 }
    assert.deepEqual(triple(demoRecord({ forward: rung, end })), [8035, 102, 8035, 487])
  })
})
