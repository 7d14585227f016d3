import { writeParties } from '../message/addresses.ts'
import { normalizeMessageId } from '../message/receipt.ts'
import { writeUserData } from '../message/user-data.ts'
import type { MessageBody, ResponsePdu } from '../pdu/pdu.ts'
import { STATUS, isTemporary } from '../pdu/status.ts'
import type { EsmeOptions, OutgoingPart, SubmitOutcome } from './types.ts'

/** What message_payload holds, less the longest header. */
const MAX_USER_DATA = 65_535 - 7

/** A part as submit_sm, or the outcome that it has because no submit_sm can carry it. */
export function submitBody(
  part: OutgoingPart,
  { numbers, serviceType }: Pick<EsmeOptions, 'numbers' | 'serviceType'>,
): { readonly body: MessageBody } | { readonly outcome: SubmitOutcome } {
  if (part.userData.length > MAX_USER_DATA) return { outcome: refused(STATUS.ESME_RINVMSGLEN) }
  const parties = writeParties(part.from, part.to, numbers)
  if (parties === 'source') return { outcome: refused(STATUS.ESME_RINVSRCADR) }
  if (parties === 'destination') return { outcome: refused(STATUS.ESME_RINVDSTADR) }
  const body: MessageBody = {
    ...parties,
    registered_delivery: part.receipt === false ? 0 : 1,
    ...writeUserData(part),
    ...(serviceType === undefined ? {} : { service_type: serviceType }),
    ...(part.validitySec === undefined ? {} : { validity_period: relativeTime(part.validitySec) }),
  }
  return { body }
}

const refused = (status: number): SubmitOutcome => ({
  state: 'refused',
  status,
  temporary: isTemporary(status),
})

/** What a response says. A generic_nack is a refusal whatever its status: the SMSC has understood nothing. */
export function outcomeOf(
  { command, status, body }: ResponsePdu,
  { messageIds }: Pick<EsmeOptions, 'messageIds'>,
): SubmitOutcome {
  if (command === 'generic_nack')
    return refused(status === STATUS.ESME_ROK ? STATUS.ESME_RUNKNOWNERR : status)
  if (status !== STATUS.ESME_ROK) return refused(status)
  const messageId = 'message_id' in body ? (body.message_id ?? '') : ''
  return { state: 'accepted', messageId: normalizeMessageId(messageId, messageIds?.response ?? 'as-is') }
}

/** YYMMDDhhmmss000R, from now (SMPP 3.4 §7.1.1). */
function relativeTime(seconds: number): string {
  const whole = Math.min(Math.max(1, Math.round(seconds)), 99 * 86_400)
  const [days, rest] = [Math.floor(whole / 86_400), whole % 86_400]
  const parts = [0, 0, days, Math.floor(rest / 3600), Math.floor((rest % 3600) / 60), rest % 60]
  return `${parts.map((part) => String(part).padStart(2, '0')).join('')}000R`
}
