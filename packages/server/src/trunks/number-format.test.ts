import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { NumberRuleIn, NumberRuleOut } from '../config/config.ts'
import type { E164 } from '../shared/e164.ts'
import { national, numberReader, numberWriter } from './number-format.ts'

test('national form: a 0 before the area code of a fixed line, and before nothing else', () => {
  for (const [number, dialled] of [
    ['+8613800000021', '13800000021'],
    ['+8675528000001', '075528000001'],
    ['+861028000001', '01028000001'],
    ['+864001234567', '4001234567'],
    ['+8695588', '95588'],
    ['+86700123456789012', '700123456789012'],
    ['+12025550123', '+12025550123'],
  ] as const)
    assert.equal(national(number as E164), dialled)
})

const MOBILE = '+8613800000021'
const FIXED = '+8675528000001'
const ABROAD = '+12025550123'

for (const [rule, number, written] of [
  [undefined, MOBILE, MOBILE],
  [{ format: 'digits' }, MOBILE, '8613800000021'],
  [{ format: 'international' }, ABROAD, '0012025550123'],
  [{ format: 'international' }, MOBILE, '008613800000021'],
  [{ format: 'national' }, FIXED, '075528000001'],
  [{ prefix: '9#' }, MOBILE, '9#+8613800000021'],
  [{ format: 'digits', prefix: '9#' }, MOBILE, '9#8613800000021'],
  [{ format: 'digits', strip: '86', prefix: '0' }, MOBILE, '013800000021'],
  [{ format: 'digits', strip: '86', prefix: '0' }, ABROAD, '012025550123'],
  [{ strip: '+' }, MOBILE, '8613800000021'],
  [{ format: 'international', strip: '0086' }, MOBILE, '13800000021'],
] as readonly [NumberRuleOut | undefined, string, string][])
  test(`out: ${JSON.stringify(rule)} writes ${number} as ${written}`, () =>
    assert.equal(numberWriter(rule, 'e164')(number as E164), written))

test('out: a rule without a format has the trunk’s', () => {
  assert.equal(numberWriter({ prefix: '55' }, 'national')(MOBILE as E164), '5513800000021')
  assert.equal(numberWriter(undefined, 'national')(FIXED as E164), '075528000001')
})

for (const [rule, said, read] of [
  [{ strip: ['9#'] }, '9#8613800000021', '8613800000021'],
  [{ strip: ['9#', '9#00'] }, '9#008613800000021', '8613800000021'],
  [{ strip: ['9#'] }, '13800000021', '13800000021'],
  [{ strip: ['012'], prefix: '+' }, '0128613800000021', '+8613800000021'],
  [{ prefix: '0' }, '75528000001', '075528000001'],
] as readonly [NumberRuleIn, string, string][])
  test(`in: ${JSON.stringify(rule)} reads ${said} as ${read}`, () =>
    assert.equal(numberReader(rule)!(said), read))

test('in: without a rule nothing is called', () => {
  assert.equal(numberReader(undefined), undefined)
  assert.equal(numberReader({ countryCode: '1' }), undefined)
})
