import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allHeaders, header } from './headers.ts'
import { DEFAULT_LIMITS, parseMessage } from './parse.ts'
import type { ParseResult } from './parse.ts'

const MANDATORY = [
  'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKnashds8',
  'From: <sip:+8613800000021@192.0.2.1>;tag=a1',
  'To: <sip:+8617000000001@192.0.2.2>',
  'Call-ID: c1@192.0.2.1',
  'CSeq: 1 INVITE',
]
const START = 'INVITE sip:+8617000000001@192.0.2.2 SIP/2.0'

function bytes(lines: readonly string[], body = ''): Buffer {
  return Buffer.from([...lines, '', body].join('\r\n'), 'latin1')
}
const parse = (lines: readonly string[], body = ''): ParseResult => parseMessage(bytes(lines, body))

function accepted(result: ParseResult) {
  assert.ok(result.ok, result.ok ? '' : `${result.fault.code}: ${result.fault.text}`)
  return result.message
}
function refused(result: ParseResult, code: string, status: number, answerable: boolean): void {
  assert.ok(!result.ok)
  assert.deepEqual([result.fault.code, result.fault.status], [code, status], result.fault.text)
  assert.equal(result.answerable !== undefined, answerable)
}

test('a request is read into method, URI, canonical headers in wire order, and body', () => {
  const message = accepted(parse([START, ...MANDATORY, 'x-custom: Kept As Is', 'l: 4'], 'body'))
  assert.ok(message.kind === 'request')
  assert.equal(message.method, 'INVITE')
  assert.equal(message.uri, 'sip:+8617000000001@192.0.2.2')
  const names = message.headers.filter((_, index) => index % 2 === 0)
  assert.deepEqual(names, ['Via', 'From', 'To', 'Call-ID', 'CSeq', 'x-custom', 'Content-Length'])
  assert.equal(Buffer.from(message.body).toString(), 'body')
})

test('a response is read into status and reason, also when the blank before an empty reason is left out', () => {
  for (const [line, status, reason] of [
    ['SIP/2.0 183 Session Progress', 183, 'Session Progress'],
    ['SIP/2.0 486 ', 486, ''],
    ['SIP/2.0 699', 699, ''],
  ] as const) {
    const message = accepted(parse([line, ...MANDATORY]))
    assert.ok(message.kind === 'response')
    assert.deepEqual([message.status, message.reason], [status, reason])
  }
})

test('compact and oddly spelled names become canonical', () => {
  const spelled = {
    v: 'Via',
    f: 'From',
    t: 'To',
    i: 'Call-ID',
    m: 'Contact',
    l: 'Content-Length',
    c: 'Content-Type',
    k: 'Supported',
    s: 'Subject',
    e: 'Content-Encoding',
    a: 'Accept-Contact',
    b: 'Referred-By',
    d: 'Request-Disposition',
    j: 'Reject-Contact',
    o: 'Event',
    r: 'Refer-To',
    u: 'Allow-Events',
    x: 'Session-Expires',
    y: 'Identity',
    'cAlL-iD': 'Call-ID',
    'WWW-AUTHENTICATE': 'WWW-Authenticate',
    'p-asserted-identity': 'P-Asserted-Identity',
    cseq: 'CSeq',
  }
  for (const [name, canonical] of Object.entries(spelled)) {
    for (const spelling of [name, name.toUpperCase()]) {
      const others = MANDATORY.filter((line) => !line.startsWith(`${canonical}:`))
      const value = canonical === 'Content-Length' ? '0' : canonical === 'CSeq' ? '7 INVITE' : 'value'
      const message = accepted(parse([START, ...others, `${spelling} \t: ${value}`]))
      assert.deepEqual(allHeaders(message, canonical), [value], spelling)
    }
  }
})

test('a folded value is one line with one space at each fold', () => {
  const message = accepted(
    parse([START, ...MANDATORY, 'Subject:', '  first', '\tsecond  ', ' ', '   third', 'Date: x']),
  )
  assert.equal(header(message, 'Subject'), 'first second third')
  assert.equal(header(message, 'Date'), 'x')
})

test('blanks around values go, inside they stay', () => {
  const message = accepted(parse([START, ...MANDATORY, 'Subject: \t two  words \t']))
  assert.equal(header(message, 'Subject'), 'two  words')
})

test('bytes beyond ASCII survive as latin1 characters', () => {
  const subject = Buffer.from('号码', 'utf8').toString('latin1')
  assert.equal(header(accepted(parse([START, ...MANDATORY, `Subject: ${subject}`])), 'Subject'), subject)
})

