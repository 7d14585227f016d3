import type { CallFact, CallRecord } from '../calls/call-record.ts'
import { formatWireTime } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import type { PushKind } from './outbox.ts'
import { isUnansweredOnly, stateDesc } from './release-codes.ts'

/** A push to be stored with the fact that causes it; the outbox adds id, app and attempts. */
export type PushDraft = {
  readonly kind: PushKind
  readonly url: string
  /** event: the whole JSON body. fee: one FeeInfo object, wrapped and batched at delivery. */
  readonly body: string
  readonly sessionId: string
}

const NOTHING: readonly PushDraft[] = []

/**
 * The pushes one fact of a call causes, in the order they are to be sent: the event, then for a disconnect the
 * CDR (spec/notifications.md sections 1, 4 and 5). A CDR that waits for a recording comes with `recorded`, which is no
 * event. An address that is not set gets nothing.
 *
 * The callin of an X-mode app is a question that waits for the customer's answer, not a notification: whoever
 * asks sends `eventBody` itself, and nothing is queued here.
 */
export function pushesOf(fact: CallFact, app: App): readonly PushDraft[] {
  const { record } = fact
  const eventUrl = fact.event === 'callin' ? (app.callinUrl ?? app.statusUrl) : app.statusUrl
  const asksCustomer = fact.event === 'callin' && app.mode === 'X'
  const drafts: PushDraft[] = []
  if (eventUrl && !asksCustomer && fact.event !== 'recorded') {
    drafts.push({ kind: 'event', url: eventUrl, body: eventBody(fact, app), sessionId: record.sessionId })
  }
  if (endsRecord(fact) && app.cdrUrl) {
    drafts.push({ kind: 'fee', url: app.cdrUrl, body: feeInfo(record, app), sessionId: record.sessionId })
  }
  return drafts.length === 0 ? NOTHING : drafts
}

const endsRecord = ({ event, record }: CallFact): boolean =>
  event === 'recorded' || (event === 'disconnect' && record.recordingPending === undefined)

/**
 * Body of a call event. Until forwarding starts, and always in callin, the parties are the real caller and X;
 * afterwards the number shown and the real callee (spec/notifications.md section 4.2). A caller whom the network does
 * not name is the empty string: the field is mandatory and mapped to a string by receivers, `null` or a word would
 * break them.
 */
export function eventBody(fact: CallFact, app: App): string {
  const { record, event } = fact
  if (event === 'collectInfo')
    return `{"eventType":"collectInfo","statusInfo":{"timestamp":"${formatWireTime(fact.at)}","sessionId":"${record.sessionId}","digitInfo":"${fact.digits ?? ''}"}}`
  const forward = event === 'callin' ? undefined : record.forward
  const caller = forward ? forward.display : (record.caller ?? '')
  const called = forward ? forward.callee : record.x
  let body = `{"eventType":"${event}","statusInfo":{"timestamp":"${formatWireTime(fact.at)}","sessionId":"${record.sessionId}","caller":"${caller}","called":"${called}"`
  if (event === 'callin' && app.mode === 'X') body += ',"notifyMode":"Block"'
  if (event === 'disconnect') {
    const code = releaseOf(record).code
    body += `,"stateCode":${code},"stateDesc":"${stateDesc(code)}"`
  }
  // In AXE the extension decides the binding, so callin cannot know it; X mode has no bindings.
  const namesBinding = app.mode !== 'X' && !(app.mode === 'AXE' && event === 'callin')
  if (record.subscriptionId && namesBinding) body += `,"subscriptionId":"${record.subscriptionId}"`
  if (record.userData) body += `,"userData":${JSON.stringify(record.userData)}`
  return body + '}}'
}

/**
 * FeeInfo of an ended call, fields in the order of a real push (spec/notifications.md sections 5.1, 5.4, 5.5).
 * Unknown times are left out, except `fwdAnswerTime` of a forwarded, unanswered call: the empty string.
 */
