import assert from 'node:assert/strict'
import { test } from 'node:test'
import { searchScopes } from './allocation.ts'

const shenzhen = { areaCode: '0755', province: '广东省' }

test('strict looks in the city only', () => {
  assert.deepEqual(searchScopes(shenzhen, false), [{ area: '0755' }])
})

test('lenient looks in the city, then its province, then anywhere', () => {
  assert.deepEqual(searchScopes(shenzhen, true), [{ area: '0755' }, { province: '广东省' }, {}])
  assert.deepEqual(searchScopes({ areaCode: '0999', province: '' }, true), [{ area: '0999' }, {}])
})

test('without a known city strict looks nowhere and lenient anywhere', () => {
  assert.deepEqual(searchScopes({}, false), [])
  assert.deepEqual(searchScopes({}, true), [{}])
})
