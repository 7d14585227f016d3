import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import type { ConformanceCase, ConformanceTable } from './case.ts'
import { RFC_4475 } from './rfc4475.ts'
import { RFC_5118 } from './rfc5118.ts'
import { fittedOutcomeOf, parserVerdictOf, stackOutcomeOf } from './run.ts'

export type ConformanceSuite = {
  /** `RFC 4475` */
  readonly name: string
  /** Folder of the fixtures. */
  readonly fixtures: URL
  readonly family: 4 | 6
  readonly table: ConformanceTable
}

const TESTDATA = new URL('../../../testdata/', import.meta.url)

export const CONFORMANCE_SUITES: readonly ConformanceSuite[] = [
  { name: 'RFC 4475', fixtures: new URL('rfc4475/', TESTDATA), family: 4, table: RFC_4475 },
  { name: 'RFC 5118', fixtures: new URL('rfc5118/', TESTDATA), family: 6, table: RFC_5118 },
]

export function fixtureOf(suite: ConformanceSuite, file: string): Buffer {
  return readFileSync(new URL(file, suite.fixtures))
}

/** What became of a message, in the words of the table; `faults` and what is left over must be nothing. */
export async function observe(
  bytes: Uint8Array,
  family: 4 | 6,
): Promise<Pick<ConformanceCase, 'parser' | 'stack' | 'fitted'> & { readonly clean: boolean }> {
  const stray = await stackOutcomeOf(bytes, family)
  const isResponse = Buffer.from(bytes).subarray(0, 4).toString('latin1') === 'SIP/'
  const fitted = isResponse ? await fittedOutcomeOf(bytes, family) : undefined
  const outcomes = fitted === undefined ? [stray] : [stray, fitted]
  const clean = outcomes.every(
    ({ left, faults }) => left.transactions === 0 && left.dialogs === 0 && faults.length === 0,
  )
  return {
    parser: parserVerdictOf(bytes),
    stack: stray.seen,
    ...(fitted !== undefined && { fitted: fitted.seen }),
    clean,
  }
}

/** How many messages of each RFC the parser and the stack treat as the table says: `{ name: 'RFC 4475', cases: 49, passed: 49 }`. */
export async function conformanceCounts(): Promise<
  readonly { readonly name: string; readonly cases: number; readonly passed: number }[]
> {
  const counts: { name: string; cases: number; passed: number }[] = []
  for (const suite of CONFORMANCE_SUITES) {
    const cases = Object.entries(suite.table)
    let passed = 0
    for (const [file, { parser, stack, fitted }] of cases) {
      const seen = await observe(fixtureOf(suite, file), suite.family)
      const expected = { parser, stack, ...(fitted !== undefined && { fitted }), clean: true }
      if (isDeepStrictEqual(seen, expected)) passed++
    }
    counts.push({ name: suite.name, cases: cases.length, passed })
  }
  return counts
}
