import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ringBackTone } from '../audio/call-tones.ts'
import { encodeG711 } from '../audio/g711.ts'
import { generateTone, goertzel } from '../audio/tones.ts'
import { endpointAnswer, endpointOffer, readRemote } from '../endpoint/endpoint-sdp.ts'
import { startEndpoint, startEngine, until } from '../testkit/call.ts'

/**
 * A caller who is answered by the engine first (a prompt, digits), and joined with a callee later. In SIP the answer went
 * out in a 183 or in a 200: after a 183 the 200 must repeat it, after a 200 nothing may be sent at all.
 */
const laws = [['PCMA'], ['PCMU'], ['PCMA', 'PCMU'], ['PCMU', 'PCMA']] as const

for (const ofA of laws) {
  for (const ofB of [['PCMA'], ['PCMU']] as const) {
    test(`a prompted caller of ${ofA.join()} is joined with a callee of ${ofB.join()} without a new offer`, async (t) => {
      const engine = await startEngine(t)
      const events: unknown[] = []
      const session = await engine.open({ id: 'prompted', onEvent: (event) => events.push(event) })
      const a = await startEndpoint(t)
      const b = await startEndpoint(t)
      const offer = endpointOffer({ host: a.host, port: a.localPort, codecs: ofA })
      const answer = await session.answerLocally('a', offer)
      a.setRemote(readRemote(answer))

      // The prompt is heard, and digits in it are told, as events and as tones.
      await session.listen('a', { inBand: true })
      await session.play('a', { encoding: 'alaw', samples: encodeG711('alaw', generateTone(800, 5)) })
      await until('the prompt is heard', () => goertzel(a.received().slice(-800), 800) > 0.2)
      await a.sendDigit('4', 100)
      await a.sendDigit('2', 100)
      await until('the digits', () => events.length >= 2)
      assert.deepEqual(events, [
        { kind: 'digit', leg: 'a', digit: '4', durationMs: 100 },
        { kind: 'digit', leg: 'a', digit: '2', durationMs: 100 },
      ])
      await session.stop('a')

      // The callee rings, the caller hears that; then the callee answers.
      const forB = await session.offer('a', 'b', offer)
      await session.play('a', ringBackTone(), Infinity)
      await until('ring-back is heard', () => goertzel(a.received().slice(-800), 450) > 0.1)
      const ofCallee = endpointAnswer(forB, { host: b.host, port: b.localPort, codecs: ofB })
      b.setRemote(ofCallee.remote)
      const forA = await session.answer('b', 'a', ofCallee.sdp)
      assert.equal(forA.toString(), answer.toString(), 'the 200 repeats the 183')
      await session.stop('a')
      await session.stats()

      a.clear()
      b.clear()
      await Promise.all([a.sendTone(440, 0.4), b.sendTone(1000, 0.4)])
      await until('both heard it', () => a.packetsReceived >= 20 && b.packetsReceived >= 20)
      assert.ok(goertzel(b.received(), 440) > 0.2 && goertzel(a.received(), 1000) > 0.2)
      assert.ok(goertzel(a.received(), 450) < 0.02)
      await a.sendDigit('9', 100)
      await until('a later digit passes', () => b.receivedDigits() === '9' && events.length === 3)
    })
  }
}

test('a callee who does not answer is followed by another, and the caller notices nothing', async (t) => {
  const engine = await startEngine(t)
  const session = await engine.open({ id: 'hunting', onEvent: () => undefined })
  const a = await startEndpoint(t)
  const b = await startEndpoint(t)
  const c = await startEndpoint(t)
  const offer = endpointOffer({ host: a.host, port: a.localPort })
  const answer = await session.answerLocally('a', offer)
  a.setRemote(readRemote(answer))
  // Early media of the first: its network says why, and it ends.
  const early = endpointAnswer(await session.offer('a', 'b', offer), { host: b.host, port: b.localPort })
  b.setRemote(early.remote)
  assert.equal((await session.answer('b', 'a', early.sdp)).toString(), answer.toString())
  await b.sendTone(1500, 0.2)
  await until('early media is heard', () => goertzel(a.received(), 1500) > 0.1)
  const late = endpointAnswer(await session.offer('a', 'c', offer), {
    host: c.host,
    port: c.localPort,
    codecs: ['PCMU'],
  })
  c.setRemote(late.remote)
  assert.equal((await session.answer('c', 'a', late.sdp)).toString(), answer.toString())
  await session.stats()
  a.clear()
  await Promise.all([a.sendTone(440, 0.3), c.sendTone(1000, 0.3), b.sendTone(1500, 0.3)])
  await until('both hear', () => a.packetsReceived >= 15 && c.packetsReceived >= 15)
  assert.ok(goertzel(c.received(), 440) > 0.2 && goertzel(a.received(), 1000) > 0.2)
  assert.ok(goertzel(a.received(), 1500) < 0.01)
})
