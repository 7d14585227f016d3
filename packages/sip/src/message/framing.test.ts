import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { StreamFramer } from './framing.ts'
import type { FramedItem } from './framing.ts'
import { header } from './headers.ts'
import { DEFAULT_LIMITS } from './parse.ts'

function message(callId: string, body = '', extra = ''): string {
  return (
    `MESSAGE sip:b@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@192.0.2.1>;tag=1\r\n` +
    `To: <sip:b@192.0.2.2>\r\nCall-ID: ${callId}\r\nCSeq: 1 MESSAGE\r\n${extra}Content-Length: ${body.length}\r\n\r\n${body}`
  )
}
const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')

/** What the framer said, short: `call-id:body`, `keepalive`, `fault:CODE`, `fatal:CODE`. */
function told(items: readonly FramedItem[]): string[] {
  return items.map((item) => {
    if (item.kind === 'keepalive') return 'keepalive'
    if (item.kind === 'fatal') return `fatal:${item.fault.code}`
    if (!item.result.ok) return `fault:${item.result.fault.code}`
    return `${header(item.result.message, 'Call-ID')}:${Buffer.from(item.result.message.body).toString('latin1')}`
  })
}

function pushAll(chunks: readonly Uint8Array[], limits = DEFAULT_LIMITS): string[] {
  const framer = new StreamFramer(limits)
  return told(chunks.flatMap((chunk) => framer.push(chunk)))
}
const pushBytes = (text: string): string[] => pushAll([...latin1(text)].map((byte) => Uint8Array.of(byte)))

test('messages on one stream are split by Content-Length, also many in one read', () => {
  const text = message('one', 'hello') + message('two') + message('three', '\r\n\r\nINVITE')
  assert.deepEqual(pushAll([latin1(text)]), ['one:hello', 'two:', 'three:\r\n\r\nINVITE'])
})

test('bytes that trickle in one at a time give the same messages', () => {
  const text = `\r\n${message('one', 'hello')}\r\n\r\n${message('two')}${message('three', 'x'.repeat(3000))}`
  assert.deepEqual(pushBytes(text), ['one:hello', 'keepalive', 'two:', `three:${'x'.repeat(3000)}`])
})

test('however a stream is cut, the same comes out', () => {
  const text = `${message('one', 'hello')}\r\n${message('two', '', 'Subject: a\r\n b\r\n')}${message('three', 'end')}`
  const whole = latin1(text)
  const expected = pushAll([whole])
  assert.deepEqual(expected, ['one:hello', 'two:', 'three:end'])
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: whole.length }), { maxLength: 12 }), (cuts) => {
      const sorted = [0, ...cuts.toSorted((a, b) => a - b), whole.length]
      assert.deepEqual(
        pushAll(sorted.slice(1).map((to, index) => whole.subarray(sorted[index], to))),
        expected,
      )
    }),
    { seed: 4475, numRuns: 300 },
  )
})

test('a body given out keeps its bytes while the stream goes on', () => {
  const framer = new StreamFramer()
  const bodies: Uint8Array[] = []
  const text = Array.from({ length: 50 }, (_, index) => message(`c${index}`, `body ${index}`)).join('')
  for (let at = 0; at < text.length; at += 7) {
    for (const item of framer.push(latin1(text.slice(at, at + 7)))) {
      assert.ok(item.kind === 'message' && item.result.ok)
      bodies.push(item.result.message.body)
    }
  }
  assert.deepEqual(
    bodies.map((body) => Buffer.from(body).toString()),
    Array.from({ length: 50 }, (_, index) => `body ${index}`),
  )
})

test('a double CRLF between messages is a ping, a single one is nothing', () => {
  assert.deepEqual(pushAll([latin1('\r\n')]), [])
  assert.deepEqual(pushAll([latin1('\r\n\r\n')]), ['keepalive'])
  assert.deepEqual(pushAll([latin1('\r\n\r'), latin1('\n')]), ['keepalive'])
  assert.deepEqual(pushAll([latin1('\r\n\r\n'), latin1('\r\n'), latin1('\r\n')]), ['keepalive', 'keepalive'])
  assert.deepEqual(pushAll([latin1(`\r\n${message('a')}\r\n`)]), ['a:'])
})

