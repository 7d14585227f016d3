import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bestOf, renderRounds, renderSipReport, type SipReport } from './comparison.ts'
import type { SipBenchResult } from './support/sip-bench.ts'

const run = (cpuSecPer1000: number, failed = 0): SipBenchResult => ({
  rate: 200,
  completed: 1_000 - failed,
  failed,
  made: 1_000,
  madeFailed: failed,
  retransmissions: 0,
  achievedRate: 200,
  cpuSecPer1000,
  mainSecPer1000: cpuSecPer1000,
  latency: { samples: 1_000, p50Ms: 0.5, p99Ms: 1.25, maxMs: 3 },
  errors: '',
})

test('the cheapest run without a failed call counts', () => {
  assert.equal(bestOf([run(1.2), run(0.9, 1), run(1.1)]).cpuSecPer1000, 1.1)
})

test('runs with failed calls count only when all have some', () => {
  assert.equal(bestOf([run(1.2, 3), run(0.9, 1)]).cpuSecPer1000, 0.9)
})

const reference: SipBenchResult = { ...run(0.8), latency: undefined }
const report: SipReport = {
  rows: [
    { server: 'Maskline', rate: 200, best: run(0.5), runs: [run(0.5), run(0.6, 2)] },
    { server: 'Kamailio masked', rate: 200, best: reference, runs: [reference] },
    { server: 'Maskline', rate: 600, best: run(0.4), runs: [run(0.4)] },
    { server: 'Kamailio masked', rate: 600, best: run(0.5), runs: [run(0.5)] },
  ],
  memory: [
    {
      server: 'Maskline',
      held: 10,
      made: 10,
      madeFailed: 0,
      bytesBefore: 0,
      bytesHeld: 102_400,
      bytesPerCall: 10_240,
    },
  ],
  held: [
    { server: 'Maskline', rate: 800, isLast: false },
    { server: 'Kamailio masked', rate: 1_200, isLast: true },
  ],
}

test('the table has a row for each server, the ratio, the targets, and a dash for what was not measured', () => {
  const [, , ours, other, ratio, target] = renderSipReport(report).split('\n')
  assert.equal(ours, '| Maskline | 0.50 | 0.40 | 0.50 | 1.25 | 0.07 | 800 | 10.0 |')
  assert.equal(other, '| Kamailio masked | 0.80 | 0.50 | – | – | 0.00 | ≥ 1200 | – |')
  assert.equal(ratio, '| Maskline ÷ Kamailio masked | 0.63 | 0.80 |  |  |  |  |  |')
  assert.equal(target, '| target | ÷ ≤ 1.1 | ÷ ≤ 1.1 | ≤ 0.7 | ≤ 3 | < 0.1 | ≥ 1000 | ≤ 20 |')
})

test('the table of one server has no ratio', () => {
  const rows = report.rows.filter(({ server }) => server === 'Maskline')
  assert.equal(renderSipReport({ ...report, rows }).split('\n').length, 4)
})

test('the rounds are listed as they were measured, failed calls of all of them together', () => {
  const [, , first] = renderRounds(report.rows).split('\n')
  assert.equal(first, '| Maskline | 200 | 0.50, 0.60 | 0.50 | 1.25 | 3.00 | 1998 | 2 | 0 |')
})
