import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { test } from 'node:test'
import { header, headerValues } from './headers.ts'
import { parseNameAddr, tagOf } from './name-addr.ts'
import { parseMessage } from './parse.ts'
import type { FaultCode } from './parse.ts'
import { parseUri, unescapeUser } from './uri.ts'
import { faultInFields } from './validate.ts'
import { parseVia } from './via.ts'

const FIXTURES = new URL('../../test/fixtures/rfc4475/', import.meta.url)

/**
 * `accepts`: method or status that `parseMessage` reads. `field`: the fault `faultInFields` then finds, none when absent.
 * `refuses`: code and status of `parseMessage`; `answerable` tells whether a response can be made.
 */
type Verdict = { readonly why: string } & (
  | {
      readonly accepts: string | number
      readonly body?: number
      readonly field?: { status: number; names: string }
    }
  | { readonly refuses: FaultCode; readonly status: number; readonly answerable: boolean }
)

const VERDICTS: Readonly<Record<string, Verdict>> = {
  // §3.1.1 Valid messages
  'wsinv.dat': { accepts: 'INVITE', body: 150, why: 'blanks and folds wherever the grammar allows them' },
  'intmeth.dat': {
    accepts: "!interesting-Method0123456789_*+`.%indeed'~",
    why: 'every character a token may have',
  },
  'esc01.dat': { accepts: 'INVITE', body: 150, why: 'escapes in URIs stay as they are until asked for' },
  'escnull.dat': { accepts: 'REGISTER', why: 'an escaped NUL in a user part is data' },
  'esc02.dat': { accepts: 'RE%47IST%45R', why: 'a percent sign in a method or header name is no escape' },
  'lwsdisp.dat': { accepts: 'OPTIONS', why: 'no blank is needed between display name and <' },
  'longreq.dat': { accepts: 'INVITE', body: 150, why: 'long values and 34 Via lines are within the limits' },
  'dblreq.dat': {
    accepts: 'REGISTER',
    body: 0,
    why: 'what follows the body in a datagram is dropped (§18.3)',
  },
  'semiuri.dat': { accepts: 'OPTIONS', why: 'a semicolon before @ belongs to the user part' },
  'transports.dat': { accepts: 'OPTIONS', why: 'any transport may stand in Via' },
  'mpart01.dat': { accepts: 'MESSAGE', body: 553, why: 'a multipart body is opaque bytes' },
  'unreason.dat': { accepts: 200, body: 154, why: 'a reason phrase may be UTF-8' },
  'noreason.dat': { accepts: 100, why: 'a reason phrase may be empty' },

  // §3.1.2 Invalid messages
  'badinv01.dat': {
    accepts: 'INVITE',
    body: 152,
    field: { status: 400, names: 'Via' },
    why: 'stray ; and , in Via',
  },
  'clerr.dat': {
    refuses: 'BAD_LENGTH',
    status: 400,
    answerable: true,
    why: 'Content-Length beyond the datagram',
  },
  'ncl.dat': { refuses: 'BAD_LENGTH', status: 400, answerable: true, why: 'negative Content-Length' },
  'scalar02.dat': { refuses: 'BAD_CSEQ', status: 400, answerable: true, why: 'CSeq beyond 2^31' },
  'scalarlg.dat': {
    refuses: 'BAD_CSEQ',
    status: 400,
    answerable: false,
    why: 'CSeq beyond 2^31 in a response',
  },
  'quotbal.dat': {
    accepts: 'INVITE',
    body: 152,
    field: { status: 400, names: 'To' },
    why: 'a quote never closes',
  },
  'ltgtruri.dat': { refuses: 'BAD_START_LINE', status: 400, answerable: true, why: 'Request-URI in <>' },
  'lwsruri.dat': {
    refuses: 'BAD_START_LINE',
    status: 400,
    answerable: true,
    why: 'blank in the Request-URI',
  },
  'lwsstart.dat': {
    refuses: 'BAD_START_LINE',
    status: 400,
    answerable: true,
    why: 'two blanks in the request line',
  },
  'trws.dat': { refuses: 'BAD_START_LINE', status: 400, answerable: true, why: 'blanks after SIP/2.0' },
  'escruri.dat': {
    accepts: 'INVITE',
    body: 150,
    why: 'known gap: headers in a Request-URI are read but never obeyed, where the RFC would rather answer 400',
  },
  'baddate.dat': {
    accepts: 'INVITE',
    body: 150,
    why: 'known gap: Date is not looked at; a wrong zone harms nobody',
  },
  'regbadct.dat': {
    accepts: 'REGISTER',
    field: { status: 400, names: 'Contact' },
    why: 'a URI with ? needs brackets',
  },
  'badaspec.dat': {
    accepts: 'OPTIONS',
    why: 'known gap: blanks inside <> are trimmed; nothing can be misread',
  },
  'baddn.dat': {
    refuses: 'UNFINISHED',
    status: 400,
    answerable: true,
    why: 'the file ends without the empty line; a cut head might have lost a Privacy header (its unquoted comma would pass)',
  },
  'badvers.dat': { refuses: 'BAD_VERSION', status: 505, answerable: true, why: 'SIP/7.0' },
  'mismatch01.dat': {
    refuses: 'BAD_CSEQ',
    status: 400,
    answerable: true,
    why: 'CSeq names another known method',
  },
  'mismatch02.dat': {
    refuses: 'BAD_CSEQ',
    status: 400,
    answerable: true,
    why: 'CSeq does not name the unknown method',
  },
  'bigcode.dat': {
    refuses: 'BAD_START_LINE',
    status: 400,
    answerable: false,
    why: 'status code of ten digits',
  },

  // §3.2 Transaction layer
  'badbranch.dat': { accepts: 'OPTIONS', why: 'an empty branch is the transaction layer’s to handle' },

  // §3.3 Application layer
  'insuf.dat': {
    refuses: 'MISSING_HEADER',
    status: 400,
    answerable: false,
    why: 'no From, To and Call-ID to copy',
  },
  'unkscm.dat': { accepts: 'OPTIONS', field: { status: 416, names: 'Request-URI' }, why: 'unknown scheme' },
  'novelsc.dat': {
    accepts: 'OPTIONS',
    field: { status: 416, names: 'Request-URI' },
    why: 'known scheme, not of SIP',
  },
  'unksm2.dat': { accepts: 'REGISTER', why: 'To, From and Contact may have any scheme' },
  'bext01.dat': { accepts: 'OPTIONS', why: 'Require is the user agent’s to refuse with 420' },
  'invut.dat': { accepts: 'INVITE', body: 40, why: 'an unknown body is the user agent’s to refuse with 415' },
  'regaut01.dat': { accepts: 'REGISTER', why: 'an unknown scheme of credentials is as good as none' },
  'multi01.dat': {
    refuses: 'DUPLICATE_HEADER',
    status: 400,
    answerable: true,
    why: 'CSeq, Call-ID, To, From twice',
  },
  'mcl01.dat': { refuses: 'BAD_LENGTH', status: 400, answerable: true, why: 'two Content-Length' },
  'bcast.dat': { accepts: 200, body: 154, why: 'whose response it is, the transaction layer decides' },
  'zeromf.dat': { accepts: 'OPTIONS', why: 'Max-Forwards 0 stops proxies, not the addressee' },
  'cparam01.dat': { accepts: 'REGISTER', why: 'an unknown Contact parameter' },
  'cparam02.dat': { accepts: 'REGISTER', why: 'an unknown URI parameter' },
  'regescrt.dat': { accepts: 'REGISTER', why: 'headers in a Contact URI are its owner’s matter' },
  'sdp01.dat': { accepts: 'INVITE', body: 150, why: 'what Accept asks for is the user agent’s to judge' },

  // §3.4 Backward compatibility
  'inv2543.dat': { accepts: 'INVITE', body: 105, why: 'RFC 2543: no branch, no Content-Length, no From tag' },
}

