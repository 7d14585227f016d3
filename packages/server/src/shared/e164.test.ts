import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFixedLine, normaliseDialled, parseApiNumber } from './e164.ts'

test('takes mobiles, fixed lines and foreign numbers in global form', () => {
  for (const number of [
    '+8613800000021',
    '+8617000000001',
    '+861028000001',
    '+8675528000001',
    '+867012800001',
    '+862028000001',
    '+12025550123',
  ])
    assert.equal(parseApiNumber(number), number)
})

test('refuses service numbers, short numbers and national forms', () => {
  for (const text of [
    '+864000000001',
    '+8640000000012',
    '+868000000001',
    '+8695555',
    '+86110',
    '13800000021',
    '075528000001',
    '+0123456',
    '+86138000000210',
    '',
  ])
    assert.equal(parseApiNumber(text), undefined, text)
})

test('tells fixed lines from mobiles and service numbers', () => {
  assert.ok(isFixedLine(parseApiNumber('+8675528000001')!))
  assert.ok(!isFixedLine(parseApiNumber('+8613800000021')!))
  assert.ok(!isFixedLine(normaliseDialled('4000000001')!))
})

test('brings every dialled form to the global one', () => {
  for (const user of ['+8613800000021', '8613800000021', '008613800000021', '013800000021', '138-0000 0021'])
    assert.equal(normaliseDialled(user), '+8613800000021', user)
  assert.equal(normaliseDialled('075528000001'), '+8675528000001')
  for (const user of ['', '+', '12', 'alice', '1'.repeat(40)]) assert.equal(normaliseDialled(user), undefined)
})
