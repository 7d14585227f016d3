import type { App } from '../tenants/app.ts'
import type { XCause, XNumber, XStatus } from './x-number.ts'

/** `status` of the push by state of the number (spec/number-status.md section 3). */
const WIRE: Readonly<Record<XStatus, string>> = {
  normal: '5',
  suspended: '9',
  unusable: '10',
  'binding-frozen': '11',
}

/**
 * What a customer is told of a number. The numbers of a frozen account are suspended whatever their own state, unless
 * that is worse; a cause goes with `unusable` only.
 */
export function wireStatus(
  { status, cause }: Pick<XNumber, 'status' | 'cause'>,
  account: App['accountStatus'],
): { readonly status: string; readonly cause?: XCause } {
  if (status === 'unusable') return { status: WIRE.unusable, ...(cause !== undefined && { cause }) }
  return { status: account === 'frozen' ? WIRE.suspended : WIRE[status] }
}

/** Whether customers see the same state in both: then there is nothing to tell. */
export function looksTheSame(
  before: Pick<XNumber, 'status' | 'cause'>,
  after: Pick<XNumber, 'status' | 'cause'>,
  account: App['accountStatus'],
): boolean {
  const [a, b] = [wireStatus(before, account), wireStatus(after, account)]
  return a.status === b.status && a.cause === b.cause
}
