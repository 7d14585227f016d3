import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { endpointAnswer, endpointOffer, goertzel, readRemote, type RtpEndpoint } from '@maskline/media'
import { startEndpoint, until } from '@maskline/media/testkit'
import { header, type SipRequest, type SipResponse } from '@maskline/sip'
import { openWire, type Wire } from './wire-test-kit.ts'

/** Two phones ring on one INVITE, and both send media: 800 Hz and 1200 Hz. The caller sends 440 Hz. */
const FIRST_HZ = 800
const SECOND_HZ = 1200
const CALLER_HZ = 440

type Ringing = {
  readonly wire: Wire
  readonly a: RtpEndpoint
  readonly first: RtpEndpoint
  readonly second: RtpEndpoint
  readonly invite: SipRequest
  readonly answer: { readonly first: Buffer; readonly second: Buffer }
}

async function ring(t: TestContext): Promise<Ringing> {
  const wire = await openWire(t)
  const [a, first, second] = [await startEndpoint(t), await startEndpoint(t), await startEndpoint(t)]
  wire.invite({ body: endpointOffer({ host: a.host, port: a.localPort }) })
  const invite = await wire.callee.gets<SipRequest>('INVITE')
  const answers = [first, second].map((phone) => {
    const { sdp, remote } = endpointAnswer(invite.body, { host: phone.host, port: phone.localPort })
    phone.setRemote(remote)
    return sdp
  })
  return { wire, a, first, second, invite, answer: { first: answers[0]!, second: answers[1]! } }
}

const hears = (who: RtpEndpoint, hz: number): boolean => goertzel(who.received().slice(-1600), hz) > 0.1

const loop = (who: RtpEndpoint, hz: number): void => {
  const samples = new Int16Array(8000)
  for (let n = 0; n < samples.length; n++) samples[n] = 8000 * Math.sin((2 * Math.PI * hz * n) / 8000)
  who.startLoop(samples)
}

for (const [title, withSdp] of [
  ['whose 200 has none', false],
  ['whose 200 repeats it', true],
] as const)
  test(`the caller hears the first fork with media until the other answers, ${title}; the loser is heard no more`, async (t) => {
    const { wire, a, first, second, invite, answer } = await ring(t)
    wire.callee.says(invite, 183, { fork: 'one', body: answer.first })
    const early = await wire.caller.gets<SipResponse>('183 INVITE')
    wire.callee.says(invite, 183, { fork: 'two', body: answer.second })
    a.setRemote(readRemote(early.body))
    loop(a, CALLER_HZ)
    // From the host of the first, and before it: an SBC in front of both.
    loop(second, SECOND_HZ)
    await until('the second sends', () => second.packetsSent > 5)
    loop(first, FIRST_HZ)
    await until('the first fork is heard', () => hears(a, FIRST_HZ) && hears(first, CALLER_HZ))
    // Whatever came before its 183 was known is over.
    a.clear()
    await until('the caller has heard more', () => a.packetsReceived > 25)
    assert.ok(!hears(a, SECOND_HZ))
    const strayed = second.packetsReceived
    await until('and more', () => a.packetsReceived > 50)
    assert.equal(second.packetsReceived, strayed)

    // The winner is silent at first, and the loser goes on: it is not heard, and hears nothing.
    second.stop()
    wire.callee.says(invite, 200, { fork: 'two', ...(withSdp && { body: answer.second }) })
    const answered = await wire.caller.gets<SipResponse>('200 INVITE')
    assert.equal(answered.body.toString(), early.body.toString(), 'the answer that the caller has stays')
    await wire.callee.gets('ACK')
    wire.caller.asks(answered, 'ACK')
    second.clear()
    await until('the winner hears the caller', () => second.packetsReceived > 50 && hears(second, CALLER_HZ))
    const before = first.packetsReceived
    a.clear()
    await second.sendTone(SECOND_HZ, 0.5)
    await until('the winner is heard', () => hears(a, SECOND_HZ))
    assert.ok(!hears(a, FIRST_HZ))
    assert.equal(first.packetsReceived, before)
    assert.deepEqual(wire.faults, [])
  })

test('forks that made the offers: the caller hears the first, then the one that answers the call', async (t) => {
  const wire = await openWire(t)
  const [a, first, second] = [await startEndpoint(t), await startEndpoint(t), await startEndpoint(t)]
  wire.invite({ headers: ['Supported', '100rel'] })
  const invite = await wire.callee.gets<SipRequest>('INVITE')
  for (const [fork, phone] of [['one', first] as const, ['two', second] as const])
    wire.callee.says(invite, 183, {
      fork,
      headers: ['Require', '100rel', 'RSeq', '1'],
      body: endpointOffer({ host: phone.host, port: phone.localPort }),
    })
  const early = await wire.caller.gets<SipResponse>('183 INVITE')
  const { sdp, remote } = endpointAnswer(early.body, { host: a.host, port: a.localPort })
  a.setRemote(remote)
  const rack = ['RAck', `${header(early, 'RSeq')} 1 INVITE`]
  wire.caller.asks(early, 'PRACK', { headers: rack, body: sdp })
  for (const phone of [first, second]) {
    const prack = await wire.callee.gets<SipRequest>('PRACK')
    phone.setRemote(readRemote(prack.body))
    wire.callee.says(prack, 200)
  }
  loop(a, CALLER_HZ)
  loop(first, FIRST_HZ)
  await until('the first fork is heard', () => hears(a, FIRST_HZ) && hears(first, CALLER_HZ))
  first.stop()
  wire.callee.says(invite, 200, { fork: 'two' })
  await wire.callee.gets('ACK')
  loop(second, SECOND_HZ)
  await until('the second is heard', () => hears(a, SECOND_HZ) && hears(second, CALLER_HZ))
  assert.deepEqual(wire.faults, [])
})

test('when the fork that is heard ends (199), the caller hears the other', async (t) => {
  const { wire, a, first, second, invite, answer } = await ring(t)
  wire.callee.says(invite, 183, { fork: 'one', body: answer.first })
  const early = await wire.caller.gets<SipResponse>('183 INVITE')
  a.setRemote(readRemote(early.body))
  loop(first, FIRST_HZ)
  loop(second, SECOND_HZ)
  await until('the first fork is heard', () => hears(a, FIRST_HZ))
  wire.callee.says(invite, 183, { fork: 'two', body: answer.second })
  wire.callee.says(invite, 199, { fork: 'one' })
  await until('the second fork is heard', () => hears(a, SECOND_HZ) && !hears(a, FIRST_HZ))
  assert.deepEqual(wire.faults, [])
})
