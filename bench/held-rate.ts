import type { BenchServer } from './support/server.ts'
import { runSipBench, type SipBenchResult } from './support/sip-bench.ts'
import { type Made, withServer } from './support/with-server.ts'

export type HeldRate = {
  /** The highest of the rates that was held, calls a second; 0: none. */
  readonly rate: number
  /** The rates went no further: it may hold more. */
  readonly isLast: boolean
}

export type HeldRateOptions = {
  readonly server: BenchServer
  /** Calls a second, ascending. */
  readonly rates: readonly number[]
  readonly seconds: number
  readonly warmUpCalls: number
  readonly pairs: number
  readonly log?: (line: string) => void
}

/** A rate is held with fewer failed calls than this. */
export const HELD_FAILED_SHARE = 0.001
/** Of the rate; less was not offered. */
const OFFERED_SHARE = 0.95
/** What else the machine does may spoil a run. */
const TRIES = 2

export const failedShare = ({ completed, failed }: Pick<SipBenchResult, 'completed' | 'failed'>): number =>
  failed / (completed + failed)

/** Whether the calls came at the rate, and all but a few were completed. */
export const isHeld = (
  result: Pick<SipBenchResult, 'rate' | 'achievedRate' | 'completed' | 'failed'>,
): boolean => failedShare(result) < HELD_FAILED_SHARE && result.achievedRate >= result.rate * OFFERED_SHARE

/** The highest rate of an ascending list that holds, one after another until one does not. */
export async function searchHeldRate(
  rates: readonly number[],
  holds: (rate: number) => Promise<boolean>,
): Promise<HeldRate> {
  let held = 0
  for (const rate of rates) {
    if (!(await holds(rate))) return { rate: held, isLast: false }
    held = rate
  }
  return { rate: held, isLast: true }
}

/** One server goes through the rates, warmed up once. */
export function measureHeldRate(options: HeldRateOptions): Promise<HeldRate & Made> {
  const { server, rates, seconds, log } = options
  return withServer(server, options.pairs, async (workload) => {
    let made = 0
    let madeFailed = 0
    let { warmUpCalls } = options
    const holds = async (rate: number): Promise<boolean> => {
      for (let attempt = 1; attempt <= TRIES; attempt++) {
        const result = await runSipBench({ ...workload, rate, seconds, warmUpCalls })
        warmUpCalls = 0
        made += result.made
        madeFailed += result.madeFailed
        log?.(`${server.name}, ${rate}/s: ${result.failed} of ${result.completed + result.failed} failed`)
        if (isHeld(result)) return true
      }
      return false
    }
    return { ...(await searchHeldRate(rates, holds)), made, madeFailed }
  })
}
