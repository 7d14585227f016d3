import { checkFields, type Field, isObject, may, must } from './fields.ts'
import { parseSmsBody, type SmsEvent } from './sms-body.ts'

/** A call event as a customer reads it (spec/notifications.md section 4). */
export type CallEvent = {
  readonly eventType: 'callin' | 'collectInfo' | 'callout' | 'alerting' | 'answer' | 'disconnect'
  readonly statusInfo: {
    readonly timestamp: string
    readonly sessionId: string
    readonly caller?: string
    readonly called?: string
    readonly notifyMode?: string
    readonly digitInfo?: string
    readonly stateCode?: number
    readonly stateDesc?: string
    readonly subscriptionId?: string
    readonly userData?: string
  }
}

/** One record of a CDR push (spec/notifications.md section 5.1). */
export type FeeInfo = {
  readonly direction: number
  readonly spId: string
  readonly appKey: string
  readonly icid: string
  readonly bindNum: string
  readonly sessionId: string
  readonly subscriptionId?: string
  readonly callerNum: string
  readonly calleeNum: string
  readonly fwdDisplayNum?: string
  readonly fwdDstNum?: string
  readonly callInTime: string
  readonly fwdStartTime?: string
  readonly fwdAlertingTime?: string
  readonly fwdAnswerTime?: string
  readonly callEndTime: string
  readonly fwdUnaswRsn: number
  readonly failTime?: string
  readonly ulFailReason: number
  readonly sipStatusCode: number
  readonly callOutUnaswRsn: number
  readonly recordFlag: number
  readonly recordStartTime?: string
  readonly recordDomain?: string
  readonly recordBucketName?: string
  readonly recordObjectName?: string
  readonly ttsPlayTimes: number
  readonly ttsTransDuration: number
  readonly mptyId?: string
  readonly serviceType: string
  readonly hostName: string
  readonly extendNum?: string
  readonly userData?: string
  readonly notifyMode?: string
  readonly voiceCheckType: number
}

/** One entry of a number status push (spec/number-status.md section 3). */
export type NumInfo = { readonly number: string; readonly status: string; readonly cause?: string }

export type PushBody =
  | { readonly kind: 'event'; readonly event: CallEvent }
  | { readonly kind: 'fee'; readonly fees: readonly FeeInfo[] }
  | { readonly kind: 'numStatus'; readonly states: readonly NumInfo[] }
  | { readonly kind: 'sms'; readonly sms: SmsEvent }

const HEAD = [...must('time', 'timestamp'), ...must('text', 'sessionId')]
const PARTIES = must('number', 'caller', 'called')
const BINDING = may('text', 'subscriptionId', 'userData')
const PLAIN = [...HEAD, ...PARTIES, ...BINDING]

/** Fields of each event in the order of the documents' examples. */
const EVENT_FIELDS: Readonly<Record<CallEvent['eventType'], readonly Field[]>> = {
  callin: [...HEAD, ...PARTIES, ...may('text', 'notifyMode'), ...BINDING],
  collectInfo: [...HEAD, ...must('text', 'digitInfo')],
  callout: PLAIN,
  alerting: PLAIN,
  answer: PLAIN,
  disconnect: [
    ...HEAD,
    ...PARTIES,
    ...must('integer', 'stateCode'),
    ...must('text', 'stateDesc'),
    ...BINDING,
  ],
}

/** Fields of a CDR in the order of a real push (spec/notifications.md section 5.5). */
const FEE_FIELDS: readonly Field[] = [
  ...must('integer', 'direction'),
  ...must('text', 'spId', 'appKey', 'icid'),
  ...must('number', 'bindNum'),
  ...must('text', 'sessionId'),
  ...may('text', 'subscriptionId'),
  ...must('number', 'callerNum', 'calleeNum'),
  ...may('number', 'fwdDisplayNum', 'fwdDstNum'),
  ...must('time', 'callInTime'),
  ...may('time', 'fwdStartTime', 'fwdAlertingTime'),
  ...may('time-or-empty', 'fwdAnswerTime'),
  ...must('time', 'callEndTime'),
  ...must('integer', 'fwdUnaswRsn'),
  ...may('time', 'failTime'),
  ...must('integer', 'ulFailReason', 'sipStatusCode', 'callOutUnaswRsn', 'recordFlag'),
  ...may('time', 'recordStartTime'),
  ...may('text', 'recordDomain', 'recordBucketName', 'recordObjectName'),
  ...must('integer', 'ttsPlayTimes', 'ttsTransDuration'),
  ...may('text', 'mptyId'),
  ...must('text', 'serviceType', 'hostName'),
  ...may('text', 'extendNum', 'userData', 'notifyMode'),
  ...must('integer', 'voiceCheckType'),
]

const NUM_FIELDS: readonly Field[] = [
  ...must('number', 'number'),
  ...must('text', 'status'),
  ...may('text', 'cause'),
]

/**
 * Reads a push as the strictest customer would: compact JSON, known fields only, in the documented order, with the
 * documented types. Throws an Error that names the field.
 */
export function parsePushBody(text: string): PushBody {
  const value: unknown = JSON.parse(text)
  if (JSON.stringify(value) !== text) throw new Error('the body is not compact JSON')
  if (!isObject(value)) throw new Error('the body is not an object')
  if (value['eventType'] === 'fee') {
    const list = value['feeLst']
    if (Object.keys(value).join() !== 'eventType,feeLst')
      throw new Error('a fee push has eventType and feeLst only')
    if (!Array.isArray(list) || list.length < 1 || list.length > 50)
      throw new Error('feeLst is not an array of 1 to 50')
    for (const fee of list) checkFee(fee)
    return { kind: 'fee', fees: list as FeeInfo[] }
  }
  if (value['eventType'] === 'numStatus') {
    const list = value['numInfo']
    if (Object.keys(value).join() !== 'eventType,numInfo')
      throw new Error('a number status push has eventType and numInfo only')
    if (!Array.isArray(list) || list.length < 1 || list.length > 100)
      throw new Error('numInfo is not an array of 1 to 100')
    for (const info of list) checkFields(info, NUM_FIELDS)
    return { kind: 'numStatus', states: list as NumInfo[] }
  }
  if ('smsEvent' in value) return { kind: 'sms', sms: parseSmsBody(value) }
  const type = value['eventType']
  if (Object.keys(value).join() !== 'eventType,statusInfo')
    throw new Error('an event has eventType and statusInfo only')
  if (typeof type !== 'string' || !Object.hasOwn(EVENT_FIELDS, type)) throw new Error('eventType is unknown')
  checkFields(value['statusInfo'], EVENT_FIELDS[type as CallEvent['eventType']])
  return { kind: 'event', event: value as CallEvent }
}

function checkFee(fee: unknown): void {
  checkFields(fee, FEE_FIELDS)
  const { fwdAnswerTime, fwdStartTime, fwdUnaswRsn, ulFailReason } = fee as FeeInfo
  if ((fwdStartTime === undefined) !== (fwdAnswerTime === undefined)) {
    throw new Error('fwdStartTime and fwdAnswerTime do not come together')
  }
  if (!fwdAnswerTime && fwdUnaswRsn === 0 && ulFailReason === 0) {
    throw new Error('fwdUnaswRsn and ulFailReason are 0 although the call was not answered')
  }
}