test('a datagram longer than Content-Length is cut to it, a shorter one is refused', () => {
  assert.equal(accepted(parse([START, ...MANDATORY, 'Content-Length: 2'], 'body')).body.length, 2)
  refused(parse([START, ...MANDATORY, 'Content-Length: 5'], 'body'), 'BAD_LENGTH', 400, true)
})

test('without Content-Length the body is the rest of the datagram', () => {
  assert.equal(accepted(parse([START, ...MANDATORY], 'body')).body.length, 4)
  assert.equal(accepted(parse([START, ...MANDATORY])).body.length, 0)
})

test('the body is a view on the datagram, not a copy', () => {
  const data = bytes([START, ...MANDATORY], 'body')
  assert.equal(accepted(parseMessage(data)).body.buffer, data.buffer)
})

test('line ends before the start line are skipped, and alone they are a keep-alive', () => {
  const data = bytes([START, ...MANDATORY])
  accepted(parseMessage(Buffer.concat([Buffer.from('\r\n\r\n'), data])))
  refused(parseMessage(Buffer.from('\r\n\r\n')), 'EMPTY', 400, false)
  refused(parseMessage(new Uint8Array(0)), 'EMPTY', 400, false)
})

test('a Uint8Array that is no Buffer, and sits in the middle of its memory, is read as well', () => {
  const data = bytes([START, ...MANDATORY], 'body')
  const memory = new Uint8Array(data.length + 20).fill(0x41)
  memory.set(data, 10)
  const message = accepted(parseMessage(memory.subarray(10, 10 + data.length)))
  assert.equal(Buffer.from(message.body).toString(), 'body')
})

test('what is not SIP is told from SIP that is wrong', () => {
  for (const text of [
    '\0\x01\0\x08stun',
    '\x16\x03\x01',
    'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
    'hello',
    '{"a":1}\r\n\r\n',
  ]) {
    refused(parseMessage(Buffer.from(text, 'latin1')), 'NOT_SIP', 400, false)
  }
})

test('a wrong request line is refused, and answerable when the headers are there', () => {
  for (const line of [
    'INVITE  sip:a@192.0.2.2 SIP/2.0',
    'INVITE sip:a@192.0.2.2  SIP/2.0',
    'INVITE sip:a@192.0.2.2 SIP/2.0 ',
    'INVITE sip:a b@192.0.2.2 SIP/2.0',
    'INVITE <sip:a@192.0.2.2> SIP/2.0',
    'INVITE sip:"a"@192.0.2.2 SIP/2.0',
    'INVITE a@192.0.2.2 SIP/2.0',
    'INVITE :a SIP/2.0',
    'INVITE sip:a@192.0.2.2 sip/2.0',
    'INVITE sip:a\t@192.0.2.2 SIP/2.0',
  ]) {
    refused(parse([line, ...MANDATORY]), 'BAD_START_LINE', 400, true)
  }
})

test('another SIP version gets 505', () => {
  refused(parse(['INVITE sip:a@192.0.2.2 SIP/3.0', ...MANDATORY]), 'BAD_VERSION', 505, true)
  refused(parse(['INVITE sip:a@192.0.2.2 SIP/2.1', ...MANDATORY]), 'BAD_VERSION', 505, true)
  refused(parse(['SIP/1.0 200 OK', ...MANDATORY]), 'BAD_VERSION', 505, false)
})

test('a status code is three digits from 100 to 699', () => {
  for (const code of ['099', '700', '20', '2000', '2x0', '-20', '']) {
    refused(parse([`SIP/2.0 ${code} x`, ...MANDATORY]), 'BAD_START_LINE', 400, false)
  }
})

test('each missing header is named', () => {
  for (const [index, line] of MANDATORY.entries()) {
    const result = parse([START, ...MANDATORY.toSpliced(index, 1)])
    refused(result, 'MISSING_HEADER', 400, false)
    assert.equal(!result.ok && result.fault.text, `missing: ${line.slice(0, line.indexOf(':'))}`)
  }
})

test('From, To, Call-ID, CSeq and Content-Length come once, in whatever spelling; Via may come often', () => {
  for (const line of ['f: <sip:x@192.0.2.9>', 'TO: <sip:x@192.0.2.9>', 'i: c1@192.0.2.1', 'CSeq: 1 INVITE']) {
    refused(parse([START, ...MANDATORY, line]), 'DUPLICATE_HEADER', 400, true)
  }
  refused(parse([START, ...MANDATORY, 'Content-Length: 0', 'l: 0']), 'BAD_LENGTH', 400, true)
  assert.equal(allHeaders(accepted(parse([START, ...MANDATORY, MANDATORY[0]!])), 'Via').length, 2)
})

