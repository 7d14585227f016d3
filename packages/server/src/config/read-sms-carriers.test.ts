import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readAggregators, readSmscs } from './read-sms-carriers.ts'

const AGGREGATOR = {
  name: 'agg-1',
  url: 'https://sms.example/send',
  inboundToken: 'a-token-of-the-tests',
}
const faultsOf = (given: unknown): string[] => {
  const faults: string[] = []
  readAggregators(given, faults, new Set())
  return faults
}

test('an aggregator is read with its defaults', () => {
  assert.deepEqual(readAggregators([AGGREGATOR], [], new Set()), [
    { ...AGGREGATOR, priority: 0, timeoutMs: 10_000 },
  ])
  assert.deepEqual(readAggregators(undefined, [], new Set()), [])
})

test('every fault is told with its place', () => {
  assert.deepEqual(faultsOf({}), ['sms.aggregators must be a list'])
  assert.deepEqual(faultsOf([AGGREGATOR, AGGREGATOR]), [
    'sms.aggregators[1].name must be one that no other SMS carrier has',
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

const SMSC = {
  name: 'smsc-1',
  hosts: [{ host: 'smsc.example', port: 2775 }],
  systemId: 'maskline',
  password: 'secret',
}

test('an SMSC is read with its defaults, and a name belongs to one carrier', () => {
  const names = new Set<unknown>()
  assert.deepEqual(readSmscs([SMSC], [], names), [
    { ...SMSC, priority: 0, longTexts: 'udh8', receipts: true },
  ])
  const faults: string[] = []
  readAggregators([{ ...AGGREGATOR, name: 'smsc-1' }], faults, names)
  assert.deepEqual(faults, ['sms.aggregators[0].name must be one that no other SMS carrier has'])
})

test('every fault of an SMSC is told with its place', () => {
  for (const [changes, fault] of [
    [{ hosts: [{ host: 'smsc.example' }] }, /^sms\.smscs\[0\]\.hosts must be a list of addresses/],
    [{ hosts: [] }, /hosts must be a list/],
    [{ hosts: undefined }, /hosts is missing/],
    [{ systemId: 'a system id that is too long' }, /systemId must be a text of at most 15/],
    [{ password: '密码' }, /password must be a text of at most 8 ASCII/],
    [{ bind: 'both' }, /bind must be transceiver or separate/],
    [{ window: 0 }, /window must be/],
    [{ tls: { ca: 'x' } }, /tls\.ca is not known/],
    [{ numbers: { source: 'short' } }, /numbers\.source must be/],
    [{ longTexts: 'udh32' }, /longTexts must be udh8, udh16 or sar/],
    [{ receipts: 'yes' }, /receipts must be true or false/],
    [{ colour: 'red' }, /colour is no setting of an smsc/],
  ] as const) {
    const faults: string[] = []
    readSmscs([{ ...SMSC, ...changes }], faults, new Set())
    assert.match(faults.join(), fault)
  }
})
