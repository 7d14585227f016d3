import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { E164 } from '../shared/e164.ts'
import { national } from './trunks.ts'

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
