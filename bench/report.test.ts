import assert from 'node:assert/strict'
import { test } from 'node:test'
import { renderReport, type BenchReport } from './report.ts'

const report: BenchReport = {
  at: '2026-01-01T00:00:00.000Z',
  machine: { cpu: 'some CPU', cores: 2, memoryGb: 4, node: 'v24' },
  sip: {
    held: [],
    rows: [sipRow('Maskline', 1.8), sipRow('Kamailio masked', 0.9)],
    memory: [
      {
        server: 'Maskline',
        held: 1,
        made: 1,
        madeFailed: 0,
        bytesBefore: 0,
        bytesHeld: 1,
        bytesPerCall: 20_480,
      },
    ],
  },
  relay: {
    levels: [
      {
        calls: 250,
        sent: 1,
        lost: 0,
        delayP50Ms: 1,
        delayP99Ms: 2,
        delayMaxMs: 3,
        engineCpuPercent: 40,
        cpuUsPerPacket: 12,
        rssMb: 80,
      },
    ],
    setUp: { calls: 1, pacedUsPerCall: 200, busyUsPerCall: 90, busyMainUsPerCall: 60 },
  },
  api: [
    { operation: 'bind', requests: 1, failed: 0, perSecond: 3_999, p50Ms: 1, p99Ms: 2, maxMs: 3, cpuUs: 100 },
  ],
  leftOut: ['no dumpcap'],
}

function sipRow(server: string, cpuSecPer1000: number): BenchReport['sip']['rows'][number] {
  const best = {
    rate: 200,
    completed: 1_000,
    failed: 0,
    made: 1_000,
    madeFailed: 0,
    retransmissions: 0,
    achievedRate: 200,
    cpuSecPer1000,
    mainSecPer1000: cpuSecPer1000,
    latency: undefined,
    errors: '',
  }
  return { server, rate: 200, best, runs: [best] }
}

test('each figure stands beside the reference and its target, and says whether that is met', () => {
  const table = renderReport(report)
  assert.match(table, /\| CPU s per 1,000 calls at 200 calls\/s \| 1\.80 \| 0\.90 \| ≤ 1\.7 \| MISSED \|/)
  assert.match(table, /\| failed calls at 200 calls\/s \| 0 of 1000 \| 0 of 1000 \| < 0\.1 % \| met \|/)
  assert.match(table, /\| KB per held call \| 20\.0 \| – \| ≤ 40 \| met \|/)
  assert.match(table, /\| 250 relayed .* \| 0, 2\.0 ms, 40 % \|.*\| met \|/)
  assert.match(table, /\| bind: a second, p99 \| 3999, 2\.0 ms \|.*\| MISSED \|/)
})

test('what was not measured is a dash with its reason below, and never met', () => {
  const table = renderReport(report)
  assert.match(table, /\| INVITE to INVITE, p99 ms at 200 calls\/s \| – \| – \| ≤ 5 \| {2}\|/)
  assert.match(table, /\n- no dumpcap$/)
})
