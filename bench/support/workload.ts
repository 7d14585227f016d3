import { join } from 'node:path'
import { startSipp, type SippOptions, type SippRun } from '../../e2e/support/sipp.ts'
import type { BenchPair } from './parties.ts'

type Address = { readonly address: string; readonly port: number }

/** Where the three parties of the workload are. */
export type Place = { readonly caller: Address; readonly server: Address; readonly callee: Address }

/** Who calls whom through what. */
export type Workload = Place & {
  /** Roots of the server's process trees. */
  readonly serverPids: () => readonly number[]
  readonly pairs: readonly BenchPair[]
}

const SCENARIOS = join(import.meta.dirname, '../scenarios')
/** After the last BYE: what the server does behind the calls (journal, pushes, CDRs that gather for a second) is theirs. */
export const DRAIN_MS = 1_500

/** sipp as the callee (scenarios/uas.xml), until it is stopped. */
export function startCallee({ callee }: Place): Promise<SippRun> {
  return startSipp({
    scenario: { path: join(SCENARIOS, 'uas.xml') },
    local: callee,
    receiveTimeoutMs: 120_000,
    timeoutMs: 0,
  })
}

/** sipp as the caller (scenarios/uac.xml): `calls` at `rate` a second. */
export function callerOptions(
  workload: Workload,
  rate: number,
  calls: number,
  scenario = 'uac',
): SippOptions {
  return {
    scenario: { path: join(SCENARIOS, `${scenario}.xml`) },
    local: workload.caller,
    remote: workload.server,
    parties: workload.pairs.map(({ caller, x }) => ({ caller, dialled: x })),
    calls,
    rate,
    // sipp takes fractions of a rate, and whole calls.
    maxConcurrent: Math.max(1_000, Math.ceil(rate * 10)),
    timeoutMs: (calls / rate) * 1_000 + 60_000,
  }
}
