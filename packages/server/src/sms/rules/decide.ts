import type { Match, RouteView } from '../../bindings/route.ts'
import type { E164 } from '../../shared/e164.ts'
import type { App } from '../../tenants/app.ts'
import type { ContentFilter } from './content-filter.ts'
import { canText, readTail, withSender } from './parties.ts'
import { SEND_RESULTS, type SendResult } from './send-result.ts'

/** An SMS that came to X, whole. */
export type SmsArrival = {
  readonly x: E164
  /** Absent where the sender is no telephone number: a name, a short code that no country code fits. */
  readonly from: E164 | undefined
  readonly text: string
}

/** What was known when it was decided: one lookup, and rules that hold for every text. */
export type SmsView = Pick<RouteView, 'app' | 'xNumber' | 'match'> & {
  readonly filter: ContentFilter
  /** Countries whose numbers may send and receive; the first is where numbers without a country code belong. */
  readonly countryCodes: readonly string[]
}

/** `direction` of the pushes: 0 somebody to A, 1 A to somebody, 2 abnormal (spec/sms.md section 3). */
export type SmsDirection = 0 | 1 | 2

/** What the SMS belongs to. */
export type SmsSubject = {
  readonly direction: SmsDirection
  readonly subscriptionId?: string
  readonly userData?: string
}

/** Sent to `called` from X; the customer is told afterwards. */
export type SmsForward = {
  readonly do: 'forward'
  readonly subject: SmsSubject
  readonly called: E164
  readonly text: string
}
/** The customer is asked at its control URL; `decideAnswer` reads what it says. */
export type SmsAsk = { readonly do: 'ask'; readonly subject: SmsSubject; readonly url: string }
/** Sent to nobody; the customer is told why. */
export type SmsRefuse = {
  readonly do: 'refuse'
  readonly subject: SmsSubject
  readonly result: Exclude<SendResult, 0>
  /** Who would have got it, if that is known. */
  readonly called?: E164
}
export type SmsDecision = SmsForward | SmsAsk | SmsRefuse

/** Where nothing is bound, or the abnormal case comes before the binding is asked. */
const UNKNOWN: SmsSubject = { direction: 2 }

/**
 * Decides what happens to an SMS that came to X (spec/sms.md sections 1, 2 and 6): whether account, app, X, the three switches and the
 * sender allow it; to whom it goes by the app's mode; whether its words may pass.
 */
export function decideSms(arrival: SmsArrival, view: SmsView): SmsDecision {
  const { app, xNumber, match, filter } = view
  if (!app || !xNumber) return refuse(UNKNOWN, SEND_RESULTS.noBinding)
  const subject = subjectOf(app, match)
  const barred = gate(arrival, view, app, subject)
  if (barred !== undefined) return refuse(subject, barred)
  if (app.mode !== 'X' && subject.subscriptionId === undefined) return refuse(subject, SEND_RESULTS.noBinding)
  const words = filter.resultOf(arrival.text)
  if (words !== undefined) return refuse(subject, words)
  return admitted(byMode(arrival, view, app, subject), view)
}

/** What the customer's answer to a Block comes to (spec/sms.md section 5): the text goes whole and unchanged, or nowhere. */
export function decideAnswer(
  arrival: SmsArrival,
  view: SmsView,
  asked: SmsSubject,
  answer: BlockAnswer,
): SmsForward | SmsRefuse {
  const { userData } = answer
  const subject: SmsSubject = { ...asked, ...(userData !== undefined && { userData }) }
  switch (answer.operation) {
    case 'forward': {
      const { called } = answer
      if (called === arrival.x) return refuse(subject, SEND_RESULTS.internalError)
      const forward: SmsForward = { do: 'forward', subject, called, text: arrival.text }
      return admitted(forward, view) as SmsForward | SmsRefuse
    }
    case 'discard':
      return refuse(subject, SEND_RESULTS.customerDiscarded)
    case 'none':
      return refuse(subject, SEND_RESULTS.reviewTimedOut)
    case 'faulty':
      return refuse(subject, SEND_RESULTS.internalError)
    default:
      return answer satisfies never
  }
}

