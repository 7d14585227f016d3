import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { AppError } from '../shared/app-error.ts'
import { AXB_PATH, NOW, startTestApi } from './api-test-kit.ts'
import { loadCertificate } from './certificate.ts'
import * as der from './der.ts'
import { makeSelfSigned } from './self-signed.ts'
import { signHeaders } from './signing.ts'

const HOSTS = ['api.example', 'localhost', '127.0.0.1', '::1', '2001:db8::5:0']

function hasOpenSsl(): boolean {
  try {
    execFileSync('openssl', ['version'])
    return true
  } catch {
    return false
  }
}

describe('DER', () => {
  it('writes lengths in one byte below 128 and with a count of bytes above', () => {
    assert.equal(der.octetString(Buffer.alloc(127)).subarray(0, 2).toString('hex'), '047f')
    assert.equal(der.octetString(Buffer.alloc(128)).subarray(0, 3).toString('hex'), '048180')
    assert.equal(der.octetString(Buffer.alloc(256)).subarray(0, 4).toString('hex'), '04820100')
  })

  it('writes positive integers in their shortest form', () => {
    const hex = (...bytes: number[]) => der.integer(Buffer.from(bytes)).toString('hex')
    assert.equal(hex(0), '020100')
    assert.equal(hex(0x7f), '02017f')
    assert.equal(hex(0x80), '02020080')
    assert.equal(hex(0, 0, 0x80), '02020080')
  })

  it('writes object identifiers in base 128', () => {
    assert.equal(der.objectIdentifier('1.2.840.113549.1.1.11').toString('hex'), '06092a864886f70d01010b')
  })

  it('writes years from 2050 on with four digits', () => {
    assert.equal(
      der.time(new Date(Date.UTC(2049, 11, 31, 23, 59, 59))).toString('latin1', 2),
      '491231235959Z',
    )
    assert.equal(der.time(new Date(Date.UTC(2050, 0, 1))).toString('latin1', 2), '20500101000000Z')
  })
})

