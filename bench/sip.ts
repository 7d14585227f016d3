import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { conformanceCounts } from '@maskline/sip/testkit'
import { benchPairs } from './support/parties.ts'
import { pushFaults, type PushTally } from './support/push-receiver.ts'
import { CALLEE_AT, CALLER_AT, kamailio, maskline, SERVER_AT, type BenchServer } from './support/server.ts'
import {
  measureHeldCalls,
  runSipBench,
  type HeldCallsResult,
  type SipBenchResult,
  type Workload,
} from './support/sip-bench.ts'

export type SipComparison = {
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
}

/** Compares servers at equal rates on one machine. Every run has a server of its own, fresh. */
export async function compareSip(options: SipComparison): Promise<SipReport> {
  const log = options.log ?? (() => {})
  const rows: SipRow[] = []
  for (const rate of options.rates) {
    const runs = new Map<string, SipBenchResult[]>()
    for (let round = 1; round <= options.rounds; round++) {
      for (const server of options.servers) {
        const result = await withServer(server, options.pairs, (workload) =>
          runSipBench({ ...workload, rate, seconds: options.seconds, warmUpCalls: options.warmUpCalls }),
        )
        log(`${server.name}, ${rate}/s, round ${round}: ${result.cpuSecPer1000.toFixed(2)} s per 1,000 calls`)
        if (result.failed > 0) log(`  ${result.failed} calls failed: ${result.errors.split('\n')[0] ?? ''}`)
        runs.set(server.name, [...(runs.get(server.name) ?? []), result])
      }
    }
    for (const [server, results] of runs) rows.push({ server, rate, best: bestOf(results), runs: results })
  }
  const memory: SipReport['memory'][number][] = []
  for (const server of options.heldCalls > 0 ? options.servers : []) {
    const pairs = Math.max(options.pairs, options.heldCalls)
    const held = await withServer(server, pairs, (workload) =>
      measureHeldCalls({ ...workload, calls: options.heldCalls, rate: 200 }),
    )
    memory.push({ server: server.name, ...held })
  }
  return { rows, memory }
}

/** A run with failed calls only counts when all of them have some. */
export function bestOf(results: readonly SipBenchResult[]): SipBenchResult {
  const clean = results.filter((result) => result.failed === 0)
  const [best] = (clean.length > 0 ? clean : results).toSorted((a, b) => a.cpuSecPer1000 - b.cpuSecPer1000)
  if (best === undefined) throw new Error('no rounds to choose from')
  return best
}

/** Throws when the server owed its customer a push at the end, or pushed wrongly: such a run measures nothing. */
async function withServer<T extends { readonly made: number; readonly madeFailed: number }>(
  server: BenchServer,
  pairs: number,
  run: (workload: Workload) => Promise<T>,
): Promise<T> {
  const running = await server.start(pairs)
  let result: T
  let tally: PushTally | undefined
  try {
    result = await run({
      serverPids: () => [running.pid],
      caller: CALLER_AT,
      server: SERVER_AT,
      callee: CALLEE_AT,
      pairs: benchPairs(pairs),
    })
  } finally {
    tally = await running.stop()
  }
  const faults = tally === undefined ? [] : pushFaults(tally, result.made, result.madeFailed)
  if (faults.length > 0) {
    const said = running.output().trim()
    throw new Error(`${server.name} did not deliver as it must: ${faults.join('; ')}; it said last:\n${said}`)
  }
  return result
}

/** The report as a Markdown table. */
export function renderSipReport(report: SipReport): string {
  const ms = (value: number | undefined): string => (value === undefined ? '–' : value.toFixed(2))
  const rows = report.rows.map(({ server, rate, best }) => {
    const memory = report.memory.find((row) => row.server === server)
    return [
      server,
      `${rate}`,
      best.cpuSecPer1000.toFixed(2),
      ms(best.latency?.p50Ms),
      ms(best.latency?.p99Ms),
      `${best.completed}`,
      `${best.failed}`,
      `${best.retransmissions}`,
      memory === undefined ? '–' : (memory.bytesPerCall / 1_024).toFixed(1),
    ]
  })
  const head = [
    'server',
    'calls/s',
    'CPU s per 1,000 calls',
    'p50 ms',
    'p99 ms',
    'completed',
    'failed',
    'repeated',
    'KB per held call',
  ]
  return [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
}

/** The servers that can run here, Maskline first; `onMissing` is told why another cannot. */
export function sipServers(onMissing: (why: string) => void, only = ''): BenchServer[] {
  const script = join(import.meta.dirname, 'maskline-server.ts')
  return [maskline(script), kamailio].filter((server) => {
    if (!server.name.toLowerCase().startsWith(only.toLowerCase())) return false
    const available = server.available()
    if (available !== true) onMissing(`${server.name} is left out: ${available}`)
    return available === true
  })
}

/** The RFCs' own messages: how many are treated as they must be. */
async function conformanceLines(): Promise<string> {
  const counts = await conformanceCounts()
  return counts.map(({ name, cases, passed }) => `${name}: ${passed}/${cases}`).join('\n')
}

/**
 * `npm run bench:sip [-- [--short] [--only NAME] [--rates 200,600,1000] [--seconds 10] [--rounds 3] [--held 2000] [--json]]`:
 * the masked call beside the reference at equal rates, in turn, and the counts of the conformance suites.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      short: { type: 'boolean', default: false },
      only: { type: 'string' },
      rates: { type: 'string', default: '200,600,1000' },
      seconds: { type: 'string' },
      rounds: { type: 'string' },
      held: { type: 'string' },
      pairs: { type: 'string', default: '500' },
      json: { type: 'boolean', default: false },
    },
  })
  const servers = sipServers((why) => console.error(why), values.only)
  const report = await compareSip({
    servers,
    rates: values.rates.split(',').map(Number),
    seconds: Number(values.seconds ?? (values.short ? 5 : 10)),
    warmUpCalls: values.short ? 2_000 : 8_000,
    rounds: Number(values.rounds ?? (values.short ? 1 : 3)),
    pairs: Number(values.pairs),
    heldCalls: Number(values.held ?? (values.short ? 0 : 2_000)),
    log: (line) => console.error(line),
  })
  console.log(values.json ? JSON.stringify(report, undefined, 2) : renderSipReport(report))
  if (!values.json) console.log(`\n${await conformanceLines()}`)
}

if (import.meta.main) await main()
