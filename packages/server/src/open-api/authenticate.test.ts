import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { after, before, beforeEach, describe, it } from 'node:test'
import { wsseHexDigest } from '../shared/credentials.ts'
import { formatCreated } from '../shared/time.ts'
import { anApp, AXB_PATH, NOW, startTestApi, type CallOptions, type TestApi } from './api-test-kit.ts'
import { RESULTS, type ResultKey } from './result-codes.ts'
import { signHeaders } from './signing.ts'

const HOUR_MS = 3_600_000
const AKSK = 'AKSK realm="SDP",profile="UsernameToken",type="Appkey"'
const WSSE = 'WSSE realm="SDP",profile="UsernameToken",type="Appkey"'
const QUERY = '?subscriptionId=s-1'

/** A header set by rows of spec/auth-and-errors.md section 6.1: what is wrong in it, and the answer. */
type Row = { readonly wrong: string; readonly headers: CallOptions['headers']; readonly answer: ResultKey }

const token = (fields: Record<string, string>) =>
  'UsernameToken ' +
  Object.entries(fields)
    .map(([name, value]) => `${name}="${value}"`)
    .join(',')

const FIELDS = { Username: 'app-key-0001', PasswordDigest: 'x', Nonce: 'n', Created: formatCreated(NOW) }
const without = (name: string) => {
  const fields: Record<string, string> = { ...FIELDS }
  delete fields[name]
  return token(fields)
}

const ROWS: readonly Row[] = [
  { wrong: 'no Authorization', headers: { Authorization: undefined }, answer: '400 1023006' },
  { wrong: 'an empty Authorization', headers: { Authorization: '' }, answer: '400 1023006' },
  {
    wrong: 'no realm',
    headers: { Authorization: 'AKSK profile="UsernameToken",type="Appkey"' },
    answer: '400 1023007',
  },
  {
    wrong: 'no profile',
    headers: { Authorization: 'AKSK realm="SDP",type="Appkey"' },
    answer: '400 1023008',
  },
  { wrong: 'another realm', headers: { Authorization: AKSK.replace('SDP', 'SPD') }, answer: '400 1023009' },
  {
    wrong: 'another profile',
    headers: { Authorization: AKSK.replace('UsernameToken', 'Basic') },
    answer: '400 1023010',
  },
  {
    wrong: 'another type',
    headers: { Authorization: AKSK.replace('Appkey', 'Secret') },
    answer: '400 1023011',
  },
  {
    wrong: 'no type',
    headers: { Authorization: 'AKSK realm="SDP",profile="UsernameToken"' },
    answer: '400 1023012',
  },
  {
    wrong: 'a scheme of neither generation',
    headers: { Authorization: 'Bearer abc' },
    answer: '400 1023013',
  },
  { wrong: 'WSSE without X-WSSE', headers: { Authorization: WSSE }, answer: '400 1023026' },
  ...xHeaderRows('WSSE', WSSE, ['400 1023027', '400 1023028', '400 1023029', '400 1023030', '400 1023031']),
  { wrong: 'AKSK without X-AKSK', headers: { 'X-AKSK': undefined }, answer: '400 1023033' },
  ...xHeaderRows('AKSK', AKSK, ['400 1023034', '400 1023035', '400 1023036', '400 1023037', '400 1023038']),
  {
    wrong: 'a nonce of 129 characters',
    headers: { 'X-AKSK': token({ ...FIELDS, Nonce: 'n'.repeat(129) }) },
    answer: '400 1023035',
  },
]

function xHeaderRows(scheme: string, authorization: string, answers: readonly ResultKey[]): Row[] {
  const [username, nonce, created, digest, format] = answers as [
    ResultKey,
    ResultKey,
    ResultKey,
    ResultKey,
    ResultKey,
  ]
  const row = (wrong: string, value: string, answer: ResultKey): Row => ({
    wrong: `${scheme}: ${wrong}`,
    headers: { Authorization: authorization, [`X-${scheme}`]: value },
    answer,
  })
  return [
    row('no Username', without('Username'), username),
    row('an empty Username', token({ ...FIELDS, Username: '' }), username),
    row('no Nonce', without('Nonce'), nonce),
    row('no Created', without('Created'), created),
    row('no PasswordDigest', without('PasswordDigest'), digest),
    row('Created with milliseconds', token({ ...FIELDS, Created: '2026-02-12T15:30:20.123Z' }), format),
  ]
}

