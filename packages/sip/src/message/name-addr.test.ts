import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseNameAddr, quoteDisplay, tagOf, withTag } from './name-addr.ts'

function parts(text: string): unknown {
  const address = parseNameAddr(text)
  return address && { ...address, params: { ...address.params } }
}

test('name-addr is read with and without display name', () => {
  assert.deepEqual(parts('"Li \\"L\\" Lei" <sip:a@192.0.2.1;lr>;tag=x;Expires=60;flag'), {
    display: 'Li "L" Lei',
    uri: 'sip:a@192.0.2.1;lr',
    params: { tag: 'x', expires: '60', flag: undefined },
  })
  assert.deepEqual(parts('<sip:a@192.0.2.1>'), { uri: 'sip:a@192.0.2.1', params: {} })
  assert.deepEqual(parts('Li Lei<sip:a@192.0.2.1> ; tag = x '), {
    display: 'Li Lei',
    uri: 'sip:a@192.0.2.1',
    params: { tag: 'x' },
  })
  assert.deepEqual(parts('"" <tel:+8613800000021>'), { display: '', uri: 'tel:+8613800000021', params: {} })
})

test('without brackets every parameter is the header’s', () => {
  assert.deepEqual(parts('sip:a@192.0.2.1;user=phone;tag=x'), {
    uri: 'sip:a@192.0.2.1',
    params: { user: 'phone', tag: 'x' },
  })
})

test('a bracket or semicolon inside quotes means nothing', () => {
  assert.deepEqual(parts('"<sip:evil@192.0.2.9>;tag=evil" <sip:a@192.0.2.1>;x="; tag=evil>";tag=good'), {
    display: '<sip:evil@192.0.2.9>;tag=evil',
    uri: 'sip:a@192.0.2.1',
    params: { x: '; tag=evil>', tag: 'good' },
  })
})

test('what cannot be read with certainty is undefined', () => {
  for (const text of [
    '',
    '*',
    'alice',
    '"never closed <sip:a@192.0.2.1>',
    '"x" sip:a@192.0.2.1',
    '"x" y <sip:a@192.0.2.1>',
    'x "y" <sip:a@192.0.2.1>',
    '<sip:a@192.0.2.1',
    '<>',
    '<sip:a b@192.0.2.1>',
    '<sip:a@192.0.2.1> tag=x',
    '<sip:a@192.0.2.1>;;',
    '<sip:a@192.0.2.1>;tag=x y',
    '<sip:a@192.0.2.1>;x="never closed',
    '<sip:a@192.0.2.1>, <sip:b@192.0.2.1>',
    'sip:a@192.0.2.1?Route=x',
    'sip:a@192.0.2.1,sip:b@192.0.2.1',
    '<sip:a@192.0.2.1<sip:b@192.0.2.1>>',
  ]) {
    assert.equal(parseNameAddr(text), undefined, text)
  }
})

const TAGS: Readonly<Record<string, string | undefined>> = {
  '<sip:a@192.0.2.1>;tag=x': 'x',
  '<sip:a@192.0.2.1>;tag=x;y=z': 'x',
  '<sip:a@192.0.2.1>;y=z;TAG = x ': 'x',
  '<sip:a@192.0.2.1>': undefined,
  '<sip:a@192.0.2.1>;tag=': undefined,
  '<sip:a@192.0.2.1>;tag': undefined,
  '<sip:a@192.0.2.1;tag=inUri>': undefined,
  '<sip:a@192.0.2.1;tag=inUri>;tag=x': 'x',
  '";tag=inName" <sip:a@192.0.2.1>': undefined,
  '"\\";tag=inName" <sip:a@192.0.2.1>;tag=x': 'x',
  '<sip:a@192.0.2.1>;y=";tag=quoted";tag=x': 'x',
  '<sip:a@192.0.2.1>;y="\\";tag=quoted"': undefined,
  '<sip:a@192.0.2.1>;nottag=y;mytag=z': undefined,
  'sip:a@192.0.2.1;tag=x': 'x',
  'sip:a@192.0.2.1': undefined,
  '"never closed;tag=x': undefined,
}

test('the tag is found without being fooled by what looks like one', () => {
  for (const [text, tag] of Object.entries(TAGS)) assert.equal(tagOf(text), tag, text)
})

test('a tag is added, or put in place of the one there is', () => {
  for (const [text, tag] of Object.entries(TAGS)) {
    if (text.includes('never closed')) continue
    const tagged = withTag(text, 'own')
    assert.equal(tagOf(tagged), 'own', tagged)
    if (tag !== undefined) assert.equal(tagged.length, text.length - tag.length + 3)
  }
  assert.equal(withTag('<sip:a@192.0.2.1>', 'x'), '<sip:a@192.0.2.1>;tag=x')
})

test('a display name is quoted so that it reads the same', () => {
  for (const display of ['Li Lei', '" <sip:evil@192.0.2.9>', 'back\\slash', '']) {
    assert.equal(parseNameAddr(`${quoteDisplay(display)} <sip:a@192.0.2.1>`)?.display, display)
  }
})
