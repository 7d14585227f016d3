import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { loadConfig, printConfig } from './load.ts'
import { FIELDS } from './schema.ts'

const withFile = (content: string, run: (file: string) => void): void => {
  const dir = mkdtempSync(path.join(tmpdir(), 'maskline-config-'))
  try {
    const file = path.join(dir, 'maskline.json')
    writeFileSync(file, content)
    run(file)
  } finally {
    rmSync(dir, { recursive: true })
  }
}

test('an empty environment gives every default', () => {
  const config = loadConfig({})
  assert.equal(config.sip.port, 5060)
  assert.equal(config.api.httpPort, 8080)
  assert.equal(config.calls.connectTimeoutSec, 90)
  assert.deepEqual(config.sip.trunks, [])
})

test('[auth.rule.skew.default] [auth.rule.replay.default] [auth.rule.flow.defaults] [auth.rule.lockout.defaults] the gates of the API are as wide as documented', () => {
  const { api } = loadConfig({})
  assert.deepEqual([api.createdSkewHours, api.rejectReplayedNonce], [24, false])
  assert.deepEqual([api.appRatePerSec, api.platformRatePerSec], [50, 500])
  assert.deepEqual([api.lockoutFailures, api.lockoutWindowMin, api.lockoutMin], [20, 5, 30])
  assert.equal(loadConfig({ MASKLINE_CREATED_SKEW_HOURS: '1' }).api.createdSkewHours, 1)
})

test('the environment wins over the file, the file over the default', () => {
  withFile('{"sip":{"port":5070},"api":{"httpPort":9000}}', (file) => {
    const config = loadConfig({ MASKLINE_HTTP_PORT: '9001' }, file)
    assert.equal(config.sip.port, 5070)
    assert.equal(config.api.httpPort, 9001)
  })
})

test('a bad configuration is refused whole with every fault listed', () => {
  const content = JSON.stringify({
    sip: {
      port: 99999,
      trunks: [{ name: 'carrier', peer: { address: 'not a host' }, allowFrom: ['10.0.0.0/40'] }],
    },
    colour: 'blue',
    logLevel: 'loud',
  })
  withFile(content, (file) =>
    assert.throws(
      () => loadConfig({ MASKLINE_HTTP_PORT: 'http' }, file),
      (error: Error) => {
        for (const part of [
          /sip\.port must be/,
          /MASKLINE_HTTP_PORT/,
          /colour is no setting/,
          /logLevel must be one of/,
          /peer\.address/,
          /allowFrom/,
        ])
          assert.match(error.message, part)
        return true
      },
    ),
  )
})

test('a port range without room for two calls is refused', () => {
  assert.throws(
    () => loadConfig({ MASKLINE_RTP_PORT_MIN: '20000', MASKLINE_RTP_PORT_MAX: '20003' }),
    /four ports a call/,
  )
})

test('a session time below the least one is refused, and 0 asks for none', () => {
  const asked = (sec: string) =>
    loadConfig({ MASKLINE_SIP_SESSION_EXPIRES: sec, MASKLINE_SIP_MIN_SESSION: '120' })
  assert.throws(() => asked('100'), /sip\.sessionExpiresSec 100 is less than sip\.minSessionSec 120/)
  assert.equal(asked('0').sip.sessionExpiresSec, 0)
})

test('a SIP port among the RTP ports is refused, before the media engine takes it', () => {
  assert.throws(() => loadConfig({ MASKLINE_SIP_PORT: '20160' }), /sip\.port 20160 lies among the RTP ports/)
  assert.equal(loadConfig({ MASKLINE_SIP_PORT: '19999' }).sip.port, 19_999)
})