export function feeInfo(record: CallRecord, app: App): string {
  const { forward, end, recording } = record
  const release = releaseOf(record)
  const answered = forward?.answerAt !== undefined
  const subscriptionId = app.mode === 'X' ? undefined : record.subscriptionId

  let fee = `{"direction":${record.direction},"spId":${JSON.stringify(app.spId)},"appKey":${JSON.stringify(app.key)}`
  fee += `,"icid":"${record.icid}","bindNum":"${record.x}","sessionId":"${record.sessionId}"`
  if (subscriptionId) fee += `,"subscriptionId":"${subscriptionId}"`
  fee += `,"callerNum":"${record.caller ?? ''}","calleeNum":"${record.x}"`
  if (forward) fee += `,"fwdDisplayNum":"${forward.display}","fwdDstNum":"${forward.callee}"`
  fee += `,"callInTime":"${formatWireTime(record.callInAt)}"`
  if (forward) {
    fee += `,"fwdStartTime":"${formatWireTime(forward.startAt)}"`
    if (forward.alertingAt !== undefined) fee += `,"fwdAlertingTime":"${formatWireTime(forward.alertingAt)}"`
    fee += `,"fwdAnswerTime":"${forward.answerAt === undefined ? '' : formatWireTime(forward.answerAt)}"`
  }
  if (end) fee += `,"callEndTime":"${formatWireTime(end.at)}"`
  fee += `,"fwdUnaswRsn":${release.q850}`
  if (end && !answered) fee += `,"failTime":"${formatWireTime(end.at)}"`
  fee += `,"ulFailReason":${releasePoint(release.code, record, app)},"sipStatusCode":${release.sipStatus},"callOutUnaswRsn":0`
  if (recording) {
    fee += `,"recordFlag":1,"recordStartTime":"${formatWireTime(recording.startAt)}","recordDomain":${JSON.stringify(recording.domain)}`
    fee += `,"recordBucketName":${JSON.stringify(recording.bucket)},"recordObjectName":${JSON.stringify(recording.object)}`
  } else {
    fee += ',"recordFlag":0'
  }
  fee += ',"ttsPlayTimes":0,"ttsTransDuration":0'
  if (subscriptionId) fee += `,"mptyId":"${subscriptionId}"`
  fee += `,"serviceType":"${record.serviceType}","hostName":"${record.hostName}"`
  if (record.extension) fee += `,"extendNum":"${record.extension}"`
  if (record.userData) fee += `,"userData":${JSON.stringify(record.userData)}`
  if (app.mode === 'X') fee += ',"notifyMode":"Block"'
  return fee + ',"voiceCheckType":0}'
}

/**
 * Release values that cannot contradict the answer time. Customers read "ulFailReason and fwdUnaswRsn both 0" as
 * connected (spec/codes.md section 1): an unanswered call never gets 0, an answered one never the reason of an
 * unanswered one. The event and the CDR take the code from here, so they always agree.
 */
function releaseOf(record: CallRecord): { code: number; q850: number; sipStatus: number } {
  const end = record.end ?? { releaseCode: 0, q850: 0, sipStatus: 0 }
  const { forward } = record
  if (forward?.answerAt !== undefined) {
    return { code: isUnansweredOnly(end.releaseCode) ? 0 : end.releaseCode, q850: 0, sipStatus: 0 }
  }
  const gaveUp = !forward ? 7516 : forward.alertingAt === undefined ? 7501 : 7502
  return {
    code: end.releaseCode === 0 ? gaveUp : end.releaseCode,
    q850: forward ? end.q850 : 0,
    sipStatus: end.sipStatus,
  }
}

/** `ulFailReason`: the release code, except the one pair known to differ: nobody is bound on this X (codes.md 4). */
function releasePoint(code: number, record: CallRecord, app: App): number {
  return code === 8018 && app.mode === 'AX' && !record.subscriptionId ? 7104 : code
}
