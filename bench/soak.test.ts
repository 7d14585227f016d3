import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { growth, renderSoak, soakFaults, type SoakResult, type SoakSample } from './soak.ts'

const MB = 2 ** 20
const sample = (calls: number, heapUsed: number, rss = 200 * MB): SoakSample => ({
  calls,
  heapUsed,
  rss,
  external: MB,
  transactions: 900,
  dialogs: 20,
  activeCalls: 10,
  refused: 0,
  databaseBytes: calls * 1_000,
})
/** Grows for the first fifth, then by `perCall` bytes a call. */
const soaked = (perCall: number, failed = 0): SoakResult => ({
  server: 'Maskline',
  rate: 300,
  calls: 100_000,
  made: 101_000,
  madeFailed: failed,
  failed,
  retransmissions: 0,
  samples: [5_000, 10_000, 15_000, ...Array.from({ length: 16 }, (_, i) => 20_000 + i * 5_000)].map((calls) =>
    sample(calls, 50 * MB + Math.min(calls, 20_000) * 500 + Math.max(0, calls - 20_000) * perCall),
  ),
  rest: { ...sample(100_000, 60 * MB), transactions: 0, dialogs: 0 },
})

describe('a soak', () => {
  test('does not count what the first fifth of the calls fills', () => {
    assert.ok(Math.abs(growth(soaked(0)).heap) < 1e-6)
    assert.deepEqual(soakFaults(soaked(0)), [])
  })

  test('finds a small object that is kept of each call', () => {
    assert.ok(Math.abs(growth(soaked(64)).heap - 64) < 1e-6)
    assert.deepEqual(soakFaults(soaked(64)), ['each call leaves 64 bytes in the heap'])
  })

  test('does not count what the cache of the database takes until it is full', () => {
    const samples = soaked(0).samples.map((one) => {
      const cached = Math.min(one.calls * 1_400, 80 * MB)
      return { ...one, databaseBytes: one.calls * 1_400, rss: 200 * MB + cached }
    })
    assert.ok(Math.abs(growth({ ...soaked(0), samples }).rss) < 1e-6)
    const leaking = samples.map((one) => ({ ...one, rss: one.rss + one.calls * 200 }))
    assert.deepEqual(soakFaults({ ...soaked(0), samples: leaking }), [
      'each call leaves 200 bytes in the process',
    ])
  })

  test('bears no failed call', () =>
    assert.deepEqual(soakFaults(soaked(0, 1)), ['1 calls failed, 0 INVITEs were refused with 503']))

  test('is not flat when there was nothing to see', () => {
    assert.equal(soakFaults({ ...soaked(0), samples: [sample(50_000, MB)] }).length, 2)
  })

  test('is told in a table with a row for each sample, and the verdict', () => {
    const text = renderSoak(soaked(0))
    assert.match(text, /^\| 5000 \| 52\.4 \| 1\.0 \| 200\.0 \| 900 \| 20 \| 4\.8 \|$/m)
    assert.match(text, /^\| at rest \| 60\.0 \| 1\.0 \| 200\.0 \| 0 \| 0 \| 95\.4 \|$/m)
    assert.match(text, /Memory is flat\.$/)
    assert.match(renderSoak(soaked(64)), /NOT flat/)
  })
})
