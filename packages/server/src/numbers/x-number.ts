import type { E164 } from '../shared/e164.ts'

/** Wire states of an X (spec/number-status.md section 3): 5 normal, 9 suspended, 10 unusable, 11 binding frozen. */
export type XStatus = 'normal' | 'suspended' | 'unusable' | 'binding-frozen'

export type XCause = '1' | '2' | '3' | '5' | '6' | '7' | '8' | '9'

/** A virtual number of the inventory; belongs to exactly one app. */
export type XNumber = {
  readonly number: E164
  readonly appKey: string
  /** City code with leading 0 as in the API: `0755`, `010`. */
  readonly areaCode: string
  /** Province name as the geo data gives it, for the lenient choice; empty when unknown. */
  readonly province: string
  readonly status: XStatus
  /** Why it is unusable: `cause` of the status push (spec/number-status.md section 3). */
  readonly cause?: XCause
  readonly smsCapable: boolean
}
