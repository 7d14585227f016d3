import { asObject, type Check, checkMembers, isText, listOf, must, whole } from './checks.ts'
import type { AggregatorConfig } from './sms-config.ts'

/** Every member of an aggregator and what it must be. */
const AGGREGATOR: Readonly<Record<keyof AggregatorConfig, Check>> = {
  name: must(
    (value) => typeof value === 'string' && /^[\w.-]{1,64}$/.test(value),
    'letters, digits, dots, dashes and underscores, at most 64',
  ),
  url: must(
    (value) => typeof value === 'string' && /^https?:/.test(value) && URL.canParse(value),
    'an http or https address',
  ),
  token: must(isText, 'a text'),
  inboundToken: must((value) => isText(value) && value.length >= 16, 'a text of at least 16 characters'),
  serves: listOf(
    (item) => typeof item === 'string' && /^\+\d{0,15}$/.test(item),
    'beginnings of numbers in global form, such as +86 or +86170',
  ),
  priority: whole(0, 65535),
  timeoutMs: whole(100, 120_000),
}

/** For the guide, which lists them all. */
export const AGGREGATOR_MEMBERS: readonly string[] = Object.keys(AGGREGATOR)

/** Reads `sms.aggregators`: every fault of every member in a sentence of its own. */
export function readAggregators(given: unknown, faults: string[]): readonly AggregatorConfig[] {
  if (given === undefined) return []
  if (!Array.isArray(given)) {
    faults.push('sms.aggregators must be a list of aggregators')
    return []
  }
  const names = new Set<unknown>()
  return given.map((item: unknown, index) => {
    const where = `sms.aggregators[${index}]`
    const aggregator = asObject(item)
    for (const key of Object.keys(aggregator))
      if (!(key in AGGREGATOR)) faults.push(`${where}.${key} is no setting of an aggregator`)
    checkMembers(aggregator, AGGREGATOR, where, faults)
    for (const needed of ['name', 'url', 'inboundToken'] as const)
      if (aggregator[needed] === undefined) faults.push(`${where}.${needed} is missing`)
    if (names.has(aggregator.name)) faults.push(`${where}.name must be one that no other aggregator has`)
    names.add(aggregator.name)
    return { priority: 0, timeoutMs: 10_000, ...aggregator } as unknown as AggregatorConfig
  })
}
