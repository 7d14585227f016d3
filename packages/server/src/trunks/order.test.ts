import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { drawn, prefixTable, tiersOf } from './order.ts'

const of = (name: string, priority: number, weight: number) => ({ name, priority, weight })
const names = (items: readonly { readonly name: string }[]): string => items.map(({ name }) => name).join('')

test('tiers go by priority, the lowest first', () => {
  const tiers = tiersOf([of('c', 2, 1), of('a', 0, 1), of('b', 0, 1)])
  assert.deepEqual(tiers.map(names), ['ab', 'c'])
})

for (const [chances, order] of [
  [[0, 0], 'abc'],
  [[0.05, 0], 'abc'],
  [[0.1, 0], 'bac'],
  [[0.59, 0.99], 'bca'],
  [[0.6, 0.5], 'cba'],
  [[0.999, 0.1], 'cab'],
] as const)
  test(`weights 1, 5 and 4 with the chances ${chances.join(', ')} are tried as ${order}`, () => {
    const left = [...chances, 0]
    assert.equal(names(drawn([of('a', 0, 1), of('b', 0, 5), of('c', 0, 4)], () => left.shift()!)), order)
  })

test('what weighs nothing comes last, as given; one alone is not drawn', () => {
  const never = (): number => assert.fail('nothing is to be drawn')
  assert.equal(names(drawn([of('a', 0, 7)], never)), 'a')
  assert.equal(names(drawn([of('a', 0, 0), of('b', 0, 0)], never)), 'ab')
  assert.equal(names(drawn([of('a', 0, 0), of('b', 0, 2)], () => 0.5)), 'ba')
})

test('every item is drawn once, whatever the weights and chances', () => {
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(fc.array(fc.nat(65_535), { maxLength: 8 }), fc.infiniteStream(chance), (weights, stream) => {
      const tier = weights.map((weight, index) => ({ priority: 0, weight, index }))
      const order = drawn(tier, () => stream.next().value)
      assert.deepEqual(order.map(({ index }) => index).sort(), tier.map(({ index }) => index).sort())
    }),
  )
})

test('the longest prefix leads, and shorter ones stand behind it', () => {
  const table = prefixTable(
    [
      { prefix: '', item: 'all' },
      { prefix: '+86', item: 'china' },
      { prefix: '+86755', item: 'shenzhen' },
      { prefix: '+86755', item: 'second' },
    ],
    (byPrefix) => byPrefix.map((items) => items.join('+')).join(' > '),
  )
  for (const [number, ways] of [
    ['+8675528000001', 'shenzhen+second > china > all'],
    ['+8613800000021', 'china > all'],
    ['+12025550123', 'all'],
  ] as const)
    assert.equal(table.find(number), ways)
  assert.equal(prefixTable([{ prefix: '+1', item: 1 }], () => 1).find('+8613800000021'), undefined)
})