/** A customer's answer to a Block, after it has been read (block-answer.ts). `none`: no whole answer in time. */
export type BlockAnswer = { readonly userData?: string } & (
  | { readonly operation: 'forward'; readonly called: E164 }
  | { readonly operation: 'discard' | 'none' }
  /** Not in the documented form; `culprit` names the member to blame. */
  | { readonly operation: 'faulty'; readonly culprit: string }
)

/** What stops an SMS whoever it is for; the first that does. */
function gate(
  { from }: SmsArrival,
  { xNumber, match, countryCodes }: SmsView,
  app: App,
  subject: SmsSubject,
): Exclude<SendResult, 0> | undefined {
  if (app.accountStatus === 'frozen') return SEND_RESULTS.accountFrozen
  if (app.status === 'suspended') return SEND_RESULTS.appNotCommercial
  // `binding-frozen` only stops new bindings; SMS go on.
  if (xNumber!.status === 'suspended' || xNumber!.status === 'unusable') return SEND_RESULTS.xSuspended
  const hasSms = app.mode === 'AX' || app.mode === 'AXB' || app.mode === 'X'
  const isOff = subject.subscriptionId !== undefined && !allowsSms(match!)
  if (!hasSms || !app.smsEnabled || !xNumber!.smsCapable || isOff) return SEND_RESULTS.noSmsCapability
  if (from === undefined || !canText(from, countryCodes)) return SEND_RESULTS.blacklisted
  return app.controls?.blockedCallers?.includes(from) ? SEND_RESULTS.blacklisted : undefined
}

const allowsSms = ({ binding }: Match): boolean => 'privateSms' in binding && binding.privateSms

function byMode({ text, from }: SmsArrival, view: SmsView, app: App, subject: SmsSubject): SmsDecision {
  const { match, countryCodes, xNumber } = view
  if (app.mode === 'X' || !match) return ask(subject, app)
  const { binding, role } = match
  if (binding.mode === 'AXB')
    return { do: 'forward', subject, called: role === 'a' ? binding.b : binding.a, text }
  if (role === 'b') return { do: 'forward', subject, called: binding.a, text: withSender(text, from!) }
  const tail = readTail(text, countryCodes)
  // Nobody texts himself through X, nor X itself: such a tail is as good as none.
  if (!tail || tail.called === binding.a || tail.called === xNumber!.number) return ask(subject, app)
  return { do: 'forward', subject, ...tail }
}

/** Without a control URL nobody can say where the text is to go (it is mandatory in AX and X). */
function ask(subject: SmsSubject, { smsControlUrl: url }: App): SmsAsk | SmsRefuse {
  return url ? { do: 'ask', subject, url } : refuse(subject, SEND_RESULTS.internalError)
}

/** A receiver must be a mobile, and on no black list. */
function admitted(decision: SmsDecision, { app, countryCodes }: SmsView): SmsDecision {
  if (decision.do !== 'forward') return decision
  const { called, subject } = decision
  const isBarred = !canText(called, countryCodes) || app!.controls?.blockedCallees?.includes(called)
  return isBarred ? refuse(subject, SEND_RESULTS.blacklisted, called) : decision
}

/** In X mode nothing is bound and direction is 1; elsewhere 1 is A's, 0 the other side's, and 2 nobody's. */
export function subjectOf(app: App, match: Match | undefined): SmsSubject {
  if (app.mode === 'X') return { direction: 1 }
  if (!match || match.binding.mode !== app.mode) return UNKNOWN
  const { binding, role } = match
  return {
    direction: role === 'a' ? 1 : 0,
    subscriptionId: binding.id,
    ...(binding.userData && { userData: binding.userData }),
  }
}

const refuse = (subject: SmsSubject, result: Exclude<SendResult, 0>, called?: E164): SmsRefuse => ({
  do: 'refuse',
  subject,
  result,
  ...(called !== undefined && { called }),
})
