import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bestOf, renderSipReport } from './sip.ts'
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
  latency: { samples: 1_000, p50Ms: 0.5, p99Ms: 1.25, maxMs: 3 },
  errors: '',
})

test('the cheapest run without a failed call counts', () => {
  assert.equal(bestOf([run(1.2), run(0.9, 1), run(1.1)]).cpuSecPer1000, 1.1)
})

test('runs with failed calls count only when all have some', () => {
  assert.equal(bestOf([run(1.2, 3), run(0.9, 1)]).cpuSecPer1000, 0.9)
})

test('the table has a row for each server and rate, and a dash for what was not measured', () => {
  const table = renderSipReport({
    rows: [
      { server: 'Maskline', rate: 200, best: run(0.5), runs: [] },
      { server: 'Kamailio masked', rate: 200, best: { ...run(0.8), latency: undefined }, runs: [] },
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
  })
  const [, , ours, reference] = table.split('\n')
  assert.equal(ours, '| Maskline | 200 | 0.50 | 0.50 | 1.25 | 1000 | 0 | 0 | 10.0 |')
  assert.equal(reference, '| Kamailio masked | 200 | 0.80 | – | – | 1000 | 0 | 0 | – |')
})