describe('self-signed certificate', () => {
  it('is RSA-2048 with SHA-256, signs itself, and covers its names for ten years', async () => {
    const { key, cert } = await makeSelfSigned(HOSTS, NOW)
    const certificate = new X509Certificate(cert)
    assert.ok(certificate.verify(certificate.publicKey))
    assert.ok(certificate.checkPrivateKey(createPrivateKey(key)))
    assert.equal(certificate.publicKey.asymmetricKeyDetails?.modulusLength, 2048)
    assert.equal(certificate.signatureAlgorithm, 'sha256WithRSAEncryption')
    assert.ok(certificate.checkHost('api.example') && certificate.checkHost('localhost'))
    for (const ip of ['127.0.0.1', '::1', '2001:db8::5:0']) assert.ok(certificate.checkIP(ip), ip)
    assert.equal(certificate.checkHost('other.example'), undefined)
    assert.equal(certificate.validFromDate.getTime(), NOW - 86_400_000)
    assert.equal(certificate.validToDate.getTime(), NOW + 3650 * 86_400_000)
  })

  it('passes the strict checks of OpenSSL', { skip: !hasOpenSsl() && 'no openssl here' }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'maskline-tls-'))
    try {
      const file = join(folder, 'tls.crt')
      await writeFile(file, (await makeSelfSigned(HOSTS, Date.now())).cert)
      const strict = ['verify', '-x509_strict', '-purpose', 'sslserver', '-verify_hostname', 'api.example']
      assert.match(execFileSync('openssl', [...strict, '-CAfile', file, file]).toString(), /: OK/)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

describe('certificate of the deployment', () => {
  let dataDir: string
  beforeEach(async () => (dataDir = await mkdtemp(join(tmpdir(), 'maskline-tls-'))))
  afterEach(() => rm(dataDir, { recursive: true }))
  const source = (api = {}) => ({ dataDir: join(dataDir, 'data'), hostName: 'api.example', api })

  it('is made at the first start, the key readable by its owner only, and used again later', async () => {
    const made = await loadCertificate(source(), NOW)
    assert.ok(new X509Certificate(made.cert).checkHost('api.example'))
    assert.equal((await stat(join(dataDir, 'data', 'tls.key'))).mode & 0o777, 0o600)
    assert.equal(await readFile(join(dataDir, 'data', 'tls.crt'), 'utf8'), made.cert)
    assert.deepEqual(await loadCertificate(source(), NOW + 1), made)
  })

  it('is made anew when one of the two files is gone', async () => {
    const made = await loadCertificate(source(), NOW)
    await rm(join(dataDir, 'data', 'tls.crt'))
    assert.notEqual((await loadCertificate(source(), NOW)).cert, made.cert)
  })

  it('comes from the configured files when they are set', async () => {
    const { key, cert } = await makeSelfSigned(['own.example'], NOW)
    const tlsKeyFile = join(dataDir, 'own.key')
    const tlsCertFile = join(dataDir, 'own.crt')
    await writeFile(tlsKeyFile, key)
    await writeFile(tlsCertFile, cert)
    assert.deepEqual(await loadCertificate(source({ tlsKeyFile, tlsCertFile }), NOW), { key, cert })
  })

  it('is refused with a sentence when files are missing, broken or strangers to each other', async () => {
    const refuses = (api: object, code: string) =>
      assert.rejects(loadCertificate(source(api), NOW), (error: unknown) => {
        assert.ok(error instanceof AppError)
        assert.match(error.message, /own\.(key|crt)/)
        assert.equal(error.code, code)
        return true
      })
    const tlsKeyFile = join(dataDir, 'own.key')
    const tlsCertFile = join(dataDir, 'own.crt')
    await refuses({ tlsKeyFile, tlsCertFile }, 'TLS_FILE_UNREADABLE')
    await writeFile(tlsKeyFile, 'no key')
    await writeFile(tlsCertFile, 'no certificate')
    await refuses({ tlsKeyFile, tlsCertFile }, 'TLS_FILE_INVALID')
    await writeFile(tlsKeyFile, (await makeSelfSigned(['a.example'], NOW)).key)
    await writeFile(tlsCertFile, (await makeSelfSigned(['b.example'], NOW)).cert)
    await refuses({ tlsKeyFile, tlsCertFile }, 'TLS_FILE_INVALID')
  })
})

describe('API over TLS', () => {
  it('[auth.rule.https] serves the same resources to a client that trusts the certificate', async () => {
    const tls = await makeSelfSigned(['localhost', '127.0.0.1'], Date.now())
    const test = await startTestApi({ tls })
    try {
      const { key, secret } = test.app
      const sent = request({
        host: '127.0.0.1',
        port: test.httpsPort,
        path: `${AXB_PATH}?subscriptionId=s`,
        headers: signHeaders({ scheme: 'AKSK', key, secret, now: NOW, nonce: 'n' }),
        ca: tls.cert,
        agent: false,
      }).end()
      const [response] = await once(sent, 'response')
      response.resume()
      assert.equal(response.statusCode, 200)
    } finally {
      await test.close()
    }
  })

  it('closes a connection that speaks plain HTTP or rubbish, and goes on serving', async () => {
    const tls = await makeSelfSigned(['localhost', '127.0.0.1'], Date.now())
    const test = await startTestApi({ tls })
    try {
      for (const bytes of ['GET / HTTP/1.1\r\nHost: h\r\n\r\n', '\x16\x03\x01\x00\x05hello', '\0']) {
        const socket = connect(test.httpsPort ?? 0, '127.0.0.1', () => socket.end(bytes))
        // A reset counts as closed.
        await new Promise<void>((resolve) =>
          socket
            .on('error', () => undefined)
            .once('close', () => resolve())
            .resume(),
        )
      }
      assert.equal((await test.call('GET', { query: '?subscriptionId=s' })).status, 200)
    } finally {
      await test.close()
    }
  })

  it('fails with one sentence when a port is taken, and leaves no port open', async () => {
    const first = await startTestApi()
    const tls = await makeSelfSigned(['localhost'], NOW)
    try {
      const taken = { httpsPort: first.port }
      await assert.rejects(startTestApi({ tls, config: taken }), (error: unknown) => {
        assert.ok(error instanceof AppError)
        assert.equal(error.code, 'API_LISTEN')
        assert.match(
          error.message,
          new RegExp(
            `HTTPS.* on 127\\.0\\.0\\.1 port ${first.port}: another program uses it.*api\\.httpsPort`,
          ),
        )
        return true
      })
    } finally {
      await first.close()
    }
  })
})