const read = (file: string): Buffer => readFileSync(new URL(file, FIXTURES))

test('every fixture has a verdict, and every verdict a fixture', () => {
  const files = readdirSync(FIXTURES).filter((file) => file.endsWith('.dat'))
  assert.equal(files.length, 49)
  assert.deepEqual(Object.keys(VERDICTS).sort(), files.sort())
})

for (const [file, verdict] of Object.entries(VERDICTS)) {
  const outcome = 'accepts' in verdict ? 'accepted' : `refused with ${verdict.refuses}`
  test(`RFC 4475 ${file} is ${outcome}: ${verdict.why}`, () => {
    const result = parseMessage(read(file))
    if ('refuses' in verdict) {
      assert.ok(!result.ok)
      assert.deepEqual(
        [result.fault.code, result.fault.status, result.answerable !== undefined],
        [verdict.refuses, verdict.status, verdict.answerable],
        result.fault.text,
      )
      return
    }
    assert.ok(result.ok, result.ok ? '' : result.fault.text)
    const { message } = result
    assert.equal(message.kind === 'request' ? message.method : message.status, verdict.accepts)
    assert.equal(message.body.length, verdict.body ?? 0)
    const found = faultInFields(message)
    assert.equal(found?.status, verdict.field?.status)
    if (verdict.field !== undefined) assert.match(found!.text, new RegExp(`\\b${verdict.field.names}\\b`))
  })
}

