import { setTimeout as pause } from 'node:timers/promises'
import { runSipp, startSipp, type SippRun } from '../../e2e/support/sipp.ts'
import { waitFor } from '../../e2e/support/wait.ts'
import { captureInvites } from './capture.ts'
import { inviteLatency, type Latency } from './invite-latency.ts'
import { cpuSeconds, mainThreadSeconds, residentBytes } from './process-tree.ts'
import { callerOptions, DRAIN_MS, startCallee, type Workload } from './workload.ts'

export type SipBenchOptions = Workload & {
  /** New calls a second. */
  readonly rate: number
  readonly seconds: number
  /**
   * Calls beforehand that count for nothing, at `WARM_UP_RATE` or the measured rate if that is higher: a server that has run
   * for a day has compiled its code and filled its pools, whatever the rate. Default 2,000.
   */
  readonly warmUpCalls?: number
  /** Awaited between the two: where several servers are measured at once. */
  readonly onWarm?: () => Promise<void>
  /** Default true. */
  readonly isCaptured?: boolean
}

export type SipBenchResult = {
  readonly rate: number
  /** Of the measured part. */
  readonly completed: number
  readonly failed: number
  /** All calls of the caller and the failed ones among them, warm-up included. */
  readonly made: number
  readonly madeFailed: number
  /** Messages the caller had to repeat: above zero, the server or the machine is at its end. */
  readonly retransmissions: number
  /** Calls a second that really began. */
  readonly achievedRate: number
  /** User and system CPU of the server's process tree over completed calls; seconds a thousand, or ms a call. */
  readonly cpuSecPer1000: number
  /** Of that the main threads of the roots. */
  readonly mainSecPer1000: number
  /** INVITE in to INVITE out; absent where nothing can capture. */
  readonly latency: Latency | undefined
  /** What sipp complained about, shortened. */
  readonly errors: string
}

const WARM_UP_RATE = 600

/** Runs the workload (scenarios/uac.xml, uas.xml) at one rate against a running server. */
export async function runSipBench(options: SipBenchOptions): Promise<SipBenchResult> {
  const callee = await startCallee(options)
  try {
    const warmUp = options.warmUpCalls ?? 2_000
    const warmUpRate = Math.max(options.rate, WARM_UP_RATE)
    const before = warmUp > 0 ? await runSipp(callerOptions(options, warmUpRate, warmUp)) : undefined
    if (before) await pause(DRAIN_MS)

    await options.onWarm?.()
    const capture = options.isCaptured === false ? undefined : await captureInvites()
    const cpuBefore = cpuSeconds(options.serverPids())
    const mainBefore = mainThreadSeconds(options.serverPids())
    const began = performance.now()
    const result = await runSipp(callerOptions(options, options.rate, options.rate * options.seconds))
    const elapsedSec = (performance.now() - began) / 1_000
    await pause(DRAIN_MS)
    const cpu = cpuSeconds(options.serverPids()) - cpuBefore
    const main = mainThreadSeconds(options.serverPids()) - mainBefore
    const datagrams = await capture?.stop()
    const server = `${options.server.address}:${options.server.port}`
    return {
      rate: options.rate,
      completed: result.successful,
      failed: result.failed,
      made: result.created + (before?.created ?? 0),
      madeFailed: result.failed + (before?.failed ?? 0),
      retransmissions: result.retransmissions,
      achievedRate: result.created / elapsedSec,
      cpuSecPer1000: (cpu / result.successful) * 1_000,
      mainSecPer1000: (main / result.successful) * 1_000,
      latency: datagrams === undefined ? undefined : inviteLatency(datagrams, server),
      errors: result.errors.slice(0, 2_000),
    }
  } finally {
    await callee.stop()
  }
}

export type HeldCallsOptions = Workload & {
  readonly calls: number
  readonly rate: number
  /**
   * Short calls beforehand, so that code and heaps that the first calls bring do not count as held. Default a quarter
   * of `calls`: as many as are held would leave the memory of ended calls for the held ones to use, and measure nothing.
   */
  readonly warmUpCalls?: number
}
export type HeldCallsResult = {
  readonly held: number
  readonly made: number
  readonly madeFailed: number
  readonly bytesBefore: number
  readonly bytesHeld: number
  readonly bytesPerCall: number
}

/** Sets up calls that stay, and compares the server's memory with before. */
export async function measureHeldCalls(options: HeldCallsOptions): Promise<HeldCallsResult> {
  const callee = await startCallee(options)
  try {
    const warmUp = options.warmUpCalls ?? Math.ceil(options.calls / 4)
    const before = await runSipp(callerOptions(options, options.rate, warmUp))
    await pause(DRAIN_MS)
    const bytesBefore = residentBytes(options.serverPids())
    // The first call must still be up when the last one is, and long enough for sipp's statistics of once a second.
    const talkMs = (options.calls / options.rate) * 1_000 + 5_000
    const caller = await startSipp({
      ...callerOptions(options, options.rate, options.calls),
      talkMs,
      statsEverySec: 1,
      maxConcurrent: options.calls,
    })
    await waitFor(() => allUp(caller, options.calls), {
      what: `${options.calls} calls to be up`,
      timeoutMs: talkMs + 5_000,
      pollMs: 200,
    })
    const bytesHeld = residentBytes(options.serverPids())
    const held = caller.stats()?.current ?? 0
    const result = await caller.finished
    return {
      held,
      made: before.created + result.created,
      madeFailed: before.failed + result.failed,
      bytesBefore,
      bytesHeld,
      bytesPerCall: (bytesHeld - bytesBefore) / held,
    }
  } finally {
    await callee.stop()
  }
}

/** All calls created and none just being set up: the callee answers after 20 ms, statistics are of a second. */
function allUp(caller: SippRun, calls: number): boolean {
  return (caller.stats()?.created ?? 0) >= calls
}
