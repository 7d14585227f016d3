import type { XNumber } from '../numbers/x-number.ts'
import { wireStatus } from '../numbers/status.ts'
import type { App } from '../tenants/app.ts'
import type { PushDraft } from './pushes.ts'

/**
 * The push that tells a customer of a number's state (spec/number-status.md): none unless the app wants them and has an
 * address; the address of its own wins over that of call events.
 */
export function numberStatusPush(x: XNumber, app: App): PushDraft | undefined {
  const url = app.numberStatusUrl ?? app.statusUrl
  if (!app.pushNumberStatus || !url) return undefined
  const { status, cause } = wireStatus(x, app.accountStatus)
  const body = { number: x.number, status, ...(cause !== undefined && { cause }) }
  return { kind: 'numStatus', url, body: JSON.stringify(body), sessionId: x.number }
}
