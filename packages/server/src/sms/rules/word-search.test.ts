import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { createWordSearch } from './word-search.ts'

it('finds a word at the beginning, in the middle and at the end, and nothing else', () => {
  const search = createWordSearch(['he', 'she', 'hers', '赌博'])
  for (const text of ['he', 'ushers', 'a she', '不要赌博!', '赌赌博']) assert.ok(search.isIn(text), text)
  for (const text of ['', 'h', 'er s', '赌 博', 'hxe']) assert.ok(!search.isIn(text), text)
})

it('folds case, full-width forms and what nobody sees, in words and texts', () => {
  const search = createWordSearch(['Casino', 'ＶＩＰ', '赌博'])
  for (const text of ['CASINO', 'ｃａｓｉｎｏ', 'ca\u200bsino', 'vip', '赌\u00ad博'])
    assert.ok(search.isIn(text), text)
})

it('an empty word is in no text, and of no words none is found', () => {
  assert.ok(!createWordSearch(['', '\u200b']).isIn('hello'))
  assert.ok(!createWordSearch([]).isIn('hello'))
})

it('a word inside another word, and one that begins with the end of another, are found', () => {
  const search = createWordSearch(['abcd', 'bc', 'cdx'])
  for (const text of ['abce', 'abcdx', 'zbcz', 'acdx']) assert.ok(search.isIn(text), text)
  assert.ok(!search.isIn('abdcx'))
})

it('agrees with a search word by word', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '你', '😀'), maxLength: 12 })
  const words = fc.array(
    fc.string({ unit: fc.constantFrom('a', 'b', '你', '😀'), minLength: 1, maxLength: 4 }),
    {
      maxLength: 8,
    },
  )
  fc.assert(
    fc.property(words, letters, (given, text) => {
      assert.equal(
        createWordSearch(given).isIn(text),
        given.some((word) => text.includes(word)),
      )
    }),
    { numRuns: 2_000 },
  )
})

it('tens of thousands of words are one search, and one that is there is found among them', () => {
  const words = Array.from({ length: 20_000 }, (_, n) => `w${(n * 7919).toString(36)}·`)
  const search = createWordSearch(words)
  assert.ok(search.isIn(`a long text … ${words[12_345]} … and on`))
  assert.ok(!search.isIn('w'.repeat(5_000)))
})
