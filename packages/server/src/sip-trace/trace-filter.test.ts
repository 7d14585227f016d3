import assert from 'node:assert/strict'
import { test } from 'node:test'
import { messageOf } from './message-test-kit.ts'
import { isSameNumber } from './same-number.ts'
import { traceFilter } from './trace-filter.ts'

const message = (startLine: string, callId: string, more: readonly string[] = []) =>
  messageOf([startLine, `Call-ID: ${callId}`, ...more])
const X = '+8617000000001'

test('numbers are the same in every form, and are not by their ends alone', () => {
  for (const form of ['8617000000001', '008617000000001', '17000000001', '017000000001', '+86-170-0000-0001'])
    assert.ok(isSameNumber(X, form) && isSameNumber(form, X), form)
  assert.ok(isSameNumber('+8675528000001', '075528000001'))
  for (const other of ['+8618000000001', '000001', '', 'alice', '+8617000000002'])
    assert.ok(!isSameNumber(X, other), other)
  assert.ok(isSameNumber('110', '110') && !isSameNumber('110', '10'))
})

test('a call that has the number is seen whole, also what of it has no number', () => {
  const isWanted = traceFilter({ number: X })
  assert.ok(!isWanted(message('SIP/2.0 200 OK', 'c1')))
  assert.ok(isWanted(message('INVITE sip:017000000001@192.0.2.1 SIP/2.0', 'c1')))
  assert.ok(isWanted(message('SIP/2.0 200 OK', 'c1')))
  assert.ok(isWanted(message('INVITE sip:b@192.0.2.9 SIP/2.0', 'c2', [`From: <sip:${X}@192.0.2.1>;tag=a`])))
  assert.ok(isWanted(message('SIP/2.0 180 Ringing', 'c3', [`P-Asserted-Identity: <tel:${X}>`])))
  assert.ok(!isWanted(message('INVITE sip:+8617000000002@192.0.2.1 SIP/2.0', 'c4')))
})

test('a Call-ID wants that call alone; with a number both must fit', () => {
  const byId = traceFilter({ callId: 'c1' })
  assert.ok(byId(message('SIP/2.0 200 OK', 'c1')))
  assert.ok(!byId(message('SIP/2.0 200 OK', 'c2')))
  const both = traceFilter({ callId: 'c1', number: X })
  assert.ok(!both(message(`INVITE sip:${X}@192.0.2.1 SIP/2.0`, 'c2')))
  assert.ok(!both(message('INVITE sip:b@192.0.2.1 SIP/2.0', 'c1')))
  assert.ok(both(message(`INVITE sip:${X}@192.0.2.1 SIP/2.0`, 'c1')))
  assert.ok(traceFilter({})(message('SIP/2.0 200 OK', 'any')))
})
