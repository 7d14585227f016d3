import { isBindable } from '../../bindings/parties.ts'
import { type E164, isMobile, normaliseDialled } from '../../shared/e164.ts'

/**
 * Whether a number may send and receive: a mobile of a country that is served. Fixed lines and short codes (10086, 106…)
 * may not (spec/sms.md section 6).
 */
export const canText = (number: E164, countryCodes: readonly string[]): boolean =>
  isBindable(number, countryCodes) && (!number.startsWith('+86') || isMobile(number))

/** A text of A in AX without its tail, and whom the tail names. */
export type Tail = { readonly text: string; readonly called: E164 }

/** Behind the last half-width `@`: a number as people write it, then blanks that a phone may have added. */
const TAIL = /@(\+?[1-9]\d{6,14})\s*$/

/** Reads the tail `@B` of a text that A sends (spec/sms.md section 2); undefined when it names nobody. */
export function readTail(text: string, countryCodes: readonly string[]): Tail | undefined {
  const found = TAIL.exec(text)
  const called = found && normaliseDialled(found[1]!, countryCodes[0])
  if (!called || !canText(called, countryCodes)) return undefined
  return { text: text.slice(0, found.index), called }
}

/** A's copy of a text that somebody else sent to X: his real number follows it, without `+86`, and cannot be hidden. */
export const withSender = (text: string, sender: E164): string =>
  `${text}[From${sender.startsWith('+86') ? sender.slice(3) : sender}]`
