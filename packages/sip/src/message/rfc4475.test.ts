import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { header, headerValues } from './headers.ts'
import { parseNameAddr, tagOf } from './name-addr.ts'
import { parseMessage } from './parse.ts'
import { parseUri, unescapeUser } from './uri.ts'
import { parseVia } from './via.ts'

const FIXTURES = new URL('../../testdata/rfc4475/', import.meta.url)

const read = (file: string): Buffer => readFileSync(new URL(file, FIXTURES))

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
