import { setTimeout as pause } from 'node:timers/promises'
import { runSipp, startSipp, type SippRun } from '../e2e/support/sipp.ts'
import { waitFor } from '../e2e/support/wait.ts'
import { figure, markdownTable } from './support/markdown.ts'
import type { BenchServer, ServerSample } from './support/server.ts'
import { slope } from './support/statistics.ts'
import { callerOptions, DRAIN_MS, startCallee } from './support/workload.ts'
import { type Made, type Running, withServer } from './support/with-server.ts'

export type SoakOptions = {
  readonly server: BenchServer
  readonly calls: number
  /** Calls a second. */
  readonly rate: number
  /** A sample after so many calls. */
  readonly sampleEvery: number
  readonly pairs: number
  readonly log?: (line: string) => void
}

export type SoakSample = ServerSample & {
  /** Calls begun so far. */
  readonly calls: number
}

export type SoakResult = Made & {
  readonly server: string
  readonly rate: number
  /** Without the warm-up. */
  readonly calls: number
  readonly failed: number
  readonly retransmissions: number
  /** While calls come and go. */
  readonly samples: readonly SoakSample[]
  /** After the last one, when all that is owed was delivered or is under way. */
  readonly rest: SoakSample
}

/** At a third of the rate: a cold server is slow, and would have to refuse calls. */
const WARM_UP_CALLS = 1_000
/** Of the calls: caches and pools fill meanwhile, and do not count. */
const FILLING_SHARE = 0.2
/** Nor does the time until the first transactions are over (64·T1, RFC 3261 §17). */
const FILLING_SEC = 40
/** SQLite's cache of 64 MB fills as the database grows; the process grows with it until then. */
const CACHE_FULL_BYTES = 80 * 2 ** 20
/** A single small object kept of each call is 50 to 100 bytes of heap. */
const HEAP_BYTES_PER_CALL = 32
/** The allocator's and the database's pages come and go: 10 MB in 100,000 calls. */
const RSS_BYTES_PER_CALL = 105

/** Many calls at a steady rate, and what the server keeps meanwhile. Every push is checked as in all runs (`withServer`). */
export function soak(options: SoakOptions): Promise<SoakResult> {
  return withServer(options.server, options.pairs, async (workload) => {
    const callee = await startCallee(workload)
    try {
      const before = await runSipp(callerOptions(workload, options.rate / 3, WARM_UP_CALLS))
      const caller = await startSipp({
        ...callerOptions(workload, options.rate, options.calls),
        statsEverySec: 1,
      })
      const samples = await sampleAlong(caller, workload, options)
      const result = await caller.finished
      await pause(DRAIN_MS)
      const rest = await restOf(workload, result.created)
      return {
        server: options.server.name,
        rate: options.rate,
        calls: result.created,
        failed: result.failed,
        retransmissions: result.retransmissions,
        samples,
        rest,
        made: before.created + result.created,
        madeFailed: before.failed + result.failed,
      }
    } finally {
      await callee.stop()
    }
  })
}

async function sampleAlong(
  caller: SippRun,
  { running }: Running,
  { server, calls, rate, sampleEvery, log }: SoakOptions,
): Promise<SoakSample[]> {
  const samples: SoakSample[] = []
  if (running.sample === undefined) throw new Error(`${server.name} does not tell what it keeps`)
  let ended = false
  void caller.finished.then(
    () => (ended = true),
    () => (ended = true),
  )
  // The last sample would be when the last call begins: `rest` is that one.
  for (let next = sampleEvery; next < calls; next += sampleEvery) {
    const created = (): number => caller.stats()?.created ?? 0
    await waitFor(() => ended || created() >= next, {
      what: `call ${next}`,
      timeoutMs: (sampleEvery / rate) * 1_000 + 60_000,
      pollMs: 200,
    })
    if (ended) break
    const sample = { ...(await running.sample()), calls: created() }
    samples.push(sample)
    log?.(`${sample.calls} calls: heap ${mb(sample.heapUsed)} MB, resident ${mb(sample.rss)} MB`)
  }
  return samples
}

/** Once the last transactions are over. */
function restOf({ running }: Running, calls: number): Promise<SoakSample> {
  return waitFor(
    async () => {
      const sample = await running.sample!()
      return sample.transactions === 0 && sample.dialogs === 0 && { ...sample, calls }
    },
    { what: 'the last transactions to end', timeoutMs: FILLING_SEC * 1_000, pollMs: 1_000 },
  )
}

/**
 * Bytes that each call leaves, of the heap and of the process, once all is filled: of the process the database's cache too, in a soak
 * that is long enough. NaN with fewer than two samples then. */
export function growth(result: Pick<SoakResult, 'samples' | 'calls' | 'rate'>): {
  heap: number
  rss: number
} {
  const filled = result.samples.filter(({ calls }) => calls >= filledFrom(result))
  const isFull = ({ databaseBytes }: SoakSample): boolean => databaseBytes >= CACHE_FULL_BYTES
  const cached = filled.filter(isFull)
  return {
    heap: slope(filled.map(({ calls: x, heapUsed: y }) => ({ x, y }))),
    rss: slope((cached.length >= MIN_SAMPLES ? cached : filled).map(({ calls: x, rss: y }) => ({ x, y }))),
  }
}

/** Fewer say nothing about a slope. */
const MIN_SAMPLES = 4

const filledFrom = ({ calls, rate }: Pick<SoakResult, 'calls' | 'rate'>): number =>
  Math.max(calls * FILLING_SHARE, rate * FILLING_SEC)

/** What is wrong; empty when memory is flat and no call failed. */
export function soakFaults(result: SoakResult): string[] {
  const { heap, rss } = growth(result)
  const faults: string[] = []
  if (result.failed > 0)
    faults.push(`${result.failed} calls failed, ${result.rest.refused} INVITEs were refused with 503`)
  if (!(heap <= HEAP_BYTES_PER_CALL)) faults.push(`each call leaves ${figure(heap, 0)} bytes in the heap`)
  if (!(rss <= RSS_BYTES_PER_CALL)) faults.push(`each call leaves ${figure(rss, 0)} bytes in the process`)
  return faults
}

export function renderSoak(result: SoakResult): string {
  const { server, samples, rest, calls, failed, retransmissions, rate } = result
  const { heap, rss } = growth(result)
  const faults = soakFaults(result)
  const head = ['calls', 'heap MB', 'buffers MB', 'resident MB', 'transactions', 'dialogs', 'database MB']
  const row = (name: string, sample: SoakSample): string[] => [
    ...[name, mb(sample.heapUsed), mb(sample.external), mb(sample.rss)],
    ...[`${sample.transactions}`, `${sample.dialogs}`, mb(sample.databaseBytes)],
  ]
  return [
    `${server}: ${calls} calls at ${rate}/s, ${failed} failed, ${retransmissions} messages repeated; every event and CDR pushed exactly once.`,
    markdownTable(head, [...samples.map((sample) => row(`${sample.calls}`, sample)), row('at rest', rest)]),
    `After the first ${filledFrom(result)} calls each leaves ${figure(heap, 1)} bytes in the heap (at most ${HEAP_BYTES_PER_CALL}) and ` +
      `${figure(rss, 1)} in the process (at most ${RSS_BYTES_PER_CALL}; once the database's cache is full), by least squares.`,
    faults.length === 0 ? 'Memory is flat.' : `NOT flat: ${faults.join('; ')}.`,
  ].join('\n\n')
}

const mb = (bytes: number): string => (bytes / 2 ** 20).toFixed(1)