test('a flood of pings in one read is answered once', () => {
  assert.deepEqual(pushAll([latin1('\r\n'.repeat(10_000))]), ['keepalive'])
})

test('a message that is wrong but whose end is known does not end the stream', () => {
  const wrong = message('x').replace('CSeq: 1 MESSAGE', 'CSeq: 1 INVITE')
  assert.deepEqual(pushAll([latin1(wrong + message('y'))]), ['fault:BAD_CSEQ', 'y:'])
})

test('RFC 4475 dblreq is two messages on a stream, and then the rest of a body longer than it says', () => {
  const items = pushAll([readFileSync(new URL('../../testdata/rfc4475/dblreq.dat', import.meta.url))])
  assert.deepEqual(items.slice(2), ['fatal:NOT_SIP'])
  assert.match(items[0]!, /^dblreq\.0ha0isndaksdj99sdfafnl3lk233412:$/)
  assert.match(items[1]!, /^dblreq\.0ha0isnda977644900765@192\.0\.2\.15:v=0/)
})

test('without a usable Content-Length the stream is lost, and the request can still be answered', () => {
  for (const line of [
    '',
    'Content-Length: -5\r\n',
    'Content-Length: x\r\n',
    'Content-Length: 1\r\nContent-Length: 2\r\n',
  ]) {
    const framer = new StreamFramer()
    const items = framer.push(latin1(message('x').replace('Content-Length: 0\r\n', line) + message('y')))
    assert.deepEqual(told(items), ['fatal:BAD_LENGTH'])
    assert.ok(items[0]?.kind === 'fatal' && items[0].answerable !== undefined)
    assert.equal(header(items[0].answerable, 'Call-ID'), 'x')
    assert.deepEqual(framer.push(latin1(message('z'))), [], 'nothing is read after that')
  }
})

test('what is not SIP is fatal at its first byte, or at its first line', () => {
  assert.deepEqual(pushAll([Uint8Array.of(0x16)]), ['fatal:NOT_SIP'])
  assert.deepEqual(pushAll([latin1('\nINVITE')]), ['fatal:NOT_SIP'])
  assert.deepEqual(pushAll([latin1('GET / HTTP/1.1\r\nHost: x\r\n\r\n')]), ['fatal:NOT_SIP'])
})

test('an endless head and a huge body are fatal as soon as they pass the limit', () => {
  const limits = { ...DEFAULT_LIMITS, maxHeadBytes: 400, maxBodyBytes: 10 }
  assert.deepEqual(pushAll([latin1('a'.repeat(400))], limits), [])
  assert.deepEqual(pushAll([latin1('a'.repeat(400)), latin1('a')], limits), ['fatal:TOO_LARGE'])
  assert.deepEqual(pushAll([latin1(message('x', 'y'.repeat(10)))], limits), [`x:${'y'.repeat(10)}`])
  const head = message('x', 'y'.repeat(11)).replace('y'.repeat(11), '')
  assert.deepEqual(pushAll([latin1(head)], limits), ['fatal:TOO_LARGE'], 'before the body comes')
})

test('too many headers are fatal', () => {
  const limits = { ...DEFAULT_LIMITS, maxHeaders: 6 }
  assert.deepEqual(pushAll([latin1(message('x'))], limits), ['x:'])
  assert.deepEqual(pushAll([latin1(message('x', '', 'a: b\r\n'))], limits), ['fatal:TOO_MANY_HEADERS'])
})

test('work per byte does not grow with the size of a message that trickles in', (t) => {
  let touched = 0
  const arrays = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array
  const { indexOf, set } = arrays
  t.mock.method(arrays, 'indexOf', function (this: Uint8Array, byte: number, from = 0): number {
    const found = indexOf.call(this, byte, from)
    touched += (found < 0 ? this.length : found + 1) - from
    return found
  })
  t.mock.method(arrays, 'set', function (this: Uint8Array, source: Uint8Array, at?: number): void {
    touched += source.length
    set.call(this, source, at)
  })
  for (const text of [message('x', 'y'.repeat(4000)), message('x', '', `Subject: ${'y'.repeat(4000)}\r\n`)]) {
    touched = 0
    assert.equal(pushBytes(text).length, 1)
    assert.ok(touched > 0 && touched < text.length * 12, `${touched} bytes touched for ${text.length}`)
  }
})
