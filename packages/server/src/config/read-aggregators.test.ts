import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readAggregators } from './read-aggregators.ts'

const AGGREGATOR = {
  name: 'agg-1',
  url: 'https://sms.example/send',
  inboundToken: 'a-token-of-the-tests',
}
const faultsOf = (given: unknown): string[] => {
  const faults: string[] = []
  readAggregators(given, faults)
  return faults
}

test('an aggregator is read with its defaults', () => {
  assert.deepEqual(readAggregators([AGGREGATOR], []), [{ ...AGGREGATOR, priority: 0, timeoutMs: 10_000 }])
  assert.deepEqual(readAggregators(undefined, []), [])
})

test('every fault is told with its place', () => {
  assert.deepEqual(faultsOf({}), ['sms.aggregators must be a list of aggregators'])
  assert.deepEqual(faultsOf([AGGREGATOR, AGGREGATOR]), [
    'sms.aggregators[1].name must be one that no other aggregator has',
  ])
  for (const [changes, fault] of [
    [{ name: 'a/b' }, /^sms\.aggregators\[0\]\.name must be/],
    [{ name: undefined }, /name is missing/],
    [{ url: 'sms.example' }, /url must be an http or https address/],
    [{ inboundToken: 'short' }, /inboundToken must be .* 16/],
    [{ serves: ['170'] }, /serves must be a list of beginnings/],
    [{ priority: -1 }, /priority must be/],
    [{ timeoutMs: 1 }, /timeoutMs must be/],
    [{ colour: 'red' }, /colour is no setting/],
  ] as const)
    assert.match(faultsOf([{ ...AGGREGATOR, ...changes }]).join(), fault)
})
