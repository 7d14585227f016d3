import { checkFields, isObject, may, must } from './fields.ts'

/** What a customer is told of an SMS, or asked about it (spec/sms.md section 3). */
export type SmsEvent = {
  readonly smsIdentifier: string
  /** `Block` asks where the SMS goes, `Notify` tells what became of it. */
  readonly notificationMode: 'Notify' | 'Block'
  readonly calling: string
  readonly called?: string
  readonly virtualNumber: string
  readonly event: string
  readonly timeStamp: string
  readonly subscriptionId?: string
  readonly smsContent?: string
  readonly extInfo: { readonly extParas: readonly SmsExtra[] }
  /** In a Notify. */
  readonly sendResult?: number
  readonly areaCode?: string
  readonly userData?: string
}

type SmsExtra = { readonly key: 'splitNum' | 'direction'; readonly value: string }

/** `splitNum` or `direction` of an SMS. */
export const extraOf = (sms: SmsEvent, key: SmsExtra['key']): number =>
  Number(sms.extInfo.extParas.find((extra) => extra.key === key)?.value)

/** Fields in the order of the documents' example; those that it lacks in the order of the table. */
const BEFORE_RESULT = [
  // A sender may be a name or a short code.
  ...must('text', 'smsIdentifier', 'notificationMode', 'calling'),
  ...may('number', 'called'),
  ...must('number', 'virtualNumber'),
  ...must('text', 'event'),
  ...must('instant', 'timeStamp'),
  ...may('text', 'subscriptionId'),
  ...may('any-text', 'smsContent'),
  ...must('extras', 'extInfo'),
]
const AFTER_RESULT = may('text', 'areaCode', 'userData')
const FIELDS = {
  Notify: [...BEFORE_RESULT, ...must('integer', 'sendResult'), ...AFTER_RESULT],
  Block: [...BEFORE_RESULT, ...AFTER_RESULT],
} as const

/** Reads the body of an SMS push; throws an Error that names the field. */
export function parseSmsBody(value: Readonly<Record<string, unknown>>): SmsEvent {
  if (Object.keys(value).join() !== 'appKey,smsEvent')
    throw new Error('an SMS push has appKey and smsEvent only')
  const { appKey, smsEvent } = value
  if (typeof appKey !== 'string' || appKey === '') throw new Error('appKey is not a valid text')
  if (!isObject(smsEvent)) throw new Error('smsEvent is not an object')
  const { notificationMode: mode, called, sendResult } = smsEvent
  if (mode !== 'Notify' && mode !== 'Block') throw new Error('notificationMode is neither Notify nor Block')
  checkFields(smsEvent, FIELDS[mode])
  if (mode === 'Block' && called !== undefined)
    throw new Error('called is known before the customer was asked')
  if (mode === 'Notify' && !((sendResult as number) >= 0 && (sendResult as number) <= 13))
    throw new Error('sendResult is none of 0 to 13')
  return smsEvent as SmsEvent
}
