import type { NumberFormat, NumberRuleIn, NumberRuleOut } from '../config/config.ts'
import { type E164, isFixedLine } from '../shared/e164.ts'

/**
 * `+8613800000021` → `13800000021`, `+8675528000001` → `075528000001`, `+864001234567` → `4001234567`: only the area code of a
 * fixed line has a 0 before it. Other countries keep their global form.
 */
export function national(number: E164): string {
  if (!number.startsWith('+86')) return number
  return `${isFixedLine(number) ? '0' : ''}${number.slice(3)}`
}

const WRITERS: Readonly<Record<NumberFormat, (number: E164) => string>> = {
  e164: (number) => number,
  digits: (number) => number.slice(1),
  international: (number) => `00${number.slice(1)}`,
  national,
}

/** How a number is written to a peer: the format, less `strip` where the text begins with it, behind `prefix`. */
export function numberWriter(
  rule: NumberRuleOut | undefined,
  fallback: NumberFormat,
): (number: E164) => string {
  const write = WRITERS[rule?.format ?? fallback]
  const { strip = '', prefix = '' } = rule ?? {}
  if (strip === '' && prefix === '') return write
  return (number) => prefix + without(write(number), strip)
}

/** What a peer's user part says, without what only that peer means by it; undefined when nothing is to be done. */
export function numberReader(rule: NumberRuleIn | undefined): ((user: string) => string) | undefined {
  const { strip = [], prefix = '' } = rule ?? {}
  if (strip.length === 0 && prefix === '') return undefined
  // 9#00 is looked for before 9#.
  const longestFirst = strip.toSorted((a, b) => b.length - a.length)
  return (user) => prefix + without(user, longestFirst.find((head) => user.startsWith(head)) ?? '')
}

const without = (text: string, head: string): string =>
  text.startsWith(head) ? text.slice(head.length) : text