test('SIP over TLS is refused without a certificate, with half of one, and on a port of the media', () => {
  const faultOf = (env: Record<string, string>): string => {
    try {
      loadConfig(env)
    } catch (error) {
      return (error as Error).message
    }
    return 'no fault'
  }
  const files = { MASKLINE_SIP_TLS_CERT: 'crt', MASKLINE_SIP_TLS_KEY: 'key' }
  for (const name of ['MASKLINE_SIP_TLS', 'MASKLINE_SIP_WSS']) {
    assert.match(faultOf({ [name]: 'true' }), /SIP over TLS needs a certificate/)
    assert.equal(faultOf({ [name]: 'true', ...files }), 'no fault')
    assert.equal(faultOf({ [name]: 'true', MASKLINE_SIP_TLS_SELF_SIGNED: 'true' }), 'no fault')
    assert.equal(faultOf({ [name]: 'true', MASKLINE_TLS_CERT: 'crt', MASKLINE_TLS_KEY: 'key' }), 'no fault')
  }
  assert.match(
    faultOf({ MASKLINE_SIP_TLS_CERT: 'crt' }),
    /sip\.tls\.certFile and sip\.tls\.keyFile go together/,
  )
  const { portMin } = loadConfig({}).media
  const inMedia = { MASKLINE_SIP_WS: 'true', MASKLINE_SIP_WS_PORT: `${portMin}` }
  assert.match(faultOf(inMedia), /sip\.ws\.port \d+ lies among the RTP ports/)
  assert.equal(faultOf({ ...inMedia, MASKLINE_SIP_WS: 'false' }), 'no fault')
})

test('a trunk that is told by its certificate is refused while no caller is asked for one', () => {
  const register = { register: {}, username: 'u', password: 'p', peer: { address: 'sip.carrier.example' } }
  const faultOf = (tls: object, more: object = {}): string | undefined => {
    const trunk = { name: 'carrier', tlsNames: ['sip.carrier.example'], ...more }
    let fault: string | undefined
    withFile(JSON.stringify({ sip: { tls: { selfSigned: true, ...tls }, trunks: [trunk] } }), (file) => {
      try {
        loadConfig({}, file)
      } catch (error) {
        fault = (error as Error).message
      }
    })
    return fault
  }
  const fault =
    /carrier has tlsNames, and no caller is asked .* set sip\.tls\.enabled, and sip\.tls\.clientCert/
  assert.match(faultOf({})!, fault)
  assert.match(faultOf({ enabled: true })!, fault)
  assert.match(faultOf({ clientCert: 'optional' })!, fault)
  assert.match(faultOf({}, register)!, fault)
  for (const clientCert of ['optional', 'required'])
    assert.equal(faultOf({ enabled: true, clientCert }), undefined)
  assert.equal(faultOf({ enabled: true }, register), undefined)
})

test('origins of WebSockets are origins, not addresses', () => {
  assert.equal(
    loadConfig({ MASKLINE_SIP_WS_ORIGINS: 'https://app.example,http://localhost:8000' }).sip.ws.path,
    '/',
  )
  assert.throws(() => loadConfig({ MASKLINE_SIP_WS_ORIGINS: 'https://app.example/' }), /sip\.ws\.origins/)
  assert.throws(() => loadConfig({ MASKLINE_SIP_WS_PATH: 'sip' }), /sip\.ws\.path/)
})

test('a file that is no JSON, or is not there, is named', () => {
  withFile('{', (file) => assert.throws(() => loadConfig({}, file), /is no JSON/))
  assert.throws(() => loadConfig({}, '/nonexistent/maskline.json'), /cannot read the configuration file/)
})

test('release codes of a trunk are taken by status and cause, and refused when they cannot be meant', () => {
  const withCodes = (releaseCodes: unknown): string =>
    JSON.stringify({ sip: { trunks: [{ name: 'c', releaseCodes }] } })
  withFile(withCodes({ byStatus: { 480: 8104 }, byCause: { 29: 8105 } }), (file) =>
    assert.deepEqual(loadConfig({}, file).sip.trunks[0]?.releaseCodes, {
      byStatus: { 480: 8104 },
      byCause: { 29: 8105 },
    }),
  )
  for (const wrong of [7, { byStatus: { 99: 8104 } }, { byCause: { 29: 'gone' } }, { byMood: { 1: 1 } }])
    withFile(withCodes(wrong), (file) => assert.throws(() => loadConfig({}, file), /releaseCodes must hold/))
})

