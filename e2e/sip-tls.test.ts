import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { connect } from 'node:tls'
import { openLaboratory } from '@maskline/lab'
import { goertzel } from '@maskline/media'
import { makeAuthority } from '@maskline/sip/testkit'
import { requirePeer } from './peers.ts'
import type { Baresip } from './support/baresip.ts'
import { startLabPhone } from './support/lab-phone.ts'
import { pickPorts, startServe } from './support/platform-process.ts'
import { freePorts } from './support/ports.ts'
import { makeTempDir } from './support/temp-dir.ts'
import { waitFor } from './support/wait.ts'

const AXB = '/rest/caas/relationnumber/partners/v1.0'
const A = { number: '+8613800000021', host: '127.0.3.1', toneHz: 440 } as const
const B = { number: '+8613800000022', host: '127.0.3.2', toneHz: 1000 } as const
const X = '+8617000000001'
const CLEARLY = 10

const national = (number: string): string => number.slice(3)

describe('a masked call between two baresips over TLS', () => {
  for (const clientCert of ['none', 'required'] as const) {
    test(`both hear each other through X; certificates of phones: ${clientCert}`, async (t) => {
      if (requirePeer(t, 'baresip') === undefined || requirePeer(t, 'openssl') === undefined) return
      const authority = makeAuthority()
      const dir = makeTempDir('sip-tls')
      const { cert, key } = authority.issue('IP:127.0.0.1', 'DNS:pn.example')
      const file = (name: string, text: string): string => {
        writeFileSync(join(dir.path, name), text)
        return join(dir.path, name)
      }
      const lab = await openLaboratory({
        x: [X],
        env: {
          MASKLINE_SIP_TLS: 'true',
          MASKLINE_SIP_TLS_PORT: '0',
          MASKLINE_SIP_TLS_CERT: file('crt', cert),
          MASKLINE_SIP_TLS_KEY: file('key', key),
          MASKLINE_SIP_TLS_CA: file('ca', authority.cert),
          MASKLINE_SIP_TLS_CLIENT_CERT: clientCert,
        },
      })
      const phones: Baresip[] = []
      try {
        const a = await startLabPhone(lab, A, phones, authority)
        const b = await startLabPhone(lab, B, phones, authority)
        const bind = await lab.api('POST', AXB, { callerNum: A.number, calleeNum: B.number, relationNum: X })
        assert.equal(bind.body.resultcode, '0')
        const { host, tlsPort } = lab.platform.sip
        await a.dial(`sip:${national(X)}@${host}:${tlsPort};transport=tls`)
        await a.event('CALL_ESTABLISHED')
        assert.match((await b.event('CALL_ESTABLISHED')).peeruri ?? '', new RegExp(`${national(X)}@`))
        const [heardByA, heardByB] = await Promise.all([a.hears(1), b.hears(1)])
        assert.ok(goertzel(heardByA, B.toneHz) > CLEARLY * goertzel(heardByA, A.toneHz))
        assert.ok(goertzel(heardByB, A.toneHz) > CLEARLY * goertzel(heardByB, B.toneHz))
        // New certificates end no call.
        await lab.platform.reloadCertificates()
        await b.hangup()
        await a.event('CALL_CLOSED')
        await lab.customer.waitFor((c) => c.fees.length === 1, 'the CDR')
        assert.deepEqual(lab.customer.faults, [])
      } finally {
        await Promise.all(phones.map((phone) => phone.close()))
        await lab.close()
        dir.remove()
      }
    })
  }
})

test('SIGHUP gives SIP the new certificate, and what cannot be used changes nothing', async (t) => {
  if (requirePeer(t, 'openssl') === undefined) return
  const authority = makeAuthority()
  const data = makeTempDir('sip-tls-reload')
  const write = (names: readonly string[]): void => {
    const { cert, key } = authority.issue(...names)
    writeFileSync(join(data.path, 'sip.crt'), cert)
    writeFileSync(join(data.path, 'sip.key'), key)
  }
  write(['DNS:old.example'])
  const port = await freePorts('127.0.0.1')
  const serve = await startServe(data.path, await pickPorts(), {
    env: {
      MASKLINE_SIP_TLS: 'true',
      MASKLINE_SIP_TLS_PORT: `${port}`,
      MASKLINE_SIP_TLS_CERT: join(data.path, 'sip.crt'),
      MASKLINE_SIP_TLS_KEY: join(data.path, 'sip.key'),
    },
  })
  try {
    assert.match(serve.peer.output(), new RegExp(`127\\.0\\.0\\.1:${port} \\(TLS\\)`))
    assert.equal(await shownAt(port), 'DNS:old.example')
    write(['DNS:new.example'])
    serve.peer.signal('SIGHUP')
    await waitFor(() => serve.peer.output().includes('read again'), { what: 'the new certificate' })
    assert.equal(await shownAt(port), 'DNS:new.example')
    writeFileSync(join(data.path, 'sip.crt'), 'no certificate')
    serve.peer.signal('SIGHUP')
    await waitFor(() => serve.peer.output().includes('the old ones stay'), { what: 'the refusal' })
    assert.equal(await shownAt(port), 'DNS:new.example')
  } finally {
    await serve.stop()
    data.remove()
  }
})

/** The names of the certificate that is shown there. */
async function shownAt(port: number): Promise<string | undefined> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { subjectaltname } = socket.getPeerCertificate()
  socket.destroy()
  return subjectaltname
}