describe('authentication of API requests', () => {
  let test: TestApi
  before(async () => (test = await startTestApi()))
  after(() => test.close())
  beforeEach(() => {
    test.app = anApp()
    test.hand.now = NOW
  })

  const answers = async (key: ResultKey, options: CallOptions) => {
    const reply = await test.call('GET', { query: QUERY, ...options })
    const { status, code, text } = RESULTS[key]
    assert.equal(reply.status, status)
    assert.deepEqual(reply.json, {
      resultcode: code,
      resultdesc: text,
      ...(key === '200 0' && queryFields(reply.json)),
    })
    assert.equal(reply.headers['content-type'], 'application/json;charset=utf-8')
  }

  for (const { wrong, headers, answer } of ROWS) {
    it(`[auth.code.${answer.replace(' ', '.')}] answers ${answer} to ${wrong}`, () =>
      answers(answer, { headers }))
  }

  it('[auth.header.case] takes header names in any letter case', async () => {
    const { key, secret } = test.app
    for (const scheme of ['AKSK', 'WSSE'] as const) {
      const signed = Object.entries(signHeaders({ scheme, key, secret, now: NOW, nonce: 'n' }))
      for (const write of ['toLowerCase', 'toUpperCase'] as const) {
        const headers = Object.fromEntries(signed.map(([name, value]) => [name[write](), value]))
        await answers('200 0', { unsigned: true, headers })
      }
    }
  })

  it('[auth.header.aksk.digest] takes Base64 of HMAC-SHA256, keyed with the secret, over nonce and time', async () => {
    const { key, secret } = test.app
    const Created = formatCreated(NOW)
    const PasswordDigest = createHmac('sha256', secret).update(`0a1b${Created}`).digest('base64')
    const fields = { Username: key, PasswordDigest, Nonce: '0a1b', Created }
    await answers('200 0', { unsigned: true, headers: { Authorization: AKSK, 'X-AKSK': token(fields) } })
  })

  it('[auth.header.wsse.digest] takes Base64 of SHA256 over nonce, time and secret', async () => {
    const { key, secret } = test.app
    const Created = formatCreated(NOW)
    const PasswordDigest = createHash('sha256').update(`0a1b${Created}${secret}`).digest('base64')
    const fields = { Username: key, PasswordDigest, Nonce: '0a1b', Created }
    await answers('200 0', { unsigned: true, headers: { Authorization: WSSE, 'X-WSSE': token(fields) } })
  })

  it('[auth.header.aksk] [auth.header.wsse] [auth.header.wsse.hex] [auth.code.200.0] [habit.1] accepts AKSK, WSSE, and the hex form of WSSE', async () => {
    await answers('200 0', { scheme: 'AKSK' })
    await answers('200 0', { scheme: 'WSSE' })
    const created = formatCreated(NOW)
    const PasswordDigest = wsseHexDigest(test.app.secret, 'n', created)
    const fields = { Username: test.app.key, PasswordDigest, Nonce: 'n', Created: created }
    await answers('200 0', { headers: { Authorization: WSSE, 'X-WSSE': token(fields) } })
  })

  it('[auth.code.401.1010010] answers 401 1010010 to a wrong secret in every form', async () => {
    const { key } = test.app
    const bad = (scheme: 'AKSK' | 'WSSE') =>
      signHeaders({ scheme, key, secret: 'other', now: NOW, nonce: 'n' })
    await answers('401 1010010', { headers: bad('AKSK') })
    await answers('401 1010010', { headers: bad('WSSE') })
    const PasswordDigest = wsseHexDigest('other', 'n', formatCreated(NOW))
    const fields = { Username: key, PasswordDigest, Nonce: 'n', Created: formatCreated(NOW) }
    await answers('401 1010010', { headers: { Authorization: WSSE, 'X-WSSE': token(fields) } })
  })

  it('[auth.header.scheme] does not take a WSSE digest under the AKSK scheme', async () => {
    const { key, secret } = test.app
    const wsse = signHeaders({ scheme: 'WSSE', key, secret, now: NOW, nonce: 'n' })['X-WSSE']
    await answers('401 1010010', { headers: { Authorization: AKSK, 'X-AKSK': wsse } })
  })

  it('[auth.code.403.1010003] [auth.header.Username] answers 403 1010003 to an unknown app_key', async () => {
    const headers = signHeaders({ scheme: 'AKSK', key: 'nobody', secret: 's', now: NOW, nonce: 'n' })
    await answers('403 1010003', { headers })
  })

  it('[auth.code.401.1010013] [auth.rule.skew] takes Created up to the skew away from now on both sides and answers 401 1010013 beyond', async () => {
    const at = (now: number) => {
      const { key, secret } = test.app
      return { headers: signHeaders({ scheme: 'AKSK', key, secret, now, nonce: 'n' }) }
    }
    await answers('200 0', at(NOW + 24 * HOUR_MS))
    await answers('200 0', at(NOW - 24 * HOUR_MS))
    await answers('401 1010013', at(NOW + 24 * HOUR_MS + 1000))
    await answers('401 1010013', at(NOW - 24 * HOUR_MS - 1000))
  })

  it('[auth.code.403.1020166] [auth.rule.allowlist] answers 403 1020166 to a source outside the allowlist of addresses and CIDRs', async () => {
    test.app = anApp({ ipAllowlist: ['192.0.2.1', '2001:db8::/32', 'nonsense', '10.0.0.0/99'] })
    await answers('403 1020166', {})
    for (const entry of ['127.0.0.1', '127.0.0.0/8', ' 127.0.0.0/30 ', '0.0.0.0/0']) {
      test.app = anApp({ ipAllowlist: ['192.0.2.1', entry] })
      await answers('200 0', {})
    }
  })

  it('[auth.code.403.1010008] [auth.code.403.1010029] [auth.code.403.1010040] [auth.rule.mode] answers 403 1010008 to a suspended app, 1010029 to a frozen account, 1010040 to another mode', async () => {
    test.app = anApp({ status: 'suspended' })
    await answers('403 1010008', {})
    test.app = anApp({ accountStatus: 'frozen' })
    await answers('403 1010029', {})
    test.app = anApp({ mode: 'AXE' })
    await answers('403 1010040', {})
  })

  it('[auth.rule.order] tells of several faults the first in the order of the checks', async () => {
    const broken: Partial<typeof test.app> = {
      ipAllowlist: ['192.0.2.1'],
      status: 'suspended',
      accountStatus: 'frozen',
      mode: 'AX',
    }
    test.app = anApp(broken)
    const old = NOW - 48 * HOUR_MS
    const sign = (key: string, secret: string, now: number) =>
      ({ headers: signHeaders({ scheme: 'AKSK', key, secret, now, nonce: 'n' }), query: '' }) as const
    await answers('403 1010003', sign('nobody', 'bad', old))
    await answers('401 1010013', sign(test.app.key, 'bad', old))
    await answers('401 1010010', sign(test.app.key, 'bad', NOW))
    await answers('403 1020166', { query: '' })
    test.app = anApp({ ...broken, ipAllowlist: [] })
    await answers('403 1010008', { query: '' })
    test.app = anApp({ ...broken, ipAllowlist: [], status: 'normal' })
    await answers('403 1010029', { query: '' })
    test.app = anApp({ mode: 'AX' })
    await answers('403 1010040', { query: '' })
  })

  it('[auth.rule.replay.default] [habit.4] takes one header for many requests by default', async () => {
    await answers('200 0', {})
    await answers('200 0', {})
  })
})