test('a trunk says how its callers key digits', () => {
  const withDigits = (collectDigits: unknown): string =>
    JSON.stringify({ sip: { trunks: [{ name: 'c', collectDigits }] } })
  withFile(withDigits('early'), (file) =>
    assert.equal(loadConfig({}, file).sip.trunks[0]?.collectDigits, 'early'),
  )
  withFile(withDigits('later'), (file) => assert.throws(() => loadConfig({}, file), /answered or early/))
})

test('a peer over TLS needs our own TLS', () => {
  const peer = { address: 'sip.carrier.example', transport: 'tls' }
  withFile(JSON.stringify({ sip: { trunks: [{ name: 'c', peer }] } }), (file) => {
    assert.throws(() => loadConfig({}, file), /c has a peer over a transport that is off/)
    assert.throws(
      () => loadConfig({ MASKLINE_SIP_WS: 'true' }, file),
      /c has a peer over a transport that is off/,
    )
  })
  withFile(
    JSON.stringify({ sip: { tls: { enabled: true, selfSigned: true }, trunks: [{ name: 'c', peer }] } }),
    (file) => assert.equal(loadConfig({}, file).sip.trunks[0]?.peer?.transport, 'tls'),
  )
})

test('trunk passwords are hidden in print', () => {
  withFile('{"sip":{"trunks":[{"name":"c","username":"u","password":"hunter2"}]}}', (file) => {
    const text = printConfig(loadConfig({}, file))
    assert.ok(!text.includes('hunter2'))
    assert.ok(text.includes('"username": "u"'))
  })
})

test('a database is named by our variable or the common one, and printed without its password', () => {
  const url = 'postgres://maskline:hunter2@db.example:5432/maskline'
  const common = { DATABASE_URL: url }
  assert.equal(loadConfig(common).storage.databaseUrl, url)
  const own = loadConfig({ ...common, MASKLINE_DATABASE_URL: 'postgres://db.example/own' })
  assert.equal(own.storage.databaseUrl, 'postgres://db.example/own')
  assert.match(printConfig(loadConfig(common)), /"postgres:\/\/maskline:\*\*\*@db\.example:5432\/maskline"/)
  assert.throws(() => loadConfig({ DATABASE_URL: 'mysql://root:hunter2@db.example/x' }), {
    code: 'CONFIG_INVALID',
    message: /^(?![^]*hunter2)[^]*must be the address of a PostgreSQL database/,
  })
})

test('a store of recordings is given whole or not at all, and its keys are hidden in print', () => {
  const given = {
    MASKLINE_S3_ENDPOINT: 'https://s3.example',
    MASKLINE_S3_BUCKET: 'calls',
    MASKLINE_S3_ACCESS_KEY_ID: 'MADEUPKEY',
    MASKLINE_S3_SECRET_ACCESS_KEY: 'made-up',
  }
  const config = loadConfig(given)
  assert.equal(config.recordings.s3.region, 'us-east-1')
  assert.doesNotMatch(printConfig(config), /MADEUPKEY|made-up/)
  assert.equal(loadConfig({}).recordings.s3.endpoint, undefined)
  for (const name of Object.keys(given))
    assert.throws(() => loadConfig({ ...given, [name]: '' }), /go together; set all four or none/)
  assert.throws(() => loadConfig({ ...given, MASKLINE_S3_ENDPOINT: 's3.example' }), /endpoint must be/)
  assert.throws(() => loadConfig({ ...given, MASKLINE_S3_PREFIX: 'a b' }), /prefix may hold/)
})

test('addresses that are handed out are checked', () => {
  assert.equal(
    loadConfig({ MASKLINE_PUBLIC_URL: 'https://api.example' }).api.publicUrl,
    'https://api.example',
  )
  for (const url of ['api.example', 'ftp://api.example', 'https://api.example/?a=1'])
    assert.throws(() => loadConfig({ MASKLINE_PUBLIC_URL: url }), /api\.publicUrl must be/)
  assert.throws(() => loadConfig({ MASKLINE_RECORD_DOMAIN: 'a/b' }), /recordings\.domain must be/)
})

test('every setting has its own path and environment variable', () => {
  assert.equal(new Set(FIELDS.map((f) => f.path)).size, FIELDS.length)
  assert.equal(new Set(FIELDS.map((f) => f.env)).size, FIELDS.length)
})
