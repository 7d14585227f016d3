import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { endpointAnswer, endpointOffer } from '@maskline/media'
import { header, type SipRequest, type SipResponse } from '@maskline/sip'
import { openWire, PARTY, type Wire } from './wire-test-kit.ts'

/** The callee has answered, and the caller's 200 waits for the PRACK of a 183 with SDP (RFC 3262 §3). */
async function held(t: TestContext) {
  const wire = await openWire(t)
  wire.invite({ headers: ['Supported', '100rel'], body: endpointOffer(PARTY) })
  const invite = await wire.callee.gets<SipRequest>('INVITE')
  const { sdp } = endpointAnswer(invite.body, PARTY)
  wire.callee.says(invite, 183, { body: sdp })
  const progress = await wire.caller.gets<SipResponse>('183 INVITE')
  wire.callee.says(invite, 200, { body: sdp })
  await wire.callee.gets('ACK')
  return { wire, invite, progress }
}

const events = (wire: Wire): string[] => wire.facts.map(({ event }) => event)

describe('a callee that answers before the caller has acknowledged its early media', () => {
  test('is in a talk once the PRACK has let the 200 out', async (t) => {
    const { wire, progress } = await held(t)
    assert.deepEqual(events(wire), ['callin', 'callout'])
    wire.caller.asks(progress, 'PRACK', { headers: ['RAck', `${header(progress, 'RSeq')} 1 INVITE`] })
    const answer = await wire.caller.gets<SipResponse>('200 INVITE')
    assert.deepEqual(events(wire), ['callin', 'callout', 'answer'])
    wire.caller.asks(answer, 'ACK')
    wire.caller.asks(answer, 'BYE')
    await wire.callee.gets('BYE')
    const end = await wire.ended()
    assert.deepEqual([end.releaseCode, end.q850, end.sipStatus], [0, 0, 0])
    assert.deepEqual(wire.faults, [])
  })

  for (const [title, giveUp] of [
    ['CANCEL', (wire) => wire.cancel()],
    ['BYE', (wire, progress) => wire.caller.asks(progress, 'BYE')],
  ] as readonly [string, (wire: Wire, progress: SipResponse) => void][])
    test(`is hung up on at the caller’s ${title}: that call was never answered`, async (t) => {
      const { wire, progress } = await held(t)
      giveUp(wire, progress)
      await wire.caller.gets('487 INVITE')
      await wire.callee.gets('BYE')
      const end = await wire.ended()
      assert.deepEqual([end.releaseCode, end.q850, end.sipStatus], [7501, 16, 487])
      assert.deepEqual(events(wire), ['callin', 'callout', 'disconnect'])
      assert.equal(wire.facts.at(-1)?.record.forward?.answerAt, undefined)
      assert.deepEqual([wire.caller.count('200 INVITE'), wire.callee.count('CANCEL')], [0, 0])
      assert.deepEqual(wire.faults, [])
    })

  test('and hangs up again before that: the caller gets 480', async (t) => {
    const { wire, invite } = await held(t)
    wire.callee.asksOf(invite, 'BYE')
    await wire.caller.gets('480 INVITE')
    assert.equal((await wire.ended()).releaseCode, 8103)
    assert.deepEqual(events(wire), ['callin', 'callout', 'disconnect'])
    assert.equal(wire.caller.count('200 INVITE'), 0)
  })
})
