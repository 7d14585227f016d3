import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { type Laboratory, openLaboratory } from '@maskline/lab'
import { generateTone, goertzel } from '@maskline/media'
import { type TestAuthority, makeAuthority } from '@maskline/sip/testkit'
import { requirePeer } from './peers.ts'
import { type Baresip, startBaresip } from './support/baresip.ts'

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
      const dir = mkdtempSync(join(tmpdir(), 'sip-tls-'))
      const { cert, key } = authority.issue('IP:127.0.0.1', 'DNS:pn.example')
      const file = (name: string, text: string): string => {
        writeFileSync(join(dir, name), text)
        return join(dir, name)
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
        const a = await startPhone(lab, authority, A, phones)
        const b = await startPhone(lab, authority, B, phones)
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
        rmSync(dir, { recursive: true })
      }
    })
  }
})

async function startPhone(
  lab: Laboratory,
  authority: TestAuthority,
  { number, host, toneHz }: typeof A | typeof B,
  phones: Baresip[],
): Promise<Baresip> {
  const user = national(number)
  await lab.platform.storage.subscribers.save({ username: user, password: 'correct-horse' })
  await lab.platform.reloadSubscribers()
  const { sip } = lab.platform
  assert.ok(sip.tlsPort)
  const phone = await startBaresip({
    user,
    host,
    transport: 'tls',
    tls: { ...authority.issue(`IP:${host}`), ca: authority.cert },
    speaks: generateTone(toneHz, 1),
    autoAnswer: true,
    registrar: { address: sip.host, port: sip.tlsPort, password: 'correct-horse' },
  })
  phones.push(phone)
  await phone.registered()
  return phone
}
