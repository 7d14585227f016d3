import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  authorize,
  challengeHeader,
  ha1,
  parseChallenge,
  parseCredentials,
  verifyCredentials,
} from './digest.ts'
import type { DigestAlgorithm } from './digest.ts'

/** RFC 7616 §3.9.1: one request, answered once with each algorithm. */
const RFC7616 = {
  nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
  opaque: 'FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS',
  cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
  responses: {
    MD5: '8ca523f5e9506fed4657c9700eebdbec',
    'SHA-256': '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
  },
}

test('the vectors of RFC 7616 §3.9.1 come out, made and verified', () => {
  for (const algorithm of ['MD5', 'SHA-256'] as const) {
    const challenge = parseChallenge(
      `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, ` +
        `nonce="${RFC7616.nonce}", opaque="${RFC7616.opaque}"`,
    )
    assert.ok(challenge !== undefined)
    const value = authorize(challenge, {
      username: 'Mufasa',
      password: 'Circle of Life',
      method: 'GET',
      uri: '/dir/index.html',
      nc: 1,
      cnonce: RFC7616.cnonce,
    })
    const credentials = parseCredentials(value)
    assert.deepEqual(credentials, {
      username: 'Mufasa',
      realm: 'http-auth@example.org',
      nonce: RFC7616.nonce,
      uri: '/dir/index.html',
      response: RFC7616.responses[algorithm],
      algorithm,
      opaque: RFC7616.opaque,
      qop: 'auth',
      nc: '00000001',
      cnonce: RFC7616.cnonce,
    })
    assert.ok(verifyCredentials(credentials, { method: 'GET', password: 'Circle of Life' }))
  }
})

test('the vector of RFC 2617 §3.5 comes out', () => {
  const credentials = parseCredentials(
    'Digest username="Mufasa",\trealm="testrealm@host.com",nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", ' +
      'uri="/dir/index.html", qop=auth, nc=00000001, cnonce="0a4f113b", ' +
      'response="6629fae49393a05397450978507c4ef1", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
  )
  assert.ok(credentials !== undefined)
  assert.equal(credentials.algorithm, 'MD5')
  assert.ok(verifyCredentials(credentials, { method: 'GET', password: 'Circle Of Life' }))
  assert.ok(!verifyCredentials(credentials, { method: 'GET', password: 'Circle of Life' }))
  assert.equal(
    ha1('Mufasa', 'testrealm@host.com', 'Circle Of Life', 'MD5'),
    '939e7578ed9e3c518a452acee763bce9',
  )
})

test('the legacy form without qop is H(HA1:nonce:HA2) (RFC 2069)', () => {
  const challenge = parseChallenge(
    'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"',
  )
  assert.ok(challenge !== undefined)
  const options = {
    username: 'Mufasa',
    password: 'CircleOfLife',
    method: 'GET',
    uri: '/dir/index.html',
    nc: 1,
  }
  const credentials = parseCredentials(authorize(challenge, { ...options, cnonce: 'unused' }))
  assert.ok(credentials !== undefined)
  // The example of RFC 2069 §2.4 with the response corrected by its errata (749).
  assert.equal(credentials.response, '1949323746fe6a43ef61f9606e7febea')
  assert.deepEqual([credentials.qop, credentials.nc, credentials.cnonce], [undefined, undefined, undefined])
  assert.ok(verifyCredentials(credentials, { method: 'GET', password: 'CircleOfLife' }))
})

test('auth-int covers the body, and is used only when nothing else is offered', () => {
  const challenge = parseChallenge('Digest realm="r", nonce="n", qop="auth-int"')
  assert.ok(challenge !== undefined)
  const body = Buffer.from('v=0')
  const options = {
    username: 'u',
    password: 'p',
    method: 'INVITE',
    uri: 'sip:192.0.2.1',
    nc: 1,
    cnonce: 'c',
    body,
  }
  const credentials = parseCredentials(authorize(challenge, options))
  assert.equal(credentials?.qop, 'auth-int')
  assert.ok(verifyCredentials(credentials, { method: 'INVITE', password: 'p', body }))
  assert.ok(!verifyCredentials(credentials, { method: 'INVITE', password: 'p', body: Buffer.from('v=1') }))
  const both = parseChallenge('Digest realm="r", nonce="n", qop="auth-int,auth"')
  assert.equal(parseCredentials(authorize(both!, options))?.qop, 'auth')
})

test('a challenge says what it was built from', () => {
  const value = challengeHeader({
    realm: 'a "b" \\',
    nonce: 'n',
    algorithm: 'SHA-256',
    stale: true,
    qop: 'auth',
  })
  assert.equal(value, 'Digest realm="a \\"b\\" \\\\", nonce="n", stale=true, algorithm=SHA-256, qop="auth"')
  assert.deepEqual(parseChallenge(value), {
    realm: 'a "b" \\',
    nonce: 'n',
    algorithm: 'SHA-256',
    qop: ['auth'],
    stale: true,
  })
  const legacy = parseChallenge(challengeHeader({ realm: 'r', nonce: 'n', algorithm: 'MD5', opaque: 'o' }))
  assert.deepEqual(legacy, { realm: 'r', nonce: 'n', algorithm: 'MD5', qop: [], stale: false, opaque: 'o' })
})