function accepted(file: string) {
  const result = parseMessage(read(file))
  assert.ok(result.ok)
  assert.ok(result.message.kind === 'request')
  return result.message
}

test('the INVITE full of blanks and folds says the same as its tidy twin would', () => {
  const message = accepted('wsinv.dat')
  assert.equal(message.uri, 'sip:vivekg@chair-dnrc.example.com;unknownparam')
  assert.equal(tagOf(header(message, 'To')!), '1918181833n')
  assert.equal(tagOf(header(message, 'From')!), '98asjd8')
  assert.equal(parseNameAddr(header(message, 'From')!)?.display, 'J Rosenberg \\"')
  assert.equal(header(message, 'CSeq'), '0009 INVITE')
  assert.equal(header(message, 'Subject'), '')
  assert.equal(header(message, 'NewFangledHeader'), 'newfangled value continued newfangled value')
  const contact = parseNameAddr(header(message, 'Contact')!)
  assert.deepEqual({ ...contact?.params }, { newparam: 'newvalue', secondparam: undefined, q: '0.33' })
  assert.deepEqual(
    headerValues(message, 'Via').map((value) => {
      const via = parseVia(value)
      return [via?.transport, via?.host, via?.branch]
    }),
    [
      ['UDP', '192.0.2.2', '390skdjuw'],
      ['TCP', 'spindle.example.com', 'z9hG4bK9ikj8'],
      ['UDP', '192.168.255.111', 'z9hG4bK30239'],
    ],
  )
})

test('the wide range of legal characters is read into the right parts', () => {
  const message = accepted('intmeth.dat')
  const uri = parseUri(message.uri)
  assert.equal(uri?.host, 'example.com')
  assert.equal(uri?.user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*")
  assert.equal(uri?.password, "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)")
  assert.equal(tagOf(header(message, 'From')!), "_token~1'+`*%!-.")
  assert.equal(parseNameAddr(header(message, 'To')!)?.display, 'BEL:\x07 NUL:\0 DEL:\x7f')
})

test('escapes in a user part are undone on demand and hide no @ or :', () => {
  const uri = parseUri(accepted('esc01.dat').uri)
  assert.equal(uri?.host, 'example.net')
  assert.equal(uri?.user, 'sips%3Auser%40example.com')
  assert.equal(unescapeUser(uri.user), 'sips:user@example.com')
  const semi = parseUri(accepted('semiuri.dat').uri)
  assert.equal(unescapeUser(semi?.user ?? ''), 'user;par=u@example.net')
})

test('an unknown name stays as received and is no alias of a known one', () => {
  assert.deepEqual(headerValues(accepted('esc02.dat'), 'Contact'), [
    '<sip:alias1@host1.example.com>',
    '<sip:alias3@host3.example.com>',
  ])
})

test('a refused request that can be answered carries each header of the answer once', () => {
  const result = parseMessage(read('multi01.dat'))
  assert.ok(!result.ok && result.answerable !== undefined)
  const names = result.answerable.headers.filter((_, index) => index % 2 === 0)
  for (const name of ['From', 'To', 'Call-ID', 'CSeq'])
    assert.equal(names.filter((one) => one === name).length, 1, name)
})
