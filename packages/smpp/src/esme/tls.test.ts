import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hasOpenSsl, makeCertificate } from '../testkit/certificate.ts'
import { part, startPair } from '../testkit/pair.ts'

const skip = hasOpenSsl() ? false : 'openssl is not installed'

describe('SMPP over TLS', { skip }, () => {
  it('binds to an SMSC whose certificate it trusts, and shows its own', async (test) => {
    const [server, client] = [makeCertificate('smsc.example'), makeCertificate('esme.example')]
    const { esme } = await startPair(test, {
      smsc: {
        tls: { ...server, ca: client.cert, clientCert: true },
        onSubmit: () => ({ do: 'accept', messageId: 'm1' }),
      },
      esme: { tls: { ...client, ca: server.cert, serverName: 'smsc.example' } },
    })
    await esme.whenReady()
    assert.deepEqual(await esme.submit(part('x')), { state: 'accepted', messageId: 'm1' })
  })

  const untrusted = {
    'signed by nobody it knows': { serverName: 'smsc.example' },
    'of another name': { serverName: 'other.example', trusted: true },
    'asking for one that it has not': { serverName: 'smsc.example', trusted: true, clientCert: true },
  }
  for (const [name, { serverName, ...more }] of Object.entries(untrusted)) {
    it(`does not bind to an SMSC with a certificate ${name}`, async (test) => {
      const server = makeCertificate('smsc.example')
      const { trusted = false, clientCert = false } = more as { trusted?: boolean; clientCert?: boolean }
      const { esmeEvents, smsc } = await startPair(test, {
        smsc: { tls: { ...server, clientCert } },
        esme: { tls: { serverName, ...(trusted ? { ca: server.cert } : {}) } },
      })
      const event = await esmeEvents.until(({ kind }) => kind !== 'fault')
      assert.equal(event.kind, 'lost')
      assert.deepEqual(smsc.binds(), [])
    })
  }

  it('does not wait for ever for an SMSC that speaks no TLS', async (test) => {
    const { esmeEvents, clock } = await startPair(test, { esme: { tls: {}, connectTimeoutMs: 5000 } })
    clock.advance(5000)
    const event = await esmeEvents.until(({ kind }) => kind === 'lost')
    assert.ok(event.kind === 'lost' && /within 5000 ms/.test(event.reason))
  })
})
