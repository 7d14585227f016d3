import type { E164 } from '../shared/e164.ts'
import type { EpochMs } from '../shared/time.ts'
import type { App } from '../tenants/app.ts'
import type { XCause, XNumber, XStatus } from './x-number.ts'

/** The inventory of X numbers. */
export type NumberStore = {
  find(number: E164): Promise<XNumber | undefined>
  /**
   * Inserts X numbers or replaces those that exist, all or none. A number that moves to another app loses all its
   * bindings (spec/numbers-and-rules.md section 5).
   */
  save(numbers: readonly XNumber[]): Promise<void>
  /** The numbers of an app, ascending. */
  list(appKey: string): Promise<readonly XNumber[]>
  /** Removes an X and its bindings; false when there was none. */
  remove(number: E164): Promise<boolean>
}

/**
 * Changes of state that customers are told of: the change and its push are one transaction (spec/number-status.md).
 * What looks the same to a customer is changed without a push.
 */
export type NumberStates = {
  /** State of one number; false when there is none. A cause is kept with `unusable` only. */
  change(
    number: E164,
    to: { readonly status: XStatus; readonly cause?: XCause },
    at: EpochMs,
  ): Promise<boolean>
  /** Removes a number with its bindings, telling `10` with cause 1; false when there is none. */
  remove(number: E164, at: EpochMs): Promise<boolean>
  /** Freezes or frees an account with all its numbers; false when there is no such account. */
  changeAccount(tenantId: string, to: App['accountStatus'], at: EpochMs): Promise<boolean>
}
