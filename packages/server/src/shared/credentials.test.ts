import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { akskDigest, wsseDigest, wsseHexDigest } from './credentials.ts'

// Reference values computed with OpenSSL's command line:
//   printf 'n0nce2026-02-12T15:30:20Z' | openssl dgst -sha256 -hmac 'made-up-secret' -binary | base64
//   printf 'n0nce2026-02-12T15:30:20Zmade-up-secret' | openssl dgst -sha256 -binary | base64
describe('credentials', () => {
  it('signs AKSK with an HMAC keyed by the secret over nonce and time', () => {
    assert.equal(
      akskDigest('made-up-secret', 'n0nce', '2026-02-12T15:30:20Z'),
      'HYu5B91Pq2NDhAEjXKsHEez4cRGtS1DqiWIBtXpoFco=',
    )
  })

  it('signs WSSE with a hash over nonce, time and secret', () => {
    assert.equal(
      wsseDigest('made-up-secret', 'n0nce', '2026-02-12T15:30:20Z'),
      'vJMh4zA005C3IuOcEYbr0/oL1KBSMSChrV7OcwEpPmo=',
    )
  })

  it('knows the hex-string variant of WSSE', () => {
    const raw = Buffer.from('vJMh4zA005C3IuOcEYbr0/oL1KBSMSChrV7OcwEpPmo=', 'base64').toString('hex')
    const hex = wsseHexDigest('made-up-secret', 'n0nce', '2026-02-12T15:30:20Z')
    assert.equal(Buffer.from(hex, 'base64').toString('latin1'), raw)
  })
})
