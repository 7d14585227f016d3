import { AppError } from '../shared/app-error.ts'
import { type E164, maskNumber, normaliseDialled } from '../shared/e164.ts'
import type { EpochMs } from '../shared/time.ts'
import type { MtPart, SmsMessage, SmsState } from '../sms/message.ts'
import type { SmsDetails } from '../sms/ports.ts'
import { flag, InvalidRequest, list, members, type Operation, type Schema, text } from './operation.ts'

const STATES: readonly SmsState[] = ['gathering', 'received', 'sending', 'ended']

/** Details of SMS (短信详单, spec/console.md section 8). Real numbers are masked; whoever searches by one knows it. */
export function smsOperations(details: SmsDetails): readonly Operation[] {
  return [
    {
      id: 'listSms',
      method: 'GET',
      path: '/v1/sms',
      summary: 'SMS, newest first, at most a thousand at a time; every condition that is given must hold',
      query: {
        app: text('APP_Key'),
        x: text('the X that it was sent to'),
        number: text('of sender or receiver'),
        sender: text('its number'),
        receiver: text('its number'),
        state: text('how far it is', { pattern: `^(${STATES.join('|')})$` }),
        result: text('sendResult', { pattern: String.raw`^(\d|1[0-3])$` }),
        binding: text('subscriptionId'),
        since: text('came at this instant or later, ISO 8601'),
        until: text('came at this instant or before'),
        before: text('the last id of the page before'),
        limit: text('at most so many; default 100', { pattern: String.raw`^[1-9]\d{0,3}$` }),
      },
      success: {
        status: 200,
        says: 'the SMS',
        schema: members({ sms: list(VIEW, 'newest first'), more: flag('whether there are more') }),
      },
      errors: [],
      async handle({ query }) {
        const { app, x, number, sender, receiver, state, result, binding } = query
        const { since, until, before, limit = '100' } = query
        const faults: string[] = []
        const asNumber = (name: string, given: string): E164 => {
          // A `+` that was not encoded has become a blank.
          const parsed = normaliseDialled(given.replace(/^ /, '+'))
          if (parsed === undefined) faults.push(`${name} is no telephone number`)
          return parsed as E164
        }
        const asInstant = (name: string, given: string): EpochMs => {
          const at = Date.parse(given)
          if (Number.isNaN(at)) faults.push(`${name} is no instant such as 2024-01-24T09:06:16Z`)
          return at
        }
        const most = Math.min(Number(limit), PAGE)
        const search = {
          ...(app !== undefined && { appKey: app }),
          ...(x !== undefined && { x: asNumber('x', x) }),
          ...(number !== undefined && { party: asNumber('number', number) }),
          ...(sender !== undefined && { sender: asNumber('sender', sender) }),
          ...(receiver !== undefined && { receiver: asNumber('receiver', receiver) }),
          ...(state !== undefined && { state: state as SmsState }),
          ...(result !== undefined && { result: Number(result) }),
          ...(binding !== undefined && { subscriptionId: binding }),
          ...(since !== undefined && { since: asInstant('since', since) }),
          ...(until !== undefined && { until: asInstant('until', until) }),
          ...(before !== undefined && { before }),
          limit: most + 1,
        }
        if (faults.length > 0) throw new InvalidRequest(faults)
        const found = await details.search(search)
        return { json: { sms: found.slice(0, most).map(toView), more: found.length > most } }
      },
    },
    {
      id: 'getSms',
      method: 'GET',
      path: '/v1/sms/:id',
      summary: 'One SMS with what became of each of its parts',
      success: {
        status: 200,
        says: 'the SMS',
        schema: members({ ...MEMBERS, parts: list(PART, 'that go to the receiver') }),
      },
      errors: ['SMS_UNKNOWN'],
      async handle({ params: { id = '' } }) {
        const found = await details.find(id)
        if (found === undefined) throw new AppError('SMS_UNKNOWN', `there is no SMS ${id}`)
        return { json: { ...toView(found.message), parts: found.mt.map(partView) } }
      },
    },
  ]
}

const PAGE = 1000

const count = (about: string): Schema => ({ type: 'integer', description: about })
const MEMBERS: Readonly<Record<string, Schema>> = {
  id: text('smsIdentifier'),
  at: text('when it came, ISO 8601'),
  state: text('how far it is', { enum: STATES }),
  app: text('APP_Key, once it is known'),
  x: text('X'),
  sender: text('masked'),
  receiver: text('masked; absent where nobody was found'),
  binding: text('subscriptionId'),
  direction: { ...count('of the pushes'), enum: [0, 1, 2] },
  carrier: text('that it came by'),
  endedAt: text('ISO 8601'),
  result: count('sendResult'),
  segments: count('sent: 短信条数'),
}
const VIEW: Schema = members(MEMBERS)
const PART: Schema = members({
  index: count('from 1'),
  segments: count('in it'),
  state: text('queued: not sent yet; unknown: sent, and no answer came; failed: never sent', {
    enum: ['queued', 'sent', 'accepted', 'refused', 'unknown', 'failed'],
  }),
  at: text('when it came to that, ISO 8601'),
  carrier: text('that it was given to'),
  carrierId: text('the carrier’s id of it'),
  status: count('of a refusal, as the carrier’s protocol numbers it'),
  receipt: text('what the network said of it later'),
})

const iso = (at: EpochMs): string => new Date(at).toISOString()

function toView({
  id,
  receivedAt,
  state,
  appKey,
  x,
  from,
  called,
  subject,
  carrier,
  end,
}: SmsMessage): Schema {
  return {
    id,
    at: iso(receivedAt),
    state,
    ...(appKey !== undefined && { app: appKey }),
    x,
    sender: maskNumber(from),
    ...(called !== undefined && { receiver: maskNumber(called) }),
    ...(subject?.subscriptionId !== undefined && { binding: subject.subscriptionId }),
    ...(subject && { direction: subject.direction }),
    carrier,
    ...(end && { endedAt: iso(end.at), result: end.result, segments: end.segments }),
  }
}

const partView = ({ at, ...part }: MtPart): Schema => ({ ...part, at: iso(at) })
