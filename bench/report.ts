import type { ApiRow } from './api.ts'
import type { SipReport } from './comparison.ts'
import type { RelayResult } from './relay.ts'

export type BenchReport = {
  readonly at: string
  readonly machine: {
    readonly cpu: string
    readonly cores: number
    readonly memoryGb: number
    readonly node: string
  }
  readonly sip: SipReport
  readonly relay: RelayResult
  readonly api: readonly ApiRow[]
  /** What could not be measured here, and why. */
  readonly leftOut: readonly string[]
}

/** What the platform promises on two cores (bench/RESULTS.md). */
const TARGETS = {
  cpuSecPer1000: new Map([
    [200, 1.7],
    [600, 1.2],
  ]),
  p99Ms: new Map([[200, 5]]),
  failedShare: 0.001,
  kbPerHeldCall: 40,
  relayCallsPerCore: 250,
  relayP99Ms: 5,
  bindsPerSec: 4_000,
} as const

const OURS = 'Maskline'

type Row = {
  readonly what: string
  readonly ours: string
  readonly reference?: string
  readonly target?: string
  /** Undefined without a target. */
  readonly met?: boolean
}

/** One Markdown table of all that was measured, beside the reference and the targets. */
export function renderReport(report: BenchReport): string {
  const rows = [...callRows(report.sip), ...relayRows(report.relay), ...apiRows(report.api)]
  const { machine } = report
  return [
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${report.at}`,
    '',
    '| measured | Maskline | Kamailio masked | target | |',
    '| --- | ---: | ---: | ---: | --- |',
    ...rows.map(
      ({ what, ours, reference = '', target = '', met }) =>
        `| ${what} | ${ours} | ${reference} | ${target} | ${met === undefined ? '' : met ? 'met' : 'MISSED'} |`,
    ),
    ...(report.leftOut.length > 0 ? ['', ...report.leftOut.map((why) => `- ${why}`)] : []),
  ].join('\n')
}

function callRows({ rows, memory }: SipReport): Row[] {
  const isOurs = (row: { readonly server: string }): boolean => row.server === OURS
  const result: Row[] = []
  for (const { rate, best } of rows.filter(isOurs)) {
    const other = rows.find((row) => !isOurs(row) && row.rate === rate)?.best
    const at = `at ${rate} calls/s`
    const failedShare = best.failed / (best.completed + best.failed)
    result.push(
      row(
        `CPU s per 1,000 calls ${at}`,
        best.cpuSecPer1000,
        other?.cpuSecPer1000,
        TARGETS.cpuSecPer1000.get(rate),
      ),
      row(
        `INVITE to INVITE, p99 ms ${at}`,
        best.latency?.p99Ms,
        other?.latency?.p99Ms,
        TARGETS.p99Ms.get(rate),
      ),
      {
        what: `failed calls ${at}`,
        ours: `${best.failed} of ${best.completed + best.failed}`,
        ...(other && { reference: `${other.failed} of ${other.completed + other.failed}` }),
        target: `< ${TARGETS.failedShare * 100} %`,
        met: failedShare < TARGETS.failedShare,
      },
    )
  }
  const kb = (bytes: number | undefined): number | undefined =>
    bytes === undefined ? undefined : bytes / 1_024
  const ours = memory.find(isOurs)
  if (ours) {
    const other = memory.find((row) => !isOurs(row))
    result.push(
      row('KB per held call', kb(ours.bytesPerCall), kb(other?.bytesPerCall), TARGETS.kbPerHeldCall, 1),
    )
  }
  return result
}

function relayRows({ levels, setUp }: RelayResult): Row[] {
  const rows = levels.map(({ calls, lost, delayP99Ms, engineCpuPercent }): Row => {
    const what = `${calls} relayed G.711 calls: lost, p99 delay, core used`
    const ours = `${lost}, ${delayP99Ms.toFixed(1)} ms, ${engineCpuPercent.toFixed(0)} %`
    if (calls !== TARGETS.relayCallsPerCore) return { what, ours }
    const met = lost === 0 && delayP99Ms < TARGETS.relayP99Ms && engineCpuPercent <= 100
    return { what, ours, target: `0, < ${TARGETS.relayP99Ms} ms, ≤ 100 %`, met }
  })
  return [...rows, { what: 'media set-up, µs CPU per call at 600/s', ours: `${setUp.pacedUsPerCall}` }]
}

function apiRows(api: readonly ApiRow[]): Row[] {
  return api.map(({ operation, perSecond, p99Ms, failed }, i): Row => {
    const what = `${operation}: a second, p99`
    const ours = `${perSecond}, ${p99Ms.toFixed(1)} ms${failed > 0 ? `, ${failed} FAILED` : ''}`
    if (i > 0) return { what, ours }
    return {
      what,
      ours,
      target: `≥ ${TARGETS.bindsPerSec}`,
      met: failed === 0 && perSecond >= TARGETS.bindsPerSec,
    }
  })
}

/** A row of numbers, the smaller the better; a dash for what was not measured. */
function row(what: string, ours: number | undefined, reference?: number, target?: number, digits = 2): Row {
  const text = (value: number | undefined): string => (value === undefined ? '–' : value.toFixed(digits))
  return {
    what,
    ours: text(ours),
    reference: text(reference),
    ...(target !== undefined && {
      target: `≤ ${target}`,
      ...(ours !== undefined && { met: ours <= target }),
    }),
  }
}
