import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Laboratory, openLaboratory } from '@maskline/lab'
import { generateTone, goertzel } from '@maskline/media'
import { requirePeer } from './peers.ts'
import { type Baresip, startBaresip } from './support/baresip.ts'

const A = '+8613800000021'
const B = '+8613800000022'
const X = '+8617000000001'
const A_HZ = 440
const B_HZ = 1000
/** A voice counts as heard when it is ten times as loud as the other. */
const CLEARLY = 10

const national = (number: string): string => number.slice(3)

async function phone(lab: Laboratory, number: string, toneHz: number, phones: Baresip[]): Promise<Baresip> {
  const user = national(number)
  await lab.platform.storage.subscribers.save({ username: user, password: 'correct-horse' })
  await lab.platform.reloadSubscribers()
  const { host, port } = lab.platform.sip
  const baresip = await startBaresip({
    user,
    speaks: generateTone(toneHz, 1),
    autoAnswer: true,
    registrar: { address: host, port, password: 'correct-horse' },
  })
  phones.push(baresip)
  await baresip.registered()
  return baresip
}

function assertHears(ear: string, samples: Int16Array, expected: number, other: number): void {
  const loud = goertzel(samples, expected)
  const faint = goertzel(samples, other)
  assert.ok(
    loud > 0.05 && loud > CLEARLY * faint,
    `${ear} hears ${expected} Hz at ${loud}, ${other} Hz at ${faint}`,
  )
}

describe('a masked call between two baresips', () => {
  test('both hear each other through X, B sees X, and the call back works the same way', async (t) => {
    if (requirePeer(t, 'baresip') === undefined) return
    const lab = await openLaboratory({ x: [X] })
    const phones: Baresip[] = []
    try {
      const a = await phone(lab, A, A_HZ, phones)
      const b = await phone(lab, B, B_HZ, phones)
      const bind = await lab.api('POST', AXB, { callerNum: A, calleeNum: B, relationNum: X })
      assert.equal(bind.body.resultcode, '0')

      const { host, port } = lab.platform.sip
      await a.dial(`sip:${national(X)}@${host}:${port}`)
      const incoming = await b.event('CALL_ESTABLISHED')
      assert.match(incoming.peeruri ?? '', new RegExp(`${national(X)}@`))
      await a.event('CALL_ESTABLISHED')
      const [heardByA, heardByB] = await Promise.all([a.hears(1), b.hears(1)])
      assertHears('A', heardByA, B_HZ, A_HZ)
      assertHears('B', heardByB, A_HZ, B_HZ)
      await a.hangup()
      await b.event('CALL_CLOSED')
      await lab.customer.waitFor((c) => c.fees.length === 1, 'the CDR of A to B')

      await b.dial(`sip:${national(X)}@${host}:${port}`)
      const back = await a.event('CALL_ESTABLISHED')
      assert.match(back.peeruri ?? '', new RegExp(`${national(X)}@`))
      await b.event('CALL_ESTABLISHED')
      await a.hears(0.5)
      await b.hangup()
      await lab.customer.waitFor((c) => c.fees.length === 2, 'the CDR of B to A')
      assert.deepEqual(
        lab.customer.fees.map((fee) => [fee.direction, fee.fwdUnaswRsn, fee.ulFailReason]),
        [
          [1, 0, 0],
          [0, 0, 0],
        ],
      )
      assert.deepEqual(lab.customer.faults, [])
    } finally {
      await Promise.all(phones.map((p) => p.close()))
      await lab.close()
    }
  })
})

const AXB = '/rest/caas/relationnumber/partners/v1.0'
