import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capacity, renderProcesses } from './processes.ts'
import type { SipBenchResult } from './support/sip-bench.ts'

const run = (cpuSecPer1000: number, mainSecPer1000: number): SipBenchResult => ({
  rate: 300,
  completed: 3_000,
  failed: 0,
  made: 3_000,
  madeFailed: 0,
  retransmissions: 0,
  achievedRate: 300,
  cpuSecPer1000,
  mainSecPer1000,
  latency: undefined,
  errors: '',
})

test('one process can do what one core does for its main thread, or all cores for all its threads', () => {
  assert.equal(capacity({ processes: 1, results: [run(1.25, 1)] }, 2), 1_000)
  assert.equal(capacity({ processes: 1, results: [run(2.5, 1)] }, 2), 800)
})

test('two processes share the cores', () => {
  assert.equal(capacity({ processes: 2, results: [run(1.25, 1), run(1.25, 1)] }, 2), 1_600)
  assert.equal(capacity({ processes: 2, results: [run(1, 1), run(1, 1)] }, 2), 2_000)
})

test('processes beyond the cores add nothing', () => {
  const results = [run(1, 1), run(1, 1), run(1, 1)]
  assert.equal(capacity({ processes: 3, results }, 2), 2_000)
})

test('the table tells the scale by CPU, and by rate where that was measured', () => {
  const one = { processes: 1, results: [run(1.25, 1)], held: { rate: 600, isLast: false } }
  const several = { processes: 2, results: [run(1.25, 1), run(1.3, 1.1)], held: undefined }
  const lines = renderProcesses({ server: 'Maskline', cores: 2, one, several }).split('\n')
  assert.ok(lines.includes('| CPU s per 1,000 calls, all threads | 1.25 | 1.25, 1.30 |  |  |'))
  assert.ok(lines.includes('| calls/s that 2 cores have CPU for | 1000 | 1569 | 1.57 × | ≥ 1.7 × |'))
  assert.ok(lines.includes('| highest rate held, sipp on the same cores | 600 | – |  |  |'))
})
