import type { CustomerAnswer } from '../../bindings/route.ts'
import { parseApiNumber } from '../../shared/e164.ts'
import type { App } from '../../tenants/app.ts'
import type { BlockAnswer } from './decide.ts'

/** Longest `userData`, characters. */
const LONGEST_USER_DATA = 256

/**
 * Reads the customer's answer to a Block (spec/sms.md section 5). `actions` may be the one action itself, as a vendor's sample
 * builds it; of several the first counts. Only a 200 carries an answer.
 */
export function readBlockAnswer(answer: CustomerAnswer, app: App): BlockAnswer {
  if (answer.kind === 'failed') return { operation: 'none' }
  if (answer.status !== 200) return faulty(`HTTP status ${answer.status}`)
  let body: unknown
  try {
    body = JSON.parse(answer.body)
  } catch {
    return faulty('no JSON')
  }
  const actions = member(body, 'actions')
  const action: unknown = Array.isArray(actions) ? actions[0] : actions
  const userData = userDataOf(action, app)
  switch (member(action, 'operation')) {
    case 'DiscardMessage':
      return { operation: 'discard', ...userData }
    case 'vNumberRoute': {
      const called = member(member(action, 'message'), 'called')
      const number = typeof called === 'string' ? parseApiNumber(called) : undefined
      if (number === undefined) return { ...faulty('actions.message.called'), ...userData }
      return { operation: 'forward', called: number, ...userData }
    }
    default:
      return faulty('actions.operation')
  }
}

const faulty = (culprit: string) => ({ operation: 'faulty', culprit }) as const

/** AX alone has it. One that breaks the rules is left out: no text is lost for it. */
function userDataOf(action: unknown, app: App): { readonly userData?: string } {
  const userData = member(action, 'userData')
  if (app.mode !== 'AX' || typeof userData !== 'string' || userData === '') return {}
  const isWrong = userData.length > LONGEST_USER_DATA || (!app.lenientUserData && /[{}]/.test(userData))
  return isWrong ? {} : { userData }
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}
