import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import { StreamFramer } from './framing.ts'
import { header, headerValues } from './headers.ts'
import type { SipMessage } from './message.ts'
import { parseNameAddr, tagOf, withTag } from './name-addr.ts'
import { parseMessage } from './parse.ts'
import { serializeMessage } from './serialize.ts'
import { parseUri } from './uri.ts'
import { faultInFields } from './validate.ts'
import { branchOf, parseVia, stampVia } from './via.ts'
import { response } from './build.ts'
import { parseChallenge, parseCredentials } from '../auth/digest.ts'

const ROUNDS_PER_FILE = 200
const FIXTURES = new URL('../../testdata/rfc4475/', import.meta.url)
const corpus = readdirSync(FIXTURES)
  .filter((file) => file.endsWith('.dat'))
  .map((file) => readFileSync(new URL(file, FIXTURES)))

/** Numbers in [0, 1), the same in every run (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

const SPICE = [
  '\r\n',
  '\r',
  '\n',
  '\r\n ',
  '\0',
  '"',
  '\\',
  '<',
  '>',
  ';',
  ',',
  ':',
  '@',
  '=',
  '%',
  '[',
  ']',
  ' ',
  '\t',
]
  .concat([
    '\r\n\r\n',
    'SIP/2.0',
    ';tag=',
    ';branch=',
    'Content-Length: 9',
    '-1',
    '4294967296',
    '\xff',
    'v:',
    'Digest ',
  ])
  .map((text) => Buffer.from(text, 'latin1'))

/** One to four edits: a byte changed, a run cut out, doubled or moved, spice put in, the end lost, two files crossed. */
function mutate(original: Buffer, random: () => number): Buffer {
  const below = (limit: number): number => Math.floor(random() * limit)
  let bytes = Buffer.from(original)
  for (let edits = 1 + below(4); edits > 0; edits--) {
    const at = below(bytes.length + 1)
    const to = Math.min(bytes.length, at + below(40))
    const [before, run, after] = [bytes.subarray(0, at), bytes.subarray(at, to), bytes.subarray(to)]
    switch (below(7)) {
      case 0:
        bytes = Buffer.concat([before, Buffer.of(below(256)), bytes.subarray(at + 1)])
        break
      case 1:
        bytes = Buffer.concat([before, after])
        break
      case 2:
        bytes = Buffer.concat([before, run, run, after])
        break
      case 3:
        bytes = Buffer.concat([before, after, run])
        break
      case 4:
        bytes = Buffer.concat([before, SPICE[below(SPICE.length)]!, bytes.subarray(at)])
        break
      case 5:
        bytes = Buffer.from(before)
        break
      default: {
        const other = corpus[below(corpus.length)]!
        bytes = Buffer.concat([before, other.subarray(below(other.length))])
      }
    }
  }
  return bytes
}

/** Reads all that can be read of a message, as a stack would. */
function readAll(message: SipMessage): void {
  faultInFields(message)
  for (const via of headerValues(message, 'Via')) {
    const branch = branchOf(via)
    const stamped = stampVia(via, '192.0.2.77', 5060)
    const parsed = parseVia(via)
    if (parsed === undefined) continue
    assert.equal(branch, parsed.branch, via)
    assert.equal(parseVia(stamped)?.received, '192.0.2.77', stamped)
  }
  for (const name of ['From', 'To', 'Contact', 'Route', 'Record-Route']) {
    for (const value of headerValues(message, name)) {
      const parsed = parseNameAddr(value)
      // With two tags there is no right answer.
      const tags = value.match(/;[ \t]*tag/gi)?.length ?? 0
      if (parsed !== undefined && tags < 2) {
        parseUri(parsed.uri)
        assert.equal(tagOf(value), parsed.params['tag'] || undefined, value)
        assert.equal(tagOf(withTag(value, 'own')), 'own', value)
      } else tagOf(withTag(value, 'own'))
    }
  }
  parseChallenge(header(message, 'WWW-Authenticate') ?? '')
  parseCredentials(header(message, 'Authorization') ?? '')
}

test('mutated messages never make the parser throw, and what it accepts survives being sent on', () => {
  const random = randomFrom(4475)
  let accepted = 0
  for (const original of corpus) {
    for (let round = 0; round < ROUNDS_PER_FILE; round++) {
      const result = parseMessage(mutate(original, random))
      if (!result.ok) {
        if (result.answerable !== undefined) {
          readAll(result.answerable)
          const answer = parseMessage(serializeMessage(response(result.answerable, 400, { toTag: 'own' })))
          assert.ok(answer.ok || answer.fault.code === 'BAD_CSEQ', answer.ok ? '' : answer.fault.text)
        }
        continue
      }
      accepted++
      readAll(result.message)
      const again = parseMessage(serializeMessage(result.message))
      assert.ok(again.ok, again.ok ? '' : again.fault.text)
      assert.deepEqual([...again.message.body], [...result.message.body])
    }
  }
  assert.ok(accepted > 500, `only ${accepted} mutants were accepted: the fuzzer tests too little`)
})

test('mutated streams never make the framer throw, and it says the same however they are cut', () => {
  const random = randomFrom(5626)
  for (const original of corpus) {
    for (let round = 0; round < ROUNDS_PER_FILE / 4; round++) {
      const stream = Buffer.concat([mutate(original, random), original, mutate(original, random)])
      const whole = new StreamFramer().push(stream)
      const cut = new StreamFramer()
      const pieces = []
      for (let at = 0; at < stream.length;) {
        const to = at + 1 + Math.floor(random() * 300)
        pieces.push(...cut.push(stream.subarray(at, to)))
        at = to
      }
      const messages = (items: typeof whole): unknown[] => items.filter((item) => item.kind !== 'keepalive')
      assert.deepEqual(messages(pieces), messages(whole))
    }
  }
})
