import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createSoftphone, type PhoneCall, type Softphone } from '@maskline/lab'
import { requirePeer } from './peers.ts'
import { startSipp } from './support/sipp.ts'
import { CALLEE_HOST, CALLER_HOST, openTrunkLab, type TrunkLab } from './support/trunk-lab.ts'

const A = '+8613800000021'
const B = '+8613800000022'
const X = '+8617000000001'
const A_HZ = 600
const B_HZ = 1_000
const RING_BACK_HZ = 450
/** The signature of the built-in announcement that stands for a waiting tone here. */
const WAITING_HZ = 1_800

/** Tones with real SIP and media on both sides: who hears what until the callee answers, and then. */
describe('a call with a waiting tone', () => {
  let lab: TrunkLab
  let caller: Softphone
  before(async () => {
    lab = await openTrunkLab({ x: [X] })
    await lab.bind({
      callerNum: A,
      calleeNum: B,
      relationNum: X,
      preVoice: { callerHintTone: 'no_binding.wav' },
    })
    caller = await createSoftphone({ user: A, host: CALLER_HOST, registrar: lab.remote, toneHz: A_HZ })
  })
  after(async () => {
    await caller.close()
    await lab.close()
  })

  const hears = async (call: PhoneCall, hz: number, others: readonly number[]): Promise<void> => {
    call.forgetAudio()
    await call.hears(0.8)
    const [loud = 0, ...faint] = call.heard([hz, ...others])
    assert.ok(
      loud > 0.02 && faint.every((amplitude) => loud > 5 * amplitude),
      `${hz} Hz at ${loud}, ${others.join(', ')} Hz at ${faint.join(', ')}`,
    )
  }

  test('the caller hears it once while nothing rings, and then nothing', async (t) => {
    if (requirePeer(t, 'sipp') === undefined) return
    const callee = await startSipp({ scenario: 'uas-silent', local: lab.callee, calls: 1 })
    try {
      const call = await caller.call(X)
      await call.ringing()
      assert.deepEqual(call.state, { kind: 'ringing', status: 183 })
      await call.hears(1)
      assert.ok(call.heard([WAITING_HZ])[0]! > 0.02)
      call.cancel()
      await call.ended()
      assert.equal((await callee.finished).failed, 0)
    } finally {
      await callee.stop()
    }
  })

  test('ringing turns it into ring-back, and the answer joins the two without another offer', async () => {
    const callee = await createSoftphone({ user: B, host: CALLEE_HOST, port: lab.callee.port, toneHz: B_HZ })
    try {
      const call = await caller.call(X)
      const taken = await callee.incoming()
      await call.ringing()
      await hears(call, RING_BACK_HZ, [WAITING_HZ, B_HZ])
      await taken.answer()
      await Promise.all([call.answered(), taken.answered()])
      await Promise.all([hears(call, B_HZ, [RING_BACK_HZ]), hears(taken, A_HZ, [RING_BACK_HZ])])
      const offered = caller
        .messages()
        .filter(
          ({ startLine, to }) => startLine.startsWith('INVITE') && to === `${CALLER_HOST}:${caller.port}`,
        )
      assert.deepEqual(offered, [])
      call.hangup()
      await taken.ended()
    } finally {
      await callee.close()
    }
  })
})
