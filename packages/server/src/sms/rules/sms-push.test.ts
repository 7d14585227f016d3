import assert from 'node:assert/strict'
import { it } from 'node:test'
import { A, B, smsApp, X } from '../sms-test-kit.ts'
import { DEFAULT_EVENT, smsBlockBody, type SmsFacts, smsNotifyBody } from './sms-push.ts'

/** The rows of spec/sms.md section 3, byte for byte. */

const facts: SmsFacts = {
  id: 'id-1',
  calling: A,
  x: X,
  at: Date.UTC(2024, 0, 24, 9, 6, 16, 450),
  event: DEFAULT_EVENT,
  subject: { direction: 1, subscriptionId: 'example-id-1' },
  segments: 1,
}

it('[sms.push.example] [sms.push.appKey] [sms.push.smsIdentifier] [sms.push.calling] [sms.push.called] [sms.push.virtualNumber] [sms.push.event] [sms.push.timeStamp] [sms.push.subscriptionId] [sms.push.splitNum] [sms.push.direction] [sms.push.sendResult] a Notify is the documented example, byte for byte', () => {
  assert.equal(
    smsNotifyBody({ ...facts, called: B, result: 0 }, smsApp()),
    '{"appKey":"exampleKey","smsEvent":{"smsIdentifier":"id-1","notificationMode":"Notify","calling":"+8613800000021","called":"+8613800000022","virtualNumber":"+8617000000001","event":"Text SMS ","timeStamp":"2024-01-24T09:06:16.450Z","subscriptionId":"example-id-1","extInfo":{"extParas":[{"key":"splitNum","value":"1"},{"key":"direction","value":"1"}]},"sendResult":0}}',
  )
})

it('a Notify of a failure without a binding has neither receiver nor binding', () => {
  assert.equal(
    smsNotifyBody({ ...facts, subject: { direction: 2 }, segments: 0, result: 2 }, smsApp()),
    '{"appKey":"exampleKey","smsEvent":{"smsIdentifier":"id-1","notificationMode":"Notify","calling":"+8613800000021","virtualNumber":"+8617000000001","event":"Text SMS ","timeStamp":"2024-01-24T09:06:16.450Z","extInfo":{"extParas":[{"key":"splitNum","value":"0"},{"key":"direction","value":"2"}]},"sendResult":2}}',
  )
})

it('[sms.push.notificationMode] a Block has neither receiver nor sendResult', () => {
  assert.equal(
    smsBlockBody({ ...facts, segments: 2 }, smsApp({ mode: 'AX' })),
    '{"appKey":"exampleKey","smsEvent":{"smsIdentifier":"id-1","notificationMode":"Block","calling":"+8613800000021","virtualNumber":"+8617000000001","event":"Text SMS ","timeStamp":"2024-01-24T09:06:16.450Z","subscriptionId":"example-id-1","extInfo":{"extParas":[{"key":"splitNum","value":"2"},{"key":"direction","value":"1"}]}}}',
  )
})

it('[sms.push.smsContent] [sms.push.areaCode] [sms.push.userData] text, city code and user data are there only where the app has them switched on', () => {
  const full: SmsFacts = {
    ...facts,
    subject: { ...facts.subject, userData: 'order-7' },
    areaCode: '0755',
    text: '"你好"',
  }
  const app = smsApp({ smsContentInNotify: true, smsAreaCode: true, smsUserData: true })
  const { smsEvent } = JSON.parse(smsNotifyBody({ ...full, result: 0 }, app)) as {
    smsEvent: Record<string, unknown>
  }
  assert.deepEqual(Object.keys(smsEvent).slice(-5), [
    'smsContent',
    'extInfo',
    'sendResult',
    'areaCode',
    'userData',
  ])
  assert.deepEqual([smsEvent.smsContent, smsEvent.areaCode, smsEvent.userData], ['"你好"', '0755', 'order-7'])
  assert.equal(
    smsNotifyBody({ ...full, result: 0 }, smsApp()),
    smsNotifyBody({ ...facts, result: 0 }, smsApp()),
  )
})

it('[sms.push.eventName] the name of the event can be another one', () => {
  assert.match(smsBlockBody({ ...facts, event: 'TextSMS' }, smsApp()), /"event":"TextSMS"/)
})
