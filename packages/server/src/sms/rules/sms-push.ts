import type { E164 } from '../../shared/e164.ts'
import { type EpochMs, formatMillis } from '../../shared/time.ts'
import type { App } from '../../tenants/app.ts'
import type { SmsSubject } from './decide.ts'
import type { SendResult } from './send-result.ts'

/** `event` as the examples of two page generations have it, with the blank behind it (spec/sms.md section 3). */
export const DEFAULT_EVENT = 'Text SMS '

/** What both kinds of pushes tell of an SMS. */
export type SmsFacts = {
  /** smsIdentifier: one for all segments. */
  readonly id: string
  /** Real sender; in global form unless the network gives a name. */
  readonly calling: string
  readonly x: E164
  readonly at: EpochMs
  /** `event`. */
  readonly event: string
  readonly subject: SmsSubject
  /** `splitNum`: in a Notify the segments sent, in a Block those of the text as it came. */
  readonly segments: number
  /** City code of X. */
  readonly areaCode?: string
  /** As the sender wrote it. */
  readonly text?: string
}

/** Body of a Notify: what became of an SMS. `called` is left out where nobody was to get it. */
export const smsNotifyBody = (
  facts: SmsFacts & { readonly called?: E164; readonly result: SendResult },
  app: App,
): string =>
  body(app, {
    ...head(facts, 'Notify', facts.called),
    ...rest(facts, app, facts.result),
  })

/** Body of a Block: the customer is to say where the SMS goes. It has no receiver yet, and no result. */
export const smsBlockBody = (facts: SmsFacts, app: App): string =>
  body(app, { ...head(facts, 'Block'), ...rest(facts, app) })

type Members = Readonly<Record<string, unknown>>

const body = (app: App, smsEvent: Members): string => JSON.stringify({ appKey: app.key, smsEvent })

/** Members in the order of the documented example; those that it lacks in the order of the table. */
function head(facts: SmsFacts, notificationMode: 'Notify' | 'Block', called?: E164): Members {
  return {
    smsIdentifier: facts.id,
    notificationMode,
    calling: facts.calling,
    ...(called !== undefined && { called }),
    virtualNumber: facts.x,
    event: facts.event,
    timeStamp: formatMillis(facts.at),
  }
}

function rest({ subject, segments, areaCode, text }: SmsFacts, app: App, sendResult?: SendResult): Members {
  const { subscriptionId, direction, userData } = subject
  return {
    ...(subscriptionId !== undefined && { subscriptionId }),
    ...(app.smsContentInNotify && text !== undefined && { smsContent: text }),
    extInfo: {
      extParas: [
        { key: 'splitNum', value: String(segments) },
        { key: 'direction', value: String(direction) },
      ],
    },
    ...(sendResult !== undefined && { sendResult }),
    ...(app.smsAreaCode && areaCode && { areaCode }),
    ...(app.smsUserData && userData && { userData }),
  }
}