/** The rest of a query's answer, which is not the matter here. */
function queryFields({ resultcode: _code, resultdesc: _text, ...fields }: Record<string, unknown>) {
  return fields
}

describe('gates of the API', () => {
  const codeOf = async (test: TestApi, options: CallOptions = {}) => {
    const { status, json } = await test.call('GET', { query: QUERY, ...options })
    return `${status} ${json['resultcode']}`
  }
  const wrongSecret = (nonce = 'n') => ({
    headers: signHeaders({ scheme: 'AKSK', key: 'app-key-0001', secret: 'guess', now: NOW, nonce }),
  })

  it('[auth.rule.replay.strict] refuses a used nonce in strict mode, but takes it with another Created', async () => {
    const test = await startTestApi({ config: { rejectReplayedNonce: true } })
    try {
      assert.equal(await codeOf(test), '200 0')
      assert.equal(await codeOf(test), '401 1010010')
      test.hand.now += 1000
      assert.equal(await codeOf(test), '200 0')
    } finally {
      await test.close()
    }
  })

  it('does not remember the nonce of a request whose digest was wrong', async () => {
    const test = await startTestApi({ config: { rejectReplayedNonce: true } })
    try {
      assert.equal(await codeOf(test, wrongSecret('n0nce')), '401 1010010')
      assert.equal(await codeOf(test), '200 0')
    } finally {
      await test.close()
    }
  })

  it('[auth.rule.lockout] [auth.rule.order] [auth.code.403.1020176] locks a source out after its failures, before anything else is looked at, until the lock ends', async () => {
    const test = await startTestApi({ config: { lockoutFailures: 3 } })
    try {
      for (let i = 0; i < 3; i += 1) assert.equal(await codeOf(test, wrongSecret()), '401 1010010')
      assert.equal(await codeOf(test), '403 1020176')
      assert.equal(await codeOf(test, { unsigned: true }), '403 1020176')
      test.hand.now += 30 * 60_000 - 1
      assert.equal(await codeOf(test), '403 1020176')
      test.hand.now += 1
      assert.equal(await codeOf(test), '200 0')
    } finally {
      await test.close()
    }
  })

  it('[auth.rule.lockout.counts] counts unknown keys and old Created towards the lockout, header faults not', async () => {
    const test = await startTestApi({ config: { lockoutFailures: 2 } })
    try {
      for (let i = 0; i < 5; i += 1) assert.equal(await codeOf(test, { unsigned: true }), '400 1023006')
      const sign = (key: string, now: number) => ({
        headers: signHeaders({ scheme: 'AKSK', key, secret: 's', now, nonce: 'n' }),
      })
      assert.equal(await codeOf(test, sign('nobody', NOW)), '403 1010003')
      assert.equal(await codeOf(test, sign('app-key-0001', NOW - 48 * HOUR_MS)), '401 1010013')
      assert.equal(await codeOf(test), '403 1020176')
    } finally {
      await test.close()
    }
  })

  it('[auth.rule.lockout.release] lists locked sources and lets an operator release one', async () => {
    const test = await startTestApi({ config: { lockoutFailures: 1 } })
    try {
      await codeOf(test, wrongSecret())
      assert.deepEqual(test.api.lockout.locked(), [{ ip: '127.0.0.1', until: NOW + 30 * 60_000 }])
      assert.equal(test.api.lockout.release('127.0.0.1'), true)
      assert.equal(test.api.lockout.release('127.0.0.1'), false)
      assert.deepEqual(test.api.lockout.locked(), [])
      assert.equal(await codeOf(test), '200 0')
    } finally {
      await test.close()
    }
  })

  it('[auth.rule.flow.app] [auth.rule.flow.excess] [auth.code.403.1010010] answers 403 1010010 to the excess over the rate of the app, refilled with time', async () => {
    const test = await startTestApi({ config: { appRatePerSec: 2 } })
    try {
      assert.deepEqual(await Promise.all([codeOf(test), codeOf(test)]), ['200 0', '200 0'])
      const { status, json } = await test.call('GET', { query: QUERY })
      assert.equal(status, 403)
      assert.equal(json['resultdesc'], RESULTS['403 1010010'].text)
      test.hand.now += 500
      assert.equal(await codeOf(test), '200 0')
      assert.equal(await codeOf(test), '403 1010010')
    } finally {
      await test.close()
    }
  })

  it('[auth.rule.flow.platform] answers 403 1010010 to the excess over the rate of the platform', async () => {
    const test = await startTestApi({ config: { platformRatePerSec: 1 } })
    try {
      assert.equal(await codeOf(test), '200 0')
      test.app = anApp({ key: 'app-key-0002' })
      assert.equal(await codeOf(test), '403 1010010')
    } finally {
      await test.close()
    }
  })

  it('[auth.rule.path] serves the same API under the documented path only', async () => {
    const test = await startTestApi()
    try {
      assert.equal((await test.call('GET', { query: QUERY, path: AXB_PATH })).status, 200)
      assert.equal((await test.call('GET', { query: QUERY, path: `${AXB_PATH}x` })).status, 404)
    } finally {
      await test.close()
    }
  })
})
