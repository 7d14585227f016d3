import { availableParallelism } from 'node:os'
import { isHeld, searchHeldRate, type HeldRate } from './held-rate.ts'
import { figure, markdownTable } from './support/markdown.ts'
import type { BenchServer } from './support/server.ts'
import { runSipBench, type SipBenchResult } from './support/sip-bench.ts'
import { withServer } from './support/with-server.ts'

export type ProcessesOptions = {
  readonly server: BenchServer
  /** So many at once, each with a SIP address, a data folder and a load of its own. */
  readonly processes: number
  /** Calls a second of each process. */
  readonly rate: number
  readonly seconds: number
  readonly warmUpCalls: number
  readonly pairs: number
  /** Calls a second of all together, ascending; empty leaves the search out. */
  readonly heldRates: readonly number[]
  readonly log?: (line: string) => void
}

/** Processes that took calls at once. */
export type ProcessSet = {
  readonly processes: number
  readonly results: readonly SipBenchResult[]
  readonly held: HeldRate | undefined
}
export type ProcessesResult = {
  readonly server: string
  readonly cores: number
  readonly one: ProcessSet
  readonly several: ProcessSet
}

/** One process alone and several at once, at the same rate each. */
export async function measureProcesses(options: ProcessesOptions): Promise<ProcessesResult> {
  return {
    server: options.server.name,
    cores: availableParallelism(),
    one: await measureSet(1, options),
    several: await measureSet(options.processes, options),
  }
}

async function measureSet(processes: number, options: ProcessesOptions): Promise<ProcessSet> {
  const { rate, heldRates, log } = options
  const results = await runAtOnce(processes, rate, options)
  for (const { cpuSecPer1000 } of results)
    log?.(`1 of ${processes}, ${rate}/s: ${cpuSecPer1000.toFixed(2)} s per 1,000 calls`)
  if (heldRates.length === 0) return { processes, results, held: undefined }
  const held = await searchHeldRate(heldRates, async (total) => {
    const runs = await runAtOnce(processes, total / processes, options)
    const failed = runs.reduce((sum, run) => sum + run.failed, 0)
    log?.(`${processes} together, ${total}/s: ${failed} failed`)
    return runs.every(isHeld)
  })
  return { processes, results, held }
}

/** Fresh processes, measured at the same time once all are warm. */
function runAtOnce(processes: number, rate: number, options: ProcessesOptions): Promise<SipBenchResult[]> {
  const { server, pairs, seconds, warmUpCalls } = options
  const onWarm = barrier(processes)
  return Promise.all(
    Array.from({ length: processes }, (_, place) =>
      withServer(
        server,
        pairs,
        (workload) => runSipBench({ ...workload, rate, seconds, warmUpCalls, onWarm, isCaptured: false }),
        place,
      ),
    ),
  )
}

/** Lets nobody pass before `count` have come. */
function barrier(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let missing = count
  return () => {
    if (--missing === 0) resolve()
    return promise
  }
}

/**
 * Calls a second that the cores have CPU for, were nothing else to run: each process has one main thread, which is never on two
 * cores, and all threads share the cores.
 */
export function capacity(
  { processes, results }: Pick<ProcessSet, 'processes' | 'results'>,
  cores: number,
): number {
  const mean = (field: 'cpuSecPer1000' | 'mainSecPer1000'): number =>
    results.reduce((sum, result) => sum + result[field], 0) / results.length
  return 1_000 * Math.min(cores / mean('cpuSecPer1000'), Math.min(processes, cores) / mean('mainSecPer1000'))
}

export function renderProcesses({ server, cores, one, several }: ProcessesResult): string {
  const sets = [one, several]
  const each = (field: 'cpuSecPer1000' | 'mainSecPer1000'): string[] =>
    sets.map(({ results }) => results.map((result) => figure(result[field])).join(', '))
  const total = (field: 'completed' | 'failed'): string[] =>
    sets.map(({ results }) => `${results.reduce((sum, result) => sum + result[field], 0)}`)
  const times = (values: readonly (number | undefined)[]): string => {
    const [first, second] = values
    return first === undefined || second === undefined ? '' : `${(second / first).toFixed(2)} ×`
  }
  const capacities = sets.map((set) => capacity(set, cores))
  const held = sets.map((set) => set.held?.rate)
  return [
    markdownTable(
      [server, 'one process', `${several.processes} processes`, 'scale', 'target'],
      [
        ['calls/s of each', ...sets.map(({ results }) => `${results[0]?.rate}`), '', ''],
        ['completed', ...total('completed'), '', ''],
        ['failed', ...total('failed'), '', ''],
        ['CPU s per 1,000 calls, all threads', ...each('cpuSecPer1000'), '', ''],
        ['CPU s per 1,000 calls, main thread', ...each('mainSecPer1000'), '', ''],
        [
          `calls/s that ${cores} cores have CPU for`,
          ...capacities.map((value) => figure(value, 0)),
          times(capacities),
          '≥ 1.7 ×',
        ],
        [
          'highest rate held, sipp on the same cores',
          ...held.map((rate) => figure(rate, 0)),
          times(held),
          '',
        ],
      ],
    ),
    `The scale by CPU is what is reckoned from CPU per call: a process can use at most one core for its main thread, all threads at
most the ${cores} cores, and nothing else runs. The scale by rate is what was held here, where callers, callees and push receivers need
the same ${cores} cores.`.replaceAll('\n', ' '),
  ].join('\n\n')
}
