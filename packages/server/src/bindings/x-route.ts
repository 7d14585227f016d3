import type { XNumber } from '../numbers/x-number.ts'
import type { E164 } from '../shared/e164.ts'
import type { App } from '../tenants/app.ts'
import { recordingOf } from './call-settings.ts'
import { type ModeRouting, SERVICE_TYPES } from './mode.ts'
import { DEFAULT_COUNTRY_CODES, isBindable, isServiceNumber } from './parties.ts'
import { refuse, subjectOf } from './refusal.ts'
import type { Arrival, CallSubject, Connect, CustomerAnswer, Refuse, RouteDecision } from './route.ts'

/** The customer's answer to a callin after the edge has parsed it, by the names of spec/x.md section 3. */
export type XAnswer =
  | { readonly operation: 'connect'; readonly connectInfo: ConnectInfo }
  | { readonly operation: 'close'; readonly closeInfo: CloseInfo }
  /** Not in the documented form; `culprit` names the member to blame. */
  | { readonly operation: 'faulty'; readonly culprit: string }

export type ConnectInfo = {
  readonly calleeNum: E164
  /** Absent: X. */
  readonly displayCalleeNum?: E164
  /** Minutes from the callee's answer; 0 or absent = no limit. */
  readonly maxDuration?: number
  readonly waitVoice?: string
  readonly recordFlag?: boolean
  readonly recordHintTone?: string
  readonly lastMinVoice?: string
  readonly calleeHintVoice?: string
  readonly userData?: string
}

export type CloseInfo = { readonly closeHintTone?: string; readonly userData?: string }

export type XRoutingPorts = {
  readAnswer(body: string, app: App): XAnswer
  announcementExists(app: App, fileName: string): boolean
  findX(number: E164): Promise<XNumber | undefined>
  /** A call ended with 8014 or 8006 because of the customer; `why` names what is wrong and holds no number. */
  onFault?(app: App, why: string): void
  /** Countries that may be called, default mainland China. */
  readonly countryCodes?: readonly string[]
}

const ASK_TIMEOUT_MS = 5_000

/**
 * Routes a call to an X of an app in X mode: the customer's server is asked, and its answer is carried out (spec/x.md). Nothing
 * is bound, so no call has a subscriptionId.
 */
export function createXRouting(ports: XRoutingPorts): ModeRouting {
  const { readAnswer, announcementExists, findX, onFault, countryCodes = DEFAULT_COUNTRY_CODES } = ports

  const fault = (app: App, why: string, code = 8014, subject = notForwarded(app)): Refuse => {
    onFault?.(app, why)
    return refuse(subject, code, code === 8014 ? 404 : 403, app.exceptionTone)
  }

  const connect = async (info: ConnectInfo, arrival: Arrival, app: App): Promise<RouteDecision> => {
    const { calleeNum: callee, waitVoice, calleeHintVoice, maxDuration = 0 } = info
    if (callee === arrival.x || !(isBindable(callee, countryCodes) || isServiceNumber(callee)))
      return fault(app, 'connectInfo.calleeNum')
    // What has no effect is ignored: a hint without a recording, a last minute without a limit.
    const lastMinVoice = maxDuration > 0 ? info.lastMinVoice : undefined
    const recorded = recordingOf({ ...info, recordFlag: info.recordFlag === true }, app)
    const recordHintTone = recorded.recording?.hintTone
    const tones = { waitVoice, recordHintTone, lastMinVoice, calleeHintVoice }
    const missing = Object.entries(tones).find(([, file]) => file && !announcementExists(app, file))
    if (missing) return fault(app, `connectInfo.${missing[0]}: no such announcement`)
    return {
      kind: 'connect',
      subject: { ...withUserData(notForwarded(app), info), direction: 1 },
      callee,
      display: await displayOf(info.displayCalleeNum, arrival, app),
      maxDurationMin: maxDuration,
      ...(waitVoice && { waitingTone: waitVoice }),
      ...(calleeHintVoice && { calleeTone: calleeHintVoice }),
      ...(lastMinVoice && { lastMinVoice }),
      ...recorded,
    } satisfies Connect
  }

  /**
   * The number that the callee sees: this X, another X of the app, or the real caller where the app may show him and he does not withhold his number. Any other
   * wish gives X rather than a failed call (spec/numbers-and-rules.md section 7).
   */
  const displayOf = async (wanted: E164 | undefined, arrival: Arrival, app: App): Promise<E164> => {
    const { x } = arrival
    if (wanted === undefined || wanted === x) return x
    if (wanted === arrival.from)
      return app.realCallerDisplay && !arrival.withheld && !isServiceNumber(wanted) ? wanted : x
    const other = await findX(wanted)
    const usable = other?.status === 'normal' || other?.status === 'binding-frozen'
    return usable && other.appKey === app.key ? wanted : x
  }

  /** A closing tone that does not exist is 8006, "file does not exist"; any other fault is 8014 (spec/x.md section 4). */
  const close = (info: CloseInfo, app: App): Refuse => {
    const subject = withUserData(notForwarded(app), info)
    const { closeHintTone: tone } = info
    if (tone && !announcementExists(app, tone))
      return fault(app, 'closeInfo.closeHintTone: no such announcement', 8006, subject)
    return refuse(subject, 8017, 480, tone)
  }

  return {
    route(_arrival, _view, app) {
      const url = app.callinUrl ?? app.statusUrl
      if (!url) return fault(app, 'the app has no call status URL')
      const timeoutMs = app.askTimeoutMs ?? ASK_TIMEOUT_MS
      return { kind: 'ask', subject: notForwarded(app), url, timeoutMs }
    },
    answered(arrival, _asked, answer, app) {
      const why = unanswered(answer)
      if (why !== undefined) return fault(app, why)
      const read = readAnswer((answer as Answered).body, app)
      switch (read.operation) {
        case 'connect':
          return connect(read.connectInfo, arrival, app)
        case 'close':
          return close(read.closeInfo, app)
        case 'faulty':
          return fault(app, read.culprit)
        default:
          return read satisfies never
      }
    },
  }
}

type Answered = Extract<CustomerAnswer, { readonly kind: 'answer' }>

/** Why there is nothing to read, if so: only a 200 carries an answer (spec/x.md section 3). */
function unanswered(answer: CustomerAnswer): string | undefined {
  if (answer.kind === 'failed') return answer.why
  return answer.status === 200 ? undefined : `HTTP status ${answer.status}`
}

/** `direction` 2 until the call is forwarded, which makes it 1 (spec/notifications.md section 5.1). */
const notForwarded = (app: App): CallSubject => subjectOf(app, SERVICE_TYPES.X, undefined)

const withUserData = (subject: CallSubject, { userData }: { readonly userData?: string }): CallSubject =>
  userData ? { ...subject, userData } : subject
