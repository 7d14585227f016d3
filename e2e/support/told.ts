import assert from 'node:assert/strict'
import type { CustomerServer } from '@maskline/lab'

type CallEvent = CustomerServer['events'][number]
type FeeInfo = CustomerServer['fees'][number]

/** What a customer was told of one call. */
export type Told = {
  readonly fee: FeeInfo
  readonly events: readonly CallEvent[]
  /** `callin`, `callout`, … */
  readonly types: readonly string[]
  /** `stateCode` of the disconnect event, which is the CDR's release code too. */
  readonly code: number | undefined
}

/** The next call that has ended. */
export type Listener = (what?: string) => Promise<Told>

/** Gives the calls of a customer's server one after the other, as their CDRs come. */
export function listenTo(customer: CustomerServer): Listener {
  let calls = 0
  return async (what = `the CDR of call ${calls + 1}`) => {
    const index = calls++
    await customer.waitFor((c) => c.fees.length > index, what)
    const fee = customer.fees[index]!
    const ofCall = (): CallEvent[] =>
      customer.events.filter(({ statusInfo }) => statusInfo.sessionId === fee.sessionId)
    await customer.waitFor(() => ofCall().some(({ eventType }) => eventType === 'disconnect'), what)
    const events = ofCall()
    const code = events.at(-1)?.statusInfo.stateCode
    assert.equal(fee.ulFailReason, code)
    return { fee, events, types: events.map(({ eventType }) => eventType), code }
  }
}
