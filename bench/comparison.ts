import { failedShare, HELD_FAILED_SHARE, type HeldRate, measureHeldRate } from './held-rate.ts'
import { figure, markdownTable } from './support/markdown.ts'
import type { BenchServer } from './support/server.ts'
import {
  measureHeldCalls,
  runSipBench,
  type HeldCallsResult,
  type SipBenchResult,
} from './support/sip-bench.ts'
import { withServer } from './support/with-server.ts'

export type SipComparison = {
  /** Ours first, then the reference. */
  readonly servers: readonly BenchServer[]
  /** Calls a second. */
  readonly rates: readonly number[]
  readonly seconds: number
  readonly warmUpCalls: number
  /** Each server runs so often at each rate, in turn (A B A B …); the cheapest run without a failed call counts. */
  readonly rounds: number
  /** Bindings in force; calls use them in turn. */
  readonly pairs: number
  /** Calls held to measure memory; 0 leaves it out. */
  readonly heldCalls: number
  /** Ascending: the highest of them that is held is searched for. Empty leaves it out. */
  readonly heldRates: readonly number[]
  readonly log?: (line: string) => void
}

export type SipRow = {
  readonly server: string
  readonly rate: number
  readonly best: SipBenchResult
  readonly runs: readonly SipBenchResult[]
}
export type SipReport = {
  readonly rows: readonly SipRow[]
  readonly memory: readonly (HeldCallsResult & { readonly server: string })[]
  readonly held: readonly (HeldRate & { readonly server: string })[]
}

/** Compares servers at equal rates on one machine. Every run has a server of its own, fresh. */
export async function compareSip(options: SipComparison): Promise<SipReport> {
  const { servers, seconds, warmUpCalls, pairs, heldCalls, heldRates, log = () => {} } = options
  const rows: SipRow[] = []
  for (const rate of options.rates) {
    const runs = new Map<string, SipBenchResult[]>()
    for (let round = 1; round <= options.rounds; round++) {
      for (const server of servers) {
        const result = await withServer(server, pairs, (workload) =>
          runSipBench({ ...workload, rate, seconds, warmUpCalls }),
        )
        log(`${server.name}, ${rate}/s, round ${round}: ${result.cpuSecPer1000.toFixed(2)} s per 1,000 calls`)
        if (result.failed > 0) log(`  ${result.failed} calls failed: ${result.errors.split('\n')[0] ?? ''}`)
        runs.set(server.name, [...(runs.get(server.name) ?? []), result])
      }
    }
    for (const [server, results] of runs) rows.push({ server, rate, best: bestOf(results), runs: results })
  }
  const held: SipReport['held'][number][] = []
  for (const server of heldRates.length > 0 ? servers : []) {
    const found = await measureHeldRate({ server, rates: heldRates, seconds, warmUpCalls, pairs, log })
    held.push({ server: server.name, ...found })
  }
  const memory: SipReport['memory'][number][] = []
  for (const server of heldCalls > 0 ? servers : []) {
    const result = await withServer(server, Math.max(pairs, heldCalls), (workload) =>
      measureHeldCalls({ ...workload, calls: heldCalls, rate: 200 }),
    )
    log(`${server.name}: ${(result.bytesPerCall / 1_024).toFixed(1)} KB per held call`)
    memory.push({ server: server.name, ...result })
  }
  return { rows, memory, held }
}

/** A run with failed calls only counts when all of them have some. */
export function bestOf(results: readonly SipBenchResult[]): SipBenchResult {
  const clean = results.filter((result) => result.failed === 0)
  const [best] = (clean.length > 0 ? clean : results).toSorted((a, b) => a.cpuSecPer1000 - b.cpuSecPer1000)
  if (best === undefined) throw new Error('no rounds to choose from')
  return best
}

/** What the platform promises, for ours and, where it is a multiple, times the reference. */
const TARGETS = {
  cpuTimesReference: 1.1,
  p50Ms: 0.7,
  p99Ms: 3,
  heldRate: 1_000,
  kbPerHeldCall: 20,
} as const

/**
 * One Markdown table: a row for each server, then ours over the reference and the targets. Latencies are those at the lowest rate,
 * failed calls those of all rounds.
 */
export function renderSipReport({ rows, memory, held }: SipReport): string {
  const servers = [...new Set(rows.map(({ server }) => server))]
  const rates = [...new Set(rows.map(({ rate }) => rate))]
  const bestAt = (server: string | undefined, rate: number | undefined): SipBenchResult | undefined =>
    rows.find((row) => row.server === server && row.rate === rate)?.best
  const serverRow = (server: string): string[] => {
    const latency = bestAt(server, rates[0])?.latency
    const runs = rows.filter((row) => row.server === server).flatMap((row) => row.runs)
    const heldRate = held.find((row) => row.server === server)
    const bytes = memory.find((row) => row.server === server)?.bytesPerCall
    return [
      server,
      ...rates.map((rate) => figure(bestAt(server, rate)?.cpuSecPer1000)),
      figure(latency?.p50Ms),
      figure(latency?.p99Ms),
      figure(100 * failedShare(total(runs))),
      heldRate === undefined ? '–' : `${heldRate.isLast ? '≥ ' : ''}${heldRate.rate}`,
      figure(bytes === undefined ? undefined : bytes / 1_024, 1),
    ]
  }
  const [ours, reference] = servers
  const ratioRow = [
    `${ours} ÷ ${reference}`,
    ...rates.map((rate) =>
      figure(bestAt(ours, rate)!.cpuSecPer1000 / (bestAt(reference, rate)?.cpuSecPer1000 ?? Number.NaN)),
    ),
    ...['', '', '', '', ''],
  ]
  const { cpuTimesReference, p50Ms, p99Ms, heldRate, kbPerHeldCall } = TARGETS
  const targetRow = [
    'target',
    ...rates.map(() => `÷ ≤ ${cpuTimesReference}`),
    ...[`≤ ${p50Ms}`, `≤ ${p99Ms}`, `< ${100 * HELD_FAILED_SHARE}`, `≥ ${heldRate}`, `≤ ${kbPerHeldCall}`],
  ]
  const head = [
    'server',
    ...rates.map((rate) => `CPU s per 1,000 calls at ${rate}/s`),
    `p50 ms at ${rates[0]}/s`,
    `p99 ms at ${rates[0]}/s`,
    'failed %',
    'highest rate held',
    'KB per held call',
  ]
  return markdownTable(head, [...servers.map(serverRow), ...(reference ? [ratioRow] : []), targetRow])
}

/** Every round of every server, as it was measured. */
export function renderRounds(rows: readonly SipRow[]): string {
  const head = [
    ...['server', 'calls/s', 'CPU s per 1,000 calls, each round', 'p50 ms', 'p99 ms', 'max ms'],
    ...['completed', 'failed', 'repeated'],
  ]
  return markdownTable(
    head,
    rows.map(({ server, rate, best, runs }) => [
      ...[server, `${rate}`, runs.map(({ cpuSecPer1000 }) => figure(cpuSecPer1000)).join(', ')],
      ...[figure(best.latency?.p50Ms), figure(best.latency?.p99Ms), figure(best.latency?.maxMs)],
      ...[`${total(runs).completed}`, `${total(runs).failed}`, `${total(runs).retransmissions}`],
    ]),
  )
}

function total(runs: readonly SipBenchResult[]) {
  const sum = (field: 'completed' | 'failed' | 'retransmissions'): number =>
    runs.reduce((before, run) => before + run[field], 0)
  return { completed: sum('completed'), failed: sum('failed'), retransmissions: sum('retransmissions') }
}
