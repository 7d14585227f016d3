import { setTimeout as pause } from 'node:timers/promises'
import { runSipp } from '../e2e/support/sipp.ts'
import { answersFilter, answerTimes, type AnswerTimes } from './support/answer-times.ts'
import { captureInvites } from './support/capture.ts'
import { figure, markdownTable } from './support/markdown.ts'
import type { BenchServer } from './support/server.ts'
import { callerOptions, DRAIN_MS, startCallee, type Workload } from './support/workload.ts'
import { type Made, withServer } from './support/with-server.ts'

export type OverloadOptions = {
  readonly server: BenchServer
  /** What the server holds, calls a second. */
  readonly heldRate: number
  /** What is offered, times the held rate. */
  readonly times: number
  readonly seconds: number
  /** Calls beforehand at the held rate, or 600 a second if that is less. */
  readonly warmUpCalls: number
  readonly pairs: number
}

export type OverloadResult = Made &
  AnswerTimes & {
    readonly server: string
    readonly heldRate: number
    readonly offeredRate: number
    /** Calls completed, refused with 503, and failed in any other way. */
    readonly completed: number
    readonly refused: number
    readonly failed: number
    readonly retransmissions: number
    /** The offering, as sipp managed it. */
    readonly elapsedSec: number
  }

const WARM_UP_RATE = 600

/** Offers more calls than the server can serve. */
export function measureOverload(options: OverloadOptions): Promise<OverloadResult> {
  return withServer(options.server, options.pairs, async (workload) => {
    const callee = await startCallee(workload)
    try {
      return await offer(workload, options)
    } finally {
      await callee.stop()
    }
  })
}

async function offer(workload: Workload, options: OverloadOptions): Promise<OverloadResult> {
  const { heldRate, times, seconds, warmUpCalls } = options
  const warmUpRate = Math.min(heldRate, WARM_UP_RATE)
  const before = await runSipp(callerOptions(workload, warmUpRate, warmUpCalls, 'uac-overload'))
  await pause(DRAIN_MS)
  const capture = await captureInvites(answersFilter(workload.caller.address))
  const rate = heldRate * times
  const result = await runSipp(callerOptions(workload, rate, rate * seconds, 'uac-overload'))
  await pause(DRAIN_MS)
  const { address, port } = workload.server
  const refusedOf = ({ counters }: typeof result): number => counters['refused'] ?? 0
  const refused = refusedOf(result)
  return {
    server: options.server.name,
    heldRate,
    offeredRate: result.created / (result.elapsedMs / 1_000),
    completed: result.successful - refused,
    refused,
    failed: result.failed,
    retransmissions: result.retransmissions,
    elapsedSec: result.elapsedMs / 1_000,
    made: before.created + result.created,
    madeFailed: before.failed + refusedOf(before) + result.failed + refused,
    ...answerTimes((await capture?.stop()) ?? [], `${address}:${port}`),
  }
}

/** Calls completed a second, as a share of what the server holds. */
export const goodput = ({ completed, elapsedSec, heldRate }: OverloadResult): number =>
  completed / elapsedSec / heldRate

export function renderOverload(result: OverloadResult): string {
  const { heldRate, offeredRate, completed, refused, failed, retransmissions, setUp, refusal } = result
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`
  const share = (count: number): string => percent(count / (completed + refused + failed))
  return [
    markdownTable(
      [result.server, 'measured', 'target'],
      [
        ['held, calls/s', `${heldRate}`, ''],
        ['offered, calls/s', figure(offeredRate, 0), ''],
        ['goodput: completed a second ÷ held', percent(goodput(result)), '≥ 90 %'],
        ['refused with 503', share(refused), ''],
        ['failed otherwise', share(failed), ''],
        ['INVITE to 503, p50 ms', figure(refusal?.p50Ms), ''],
        ['INVITE to 503, p99 ms', figure(refusal?.p99Ms), '< 50'],
        ['INVITE to 200, p99 ms', figure(setUp?.p99Ms), ''],
        ['INVITE to 200, longest, ms', figure(setUp?.maxMs), '< 1000'],
        ['messages that the caller repeated', `${retransmissions}`, ''],
      ],
    ),
    'sipp, capture and push receiver run on the same cores; times are those on the wire.',
  ].join('\n\n')
}
