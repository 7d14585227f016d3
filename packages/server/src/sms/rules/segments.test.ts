import assert from 'node:assert/strict'
import { it } from 'node:test'
import { splitText } from '@maskline/smpp'
import { chargedSegments, countSegments, type CountRule } from './segments.ts'

const count = (text: string, rule: CountRule = 'wire') =>
  countSegments(splitText(text, { reference: 1 }), rule)

it('[sms.length.ucs2] Chinese: up to 70 characters are 1, longer ones 67 a segment, by either rule', () => {
  for (const rule of ['wire', 'document'] as const)
    for (const [length, segments] of [
      [1, 1],
      [70, 1],
      [71, 2],
      [134, 2],
      [135, 3],
    ] as const)
      assert.equal(count('字'.repeat(length), rule), segments, `${rule} ${length}`)
})

it('[sms.length.gsm] English: up to 160 characters are 1, longer ones 153 a segment as they are sent, 154 in the documents', () => {
  for (const [length, wire, document] of [
    [0, 1, 1],
    [160, 1, 1],
    [161, 2, 2],
    [306, 2, 2],
    [307, 3, 2],
    [308, 3, 2],
    [309, 3, 3],
  ] as const) {
    assert.equal(count('x'.repeat(length)), wire, `wire ${length}`)
    assert.equal(count('x'.repeat(length), 'document'), document, `document ${length}`)
  }
})

it('of a text that was sent in part no more than that is charged', () => {
  assert.equal(chargedSegments(3, 3, 2), 2)
  assert.equal(chargedSegments(2, 3, 3), 2)
  assert.equal(chargedSegments(2, 3, 1), 1)
  assert.equal(chargedSegments(0, 3, 3), 0)
})
