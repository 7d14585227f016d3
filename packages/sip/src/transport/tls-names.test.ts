import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, it } from 'node:test'
import { hasOpenSsl, makeAuthority } from '../testkit/certificates.ts'
import { certifies, domainsOf } from './tls-names.ts'

const skip = hasOpenSsl() || process.env.CI === 'true' ? false : 'no openssl here'
/** All of them have the common name `peer`. */
const certificateOf = (...names: string[]): X509Certificate =>
  new X509Certificate(makeAuthority().issue(...names).cert)

describe('the domains of a certificate (RFC 5922 §7.1)', { skip }, () => {
  it('are those of its SIP URIs without their ports, and its DNS names', () => {
    const certificate = certificateOf('URI:sip:B.example:5061', 'URI:sip:u@c.example', 'DNS:d.example')
    assert.deepEqual(domainsOf(certificate), ['b.example', 'd.example'])
    assert.ok(certifies(certificate, 'b.example'))
    assert.equal(certifies(certificate, 'c.example'), false)
  })

  it('are not its common name, where it has alternative names', () => {
    assert.equal(certifies(certificateOf('URI:sip:b.example'), 'peer'), false)
    const old = new X509Certificate(makeAuthority('old.example').cert)
    assert.ok(certifies(old, 'old.example'))
  })

  it('may be any one label, and no part of one', () => {
    const certificate = certificateOf('DNS:*.b.example', 'DNS:c*.example')
    assert.ok(certifies(certificate, 'x.b.example'))
    for (const name of ['b.example', 'x.y.b.example', 'cx.example'])
      assert.equal(certifies(certificate, name), false, name)
  })
})
