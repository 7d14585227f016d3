import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLogger } from './logger.ts'

/** What a logger writes for one call of it. */
function written(
  fields: object,
  message = 'something happened',
): { line: string; json: Record<string, unknown> } {
  const lines: string[] = []
  createLogger('info', { write: (line) => void lines.push(line) }).info(fields, message)
  return { line: lines[0]!, json: JSON.parse(lines[0]!) as Record<string, unknown> }
}

const FORMS = [
  '+8613800000021',
  '8613800000021',
  '008613800000021',
  '013800000021',
  '13800000021',
  '075528000001',
  '28000001',
  '%2B8613800000021',
  'sip:8613800000021@192.0.2.1:5060',
  'sip:+8613800000021@192.0.2.1',
  'tel:+8613800000021',
  '<sip:0755128000001@carrier.example>;tag=a1',
  `+${'13800000021'.repeat(2)}`,
  '{"caller":13800000021}',
  'a,13800000021,b',
  '\n13800000021\t',
]

for (const form of FORMS)
  test(`no digits of ${JSON.stringify(form)} but the last two are written, wherever it stands`, () => {
    const places = { from: form, deep: { list: [form] }, err: new Error(form, { cause: new Error(form) }) }
    const { line, json } = written(places, `message ${form}`)
    const digits = /\d{7,}/.exec(form)![0]
    assert.ok(!line.includes(digits.slice(0, -2)), line)
    assert.ok(!line.includes(digits.slice(-7)), line)
    assert.ok(String(json.from).includes(digits.slice(-2)), 'the last two digits stay')
  })

test('a global number keeps its country code and last two digits', () => {
  assert.equal(written({ from: '+8613800000021' }).json.from, '+86*********21')
})

test('instants, ports, addresses and ids stay readable', () => {
  const sessionId = '1200_1234567890_12345678_20260124023003@pn01.example'
  const fields = {
    pid: 1234567,
    port: 65535,
    nextTryAt: 1769221803000,
    instants: [1769221803000, 1769221804000],
    ip: '192.0.2.100',
    ip6: '2001:db8:1234:5678::1',
    sessionId,
    icid: '01234567890123456789012345678901.3978210603.1234567890.12345678',
    subscriptionId: '12345678-1234-7123-8123-123456789012',
    why: `the call ${sessionId} has ended`,
    at: '2026-01-24 02:30:03',
  }
  const { json } = written(fields)
  const { level, time, msg, ...rest } = json
  assert.deepEqual(rest, fields)
  assert.deepEqual([level, msg], ['info', 'something happened'])
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
})
