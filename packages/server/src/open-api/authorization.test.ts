import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parseCreated, readCredentials, scanAttributes } from './authorization.ts'

const TOKEN = 'UsernameToken Username="k",PasswordDigest="d=",Nonce="n",Created="2026-02-12T15:30:20Z"'

describe('authorization headers', () => {
  /** By row and what is odd. */
  const accepted: Record<string, string> = {
    '[habit.1] [auth.header.blanks] without blanks:':
      'AKSK realm="SDP",profile="UsernameToken",type="Appkey"',
    '[habit.1] [auth.header.blanks] with a blank after each comma:':
      'AKSK realm="SDP", profile="UsernameToken", type="Appkey"',
    '[auth.header.order] in another order:': 'AKSK type="Appkey",realm="SDP",profile="UsernameToken"',
    '[auth.header.type] with type app_key:': 'AKSK realm="SDP",profile="UsernameToken",type="app_key"',
    '[auth.header.type] with type in another letter case:':
      'AKSK realm="SDP",profile="UsernameToken",type="APPKEY"',
    '[auth.header.blanks] with blanks around the equals signs:':
      'AKSK  realm = "SDP" , profile = "UsernameToken" , type = "Appkey"',
    'without quotes:': 'aksk realm=SDP,profile=UsernameToken,type=Appkey',
  }
  for (const [title, authorization] of Object.entries(accepted)) {
    it(`${title} Authorization is read`, () => {
      assert.equal(readCredentials({ authorization, 'x-aksk': TOKEN }).ok, true)
    })
  }

  it('[auth.header.order] [auth.header.blanks] reads the four fields of the token in any order, with and without blanks', () => {
    const authorization = 'WSSE realm="SDP",profile="UsernameToken",type="Appkey"'
    const read = readCredentials({
      authorization,
      'x-wsse':
        'UsernameToken Created="2026-02-12T15:30:20Z", Nonce="0a1b", PasswordDigest="ab+/==",Username="k1"',
    })
    assert.deepEqual(read, {
      ok: true,
      credentials: {
        scheme: 'WSSE',
        username: 'k1',
        digest: 'ab+/==',
        nonce: '0a1b',
        created: '2026-02-12T15:30:20Z',
        createdAt: Date.UTC(2026, 1, 12, 15, 30, 20),
      },
    })
  })

  it('takes the first of two attributes with one name, and names like __proto__ as any other', () => {
    assert.equal(scanAttributes('Token a="1",a="2"')['a'], '1')
    assert.equal(scanAttributes('__proto__="1"')['__proto__'], '1')
    assert.equal(scanAttributes('Token')['constructor'], undefined)
  })

  it('ends on any text', () => {
    const shred = fc
      .array(fc.constantFrom('=', '"', ',', ' ', '\t', 'a', 'realm', '\u00ff'))
      .map((s) => s.join(''))
    fc.assert(
      fc.property(shred, (text) => {
        scanAttributes(text)
        readCredentials({ authorization: `AKSK ${text}`, 'x-aksk': text })
      }),
    )
  })

  it('reads back every attribute that was written', () => {
    const value = fc.stringMatching(/^[A-Za-z0-9+/=:, -]{1,20}$/)
    fc.assert(
      fc.property(value, value, fc.constantFrom(',', ', ', ' , '), (a, b, separator) => {
        const found = scanAttributes(`UsernameToken Nonce="${a}"${separator}Created="${b}"`)
        assert.deepEqual({ ...found }, { nonce: a, created: b })
      }),
    )
  })
})

describe('Created', () => {
  it('[auth.header.Created] [faq.3] is yyyy-MM-ddTHH:mm:ssZ', () => {
    assert.equal(parseCreated('2026-02-12T15:30:20Z'), Date.UTC(2026, 1, 12, 15, 30, 20))
  })

  for (const text of [
    '2026-02-12T15:30:20.000Z',
    '2026-02-12 15:30:20',
    '2026-02-12T15:30:20',
    '2026-02-12T15:30:20+08:00',
    '2026-2-12T15:30:20Z',
    '2026-02-30T15:30:20Z',
    '2026-13-12T15:30:20Z',
    '2026-02-12T24:00:00Z',
    '2026-02-12T15:30:61Z',
    '1770910220',
  ]) {
    it(`[auth.header.Created] refuses ${text}`, () => assert.equal(parseCreated(text), undefined))
  }
})