test('a challenge that cannot be answered is passed over', () => {
  for (const text of [
    'Basic realm="r"',
    'Digest',
    'Digest realm="r"',
    'Digest nonce="n"',
    'Digest realm="r", nonce="n", algorithm=MD5-sess',
    'Digest realm="r", nonce="n", algorithm=SHA-512-256',
    'Digest realm="r", nonce="n", qop="token"',
    'Digest realm="r, nonce="n"',
    'Digest realm="r" nonce="n"',
    'Digest realm="r", realm="s", nonce="n"',
    'Digest realm="never closed',
    'Digest realm=r nonce=n',
    'Digestrealm="r", nonce="n"',
  ]) {
    assert.equal(parseChallenge(text), undefined, text)
  }
  assert.ok(parseChallenge('digest nonce="a, b=c" ,, Realm=r, algorithm="md5", x=YQ==') !== undefined)
})

test('broken or incomplete credentials are refused', () => {
  const good =
    'Digest username="u", realm="r", nonce="n", uri="sip:x", response="0123", qop=auth, nc=00000001, cnonce="c"'
  assert.ok(parseCredentials(good) !== undefined)
  for (const [from, to] of [
    ['Digest', 'Basic'],
    ['username="u", ', ''],
    ['realm="r", ', ''],
    ['nonce="n", ', ''],
    ['uri="sip:x", ', ''],
    ['response="0123", ', ''],
    [', cnonce="c"', ''],
    ['nc=00000001, ', ''],
    ['nc=00000001', 'nc=1'],
    ['nc=00000001', 'nc=0000000g'],
    ['qop=auth', 'qop=other'],
    ['qop=auth', 'qop=auth, algorithm=MD5-sess'],
    ['username="u"', 'username="u", username="v"'],
  ] as const) {
    assert.equal(parseCredentials(good.replace(from, to)), undefined, `${from} -> ${to}`)
  }
})

test('every part of the request and the credentials counts', () => {
  const challenge = parseChallenge('Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth"')
  const options = {
    username: 'u',
    password: 'p',
    method: 'REGISTER',
    uri: 'sip:192.0.2.1',
    nc: 10,
    cnonce: 'c',
  }
  const credentials = parseCredentials(authorize(challenge!, options))
  assert.ok(credentials !== undefined)
  assert.equal(credentials.nc, '0000000a')
  const check = { method: 'REGISTER', password: 'p' }
  assert.ok(verifyCredentials(credentials, check))
  assert.ok(verifyCredentials({ ...credentials, response: credentials.response.toUpperCase() }, check))
  assert.ok(verifyCredentials(credentials, { method: 'REGISTER', ha1: ha1('u', 'r', 'p', 'SHA-256') }))
  for (const changed of [
    { username: 'v' },
    { realm: 's' },
    { nonce: 'm' },
    { uri: 'sip:192.0.2.2' },
    { nc: '0000000b' },
    { cnonce: 'd' },
    { algorithm: 'MD5' as DigestAlgorithm },
    { response: '' },
    { response: `${credentials.response}0` },
    { response: '\u0130'.repeat(64) },
  ]) {
    assert.ok(!verifyCredentials({ ...credentials, ...changed }, check), JSON.stringify(changed))
  }
  assert.ok(!verifyCredentials(credentials, { ...check, method: 'INVITE' }))
  assert.ok(!verifyCredentials(credentials, { ...check, password: 'P' }))
})

test('any name, realm and password pass through challenge, answer and check', () => {
  const wire = fc.string({ unit: fc.integer({ min: 32, max: 255 }).map((code) => String.fromCharCode(code)) })
  fc.assert(
    fc.property(
      fc.record({
        username: fc.string({ unit: 'binary' }),
        password: fc.string({ unit: 'binary' }),
        realm: wire,
      }),
      fc.constantFrom<DigestAlgorithm>('MD5', 'SHA-256'),
      fc.constantFrom(undefined, 'auth' as const),
      ({ username, password, realm }, algorithm, qop) => {
        const value = challengeHeader({ realm, nonce: 'n', algorithm, ...(qop !== undefined && { qop }) })
        const challenge = parseChallenge(value)
        assert.ok(challenge !== undefined)
        const uri = 'sip:192.0.2.1'
        const answer = authorize(challenge, {
          username,
          password,
          method: 'REGISTER',
          uri,
          nc: 1,
          cnonce: 'c',
        })
        const credentials = parseCredentials(answer)
        assert.ok(credentials !== undefined)
        assert.ok(verifyCredentials(credentials, { method: 'REGISTER', password }))
        assert.ok(
          verifyCredentials(credentials, {
            method: 'REGISTER',
            ha1: ha1(username, realm, password, algorithm),
          }),
        )
        assert.ok(!verifyCredentials(credentials, { method: 'REGISTER', password: `${password}x` }))
      },
    ),
    { seed: 7616, numRuns: 200 },
  )
})
