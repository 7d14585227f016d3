import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { message, uri } from '../testkit/arbitraries.ts'
import { header } from './headers.ts'
import type { SipMessage } from './message.ts'
import { parseNameAddr, tagOf } from './name-addr.ts'
import { parseMessage } from './parse.ts'
import { serializeMessage } from './serialize.ts'
import { formatUri, parseUri, sipUriEquals } from './uri.ts'
import { parseVia } from './via.ts'

/** Without the Content-Length that serializing adds, and with a body that compares by its bytes. */
function comparable(given: SipMessage): unknown {
  const at = given.headers.indexOf('Content-Length')
  const headers = at < 0 ? given.headers : given.headers.toSpliced(at, 2)
  return { ...given, headers, body: [...given.body] }
}

test('what is serialized and parsed again is what it was', () => {
  fc.assert(
    fc.property(message, (given) => {
      const parsed = parseMessage(serializeMessage(given))
      assert.ok(parsed.ok, parsed.ok ? '' : parsed.fault.text)
      assert.deepEqual(comparable(parsed.message), comparable(given))
      assert.equal(header(parsed.message, 'Content-Length'), String(given.body.length))
    }),
    { numRuns: 500 },
  )
})

test('what was parsed serializes to a fixed point', () => {
  fc.assert(
    fc.property(message, (given) => {
      const once = serializeMessage(given)
      const parsed = parseMessage(once)
      assert.ok(parsed.ok)
      assert.deepEqual(serializeMessage(parsed.message), once)
    }),
    { numRuns: 200 },
  )
})

test('generated Via, From and To are read, with their tags', () => {
  fc.assert(
    fc.property(message, (given) => {
      assert.ok(parseVia(header(given, 'Via')!) !== undefined)
      for (const name of ['From', 'To']) {
        const line = header(given, name)!
        assert.equal(tagOf(line), parseNameAddr(line)?.params['tag'], line)
      }
    }),
    { numRuns: 200 },
  )
})

test('a URI that is formatted and parsed again is what it was', () => {
  fc.assert(
    fc.property(uri, (given) => {
      const parsed = parseUri(formatUri(given))
      assert.ok(parsed !== undefined, formatUri(given))
      assert.deepEqual({ ...parsed, params: { ...parsed.params } }, given)
      assert.ok(sipUriEquals(parsed, given))
    }),
    { numRuns: 500 },
  )
})