test('CSeq must be a number below 2^31 and the method of the request', () => {
  const others = MANDATORY.slice(0, 4)
  for (const value of [
    '1 BYE',
    '1 invite',
    '2147483648 INVITE',
    '-1 INVITE',
    '1',
    'INVITE',
    '1INVITE',
    '',
    '1 IN VITE',
    '+1 INVITE',
  ]) {
    refused(parse([START, ...others, `CSeq: ${value}`]), 'BAD_CSEQ', 400, true)
  }
  accepted(parse([START, ...others, 'CSeq: 2147483647 INVITE']))
  accepted(parse([START, ...others, 'CSeq: 0 \t INVITE']))
})

test('a Content-Length that is no plain number is refused', () => {
  for (const value of ['-1', '+1', '1.0', '0x10', '1 2', '', '99999999999999999999']) {
    refused(parse([START, ...MANDATORY, `Content-Length: ${value}`], 'body'), 'BAD_LENGTH', 400, true)
  }
})

test('a header line needs a name of token characters and a colon', () => {
  for (const line of [
    'no colon here',
    ': value',
    'bad name: value',
    'bad@name: value',
    'na\u00efve: value',
  ]) {
    refused(parse([START, ...MANDATORY, line]), 'BAD_HEADER', 400, true)
    refused(parse([START, line, ...MANDATORY]), 'BAD_HEADER', 400, true)
  }
  refused(parse([START, ' folded: before any header', ...MANDATORY]), 'BAD_HEADER', 400, true)
})

test('a bare CR or LF in the head is refused, so no two readers see different lines', () => {
  for (const value of [
    'a\nX-Evil: 1',
    'a\rX-Evil: 1',
    'a\r\r',
    '\n',
    'a\r\n folded\nX-Evil: 1',
    'a\r\n folded\rX',
  ]) {
    refused(parse([START, ...MANDATORY, `Subject: ${value}`, 'Date: x']), 'BAD_HEADER', 400, true)
  }
})

test('a head without its empty line is refused wherever it was cut', () => {
  const whole = bytes([START, ...MANDATORY])
  for (let length = 1; length < whole.length; length++) {
    const result = parseMessage(whole.subarray(0, length))
    assert.ok(!result.ok)
    assert.ok(['UNFINISHED', 'NOT_SIP'].includes(result.fault.code), `${length}: ${result.fault.code}`)
  }
})

test('limits on head, header count and body hold at the very byte', () => {
  const lines = [START, ...MANDATORY]
  const head = bytes(lines).length
  const limits = { ...DEFAULT_LIMITS, maxHeadBytes: head, maxHeaders: 5, maxBodyBytes: 4 }
  accepted(parseMessage(bytes(lines, 'body'), limits))
  refused(parseMessage(bytes(lines, 'body!'), limits), 'TOO_LARGE', 413, true)
  refused(
    parseMessage(bytes([...lines, 'Content-Length: 5'], 'body!'), {
      ...limits,
      maxHeadBytes: 999,
      maxHeaders: 6,
    }),
    'TOO_LARGE',
    413,
    true,
  )
  refused(parseMessage(bytes(lines, 'body'), { ...limits, maxHeadBytes: head - 1 }), 'TOO_LARGE', 513, true)
  refused(
    parseMessage(bytes([...lines, 'a: b'], 'body'), { ...limits, maxHeadBytes: 999 }),
    'TOO_MANY_HEADERS',
    400,
    true,
  )
})

test('lines that give no header count against the limit, too', () => {
  const limits = { ...DEFAULT_LIMITS, maxHeaders: 7 }
  const junk = ['To: <sip:x@192.0.2.9>', 'no colon', 'bad name: x']
  const at = (count: number): ParseResult =>
    parseMessage(bytes([START, ...MANDATORY, ...junk.slice(0, count)]), limits)
  for (const count of [1, 2]) refused(at(count), 'DUPLICATE_HEADER', 400, true)
  const result = parseMessage(bytes([START, ...junk, ...junk, ...junk, ...MANDATORY]), limits)
  refused(result, 'TOO_MANY_HEADERS', 400, false)
})

test('an answerable request names what a response must copy, without a body', () => {
  const result = parse(['INVITE  sip:a@192.0.2.2  SIP/2.0', ...MANDATORY], 'body')
  assert.ok(!result.ok && result.answerable !== undefined)
  assert.equal(result.answerable.method, 'INVITE')
  assert.equal(result.answerable.uri, 'sip:a@192.0.2.2')
  assert.equal(result.answerable.body.length, 0)
  assert.equal(header(result.answerable, 'Call-ID'), 'c1@192.0.2.1')
})
