import { readParties } from '../message/addresses.ts'
import { isReceipt, normalizeMessageId, readReceipt } from '../message/receipt.ts'
import { readUserData } from '../message/user-data.ts'
import type { MessageBody, RequestPdu } from '../pdu/pdu.ts'
import { STATUS } from '../pdu/status.ts'
import type { AnswerFate } from '../session/answer-watch.ts'
import type { Answer } from '../session/session.ts'
import type { EsmeOptions } from './types.ts'

/**
 * Answers what an SMSC sends: hands out messages and receipts, and acknowledges each when its promise is fulfilled. A
 * rejection is ESME_RX_T_APPN, which asks for another delivery. A receipt that names no message is acknowledged, for it
 * would come again the same.
 */
export function createIncoming(
  options: Pick<EsmeOptions, 'onMessage' | 'onReceipt' | 'numbers' | 'defaultAlphabet' | 'messageIds'>,
  now: () => number,
  onFault: (detail: string) => void,
): (pdu: RequestPdu) => Promise<Answer> {
  const handOut = (body: MessageBody, acknowledgement: Promise<AnswerFate>): Promise<void> | void => {
    if (!isReceipt(body)) {
      return options.onMessage({
        ...readParties(body, options.numbers),
        ...readUserData(body, options.defaultAlphabet),
        receivedAt: now(),
        acknowledgement,
      })
    }
    const receipt = readReceipt(body)
    if (receipt === undefined) return onFault('a receipt without a message id')
    const messageId = normalizeMessageId(receipt.messageId, options.messageIds?.receipt ?? 'as-is')
    return options.onReceipt({ ...receipt, messageId })
  }
  return async (pdu) => {
    if (pdu.command !== 'deliver_sm' && pdu.command !== 'data_sm') return { status: STATUS.ESME_RINVBNDSTS }
    const { promise: acknowledgement, resolve: onFate } = Promise.withResolvers<AnswerFate>()
    try {
      await handOut(pdu.body, acknowledgement)
      return { status: STATUS.ESME_ROK, ...(isReceipt(pdu.body) ? {} : { onFate }) }
    } catch {
      return { status: STATUS.ESME_RX_T_APPN }
    }
  }
}
