import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createSoftphone, type PhoneCall } from '@maskline/lab'
import { generateTone, goertzel } from '@maskline/media'
import { requirePeer } from './peers.ts'
import { startBaresip } from './support/baresip.ts'
import { startSipp } from './support/sipp.ts'

const ALICE = '+8613800000021'
const BOB = '+8613800000022'
const LAB_HZ = 440
const PEER_HZ = 1_000

describe('the lab phone and baresip', () => {
  for (const transport of ['udp', 'tcp'] as const) {
    test(`hear each other over ${transport}, whoever calls`, async (t) => {
      if (requirePeer(t, 'baresip') === undefined) return
      const lab = await createSoftphone({ user: ALICE, transport, toneHz: LAB_HZ, autoAnswerMs: 0 })
      const peer = await startBaresip({
        user: BOB,
        transport,
        speaks: generateTone(PEER_HZ, 1),
        autoAnswer: true,
      })
      try {
        const outgoing = await lab.call(peer.uri)
        await outgoing.answered()
        await assertTalk(outgoing, await peer.hears(1))
        await outgoing.sendDigits('7')
        assert.equal((await peer.event('CALL_DTMF_START')).param, '7')
        outgoing.hangup()
        await peer.event('CALL_CLOSED')

        await peer.dial(lab.uri)
        const incoming = await lab.incoming()
        assert.equal(incoming.whatDisplayShows.number, BOB)
        await incoming.answered()
        await assertTalk(incoming, await peer.hears(1))
        await peer.hangup()
        assert.equal((await incoming.ended()).by, 'peer')
      } finally {
        await Promise.all([lab.close(), peer.close()])
      }
    })
  }
})

describe('the lab phone and sipp', () => {
  test('a busy sipp is a refused call', async (t) => {
    if (requirePeer(t, 'sipp') === undefined) return
    const callee = await startSipp({ scenario: 'uas-busy', local: { address: '127.0.0.1' }, calls: 1 })
    const lab = await createSoftphone({ user: ALICE })
    try {
      const call = await lab.call(`sip:${BOB}@${callee.local.address}:${callee.local.port}`)
      assert.deepEqual(await call.ended(), { by: 'peer', status: 486, reason: 'Busy Here' })
      assert.equal((await callee.finished).successful, 1)
    } finally {
      await lab.close()
      await callee.stop()
    }
  })

  test('a sipp that never answers is cancelled', async (t) => {
    if (requirePeer(t, 'sipp') === undefined) return
    const callee = await startSipp({ scenario: 'uas-noanswer', local: { address: '127.0.0.1' }, calls: 1 })
    const lab = await createSoftphone({ user: ALICE })
    try {
      const call = await lab.call(`sip:${BOB}@${callee.local.address}:${callee.local.port}`)
      await call.ringing()
      call.cancel()
      assert.equal((await call.ended()).status, 487)
      const result = await callee.finished
      assert.equal(result.successful, 1, result.errors)
    } finally {
      await lab.close()
      await callee.stop()
    }
  })
})

async function assertTalk(call: PhoneCall, peerHeard: Int16Array): Promise<void> {
  await call.hears(0.5)
  const [loud = 0, faint = 0] = call.heard([PEER_HZ, LAB_HZ])
  assert.ok(loud > 0.05 && loud > 10 * faint, `lab hears ${PEER_HZ} Hz ${loud}, ${LAB_HZ} Hz ${faint}`)
  const peerLoud = goertzel(peerHeard, LAB_HZ)
  const peerFaint = goertzel(peerHeard, PEER_HZ)
  assert.ok(
    peerLoud > 0.05 && peerLoud > 10 * peerFaint,
    `peer hears ${LAB_HZ} Hz ${peerLoud} against ${peerFaint}`,
  )
}
