import type { E164 } from '../shared/e164.ts'
import type { XNumber } from './x-number.ts'

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
