import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allHeaders, header, headerValues, splitValues } from './headers.ts'
import { NO_BODY } from './message.ts'
import type { SipRequest } from './message.ts'

function message(...headers: string[]): SipRequest {
  return { kind: 'request', method: 'OPTIONS', uri: 'sip:192.0.2.1', headers, body: NO_BODY }
}

test('a header is found by any spelling of its name, and a value that looks like a name is not', () => {
  const m = message('Subject', 'Via', 'Via', 'one', 'x-Own', 'two', 'Via', 'three')
  for (const name of ['Via', 'via', 'VIA', 'v', 'V']) assert.equal(header(m, name), 'one', name)
  for (const name of ['x-Own', 'X-OWN', 'x-own']) assert.equal(header(m, name), 'two', name)
  assert.equal(header(m, 'Route'), undefined)
  assert.equal(header(m, 'X-Other'), undefined)
})

test('all lines of a header come in wire order', () => {
  const m = message('Via', 'one', 'X-Own', 'a', 'Via', 'two, three', 'x-own', 'b')
  assert.deepEqual(allHeaders(m, 'v'), ['one', 'two, three'])
  assert.deepEqual(allHeaders(m, 'X-own'), ['a', 'b'])
  assert.deepEqual(headerValues(m, 'Via'), ['one', 'two', 'three'])
  assert.deepEqual(headerValues(m, 'Route'), [])
})

test('values are split at commas, but not inside quotes or angle brackets', () => {
  const list: Record<string, string[]> = {
    a: ['a'],
    '': [],
    ' , ,': [],
    'a,b ,\tc': ['a', 'b', 'c'],
    '"x, y" <sip:a,b@192.0.2.1>;q=1, <sip:c>': ['"x, y" <sip:a,b@192.0.2.1>;q=1', '<sip:c>'],
    '"\\", <" <sip:a>, b': ['"\\", <" <sip:a>', 'b'],
    '<sip:a"b>, c': ['<sip:a"b>', 'c'],
    '"never closed, b': ['"never closed, b'],
    '<never closed, b': ['<never closed, b'],
  }
  for (const [line, values] of Object.entries(list)) assert.deepEqual(splitValues(line), values, line)
})
