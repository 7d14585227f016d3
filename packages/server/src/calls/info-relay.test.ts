import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { header, type SipRequest, type SipResponse } from '@maskline/sip'
import { openTalk, type Wire } from './wire-test-kit.ts'

/** A talk, the requests of both sides in it, and what the other side gets. */
async function talk(t: TestContext) {
  const { wire, invite, answer } = await openTalk(t)
  const info = (
    side: 'caller' | 'callee',
    body: string,
    type = 'application/dtmf-relay',
    more: string[] = [],
  ) => {
    const parts = { headers: ['Content-Type', type, 'X-Secret', 'k3j9x7', ...more], body: Buffer.from(body) }
    if (side === 'caller') wire.caller.asks(answer, 'INFO', parts)
    else wire.callee.asksOf(invite, 'INFO', parts)
  }
  return { wire, info, allows: [header(answer, 'Allow'), header(invite, 'Allow')] }
}

const other = (wire: Wire, side: 'caller' | 'callee') => (side === 'caller' ? wire.callee : wire.caller)

for (const side of ['caller', 'callee'] as const) {
  test(`a key of the ${side} in INFO goes to the other side, built from nothing, and its answer comes back`, async (t) => {
    const { wire, info, allows } = await talk(t)
    for (const allow of allows) assert.match(allow ?? '', /\bINFO\b/)
    info(side, 'Signal=5\r\nDuration=240\r\nk3j9x7=1\r\n')
    const passed = await other(wire, side).gets<SipRequest>('INFO')
    assert.equal(Buffer.from(passed.body).toString(), 'Signal=5\r\nDuration=240\r\n')
    assert.equal(header(passed, 'Content-Type'), 'application/dtmf-relay')
    assert.ok(!passed.headers.join(' ').includes('k3j9x7'))
    assert.equal(wire[side].count('200 INFO'), 0, 'the other side has the word')
    other(wire, side).says(passed, 200)
    await wire[side].gets('200 INFO')
    info(side, '#', 'application/dtmf')
    const plain = await other(wire, side).gets<SipRequest>('INFO')
    assert.equal(Buffer.from(plain.body).toString(), 'Signal=#\r\nDuration=160\r\n')
    assert.deepEqual(wire.faults, [])
  })

  for (const [said, answered] of [
    [403, 403],
    [415, 415],
    [501, 405],
    [500, 500],
    [302, 500],
  ] as const)
    test(`a key of the ${side} that the other side answers with ${said} is answered ${answered}`, async (t) => {
      const { wire, info } = await talk(t)
      info(side, 'Signal=1\r\n')
      other(wire, side).says(await other(wire, side).gets<SipRequest>('INFO'), said)
      await wire[side].gets(`${answered} INFO`)
    })
}

test('an INFO that is no key stays with us: 415 with Accept, 469 for a package, 200 when it says nothing', async (t) => {
  const { wire, info } = await talk(t)
  info('caller', '<media_control/>', 'application/media_control+xml')
  const refused = await wire.caller.gets<SipResponse>('415 INFO')
  assert.equal(header(refused, 'Accept'), 'application/dtmf-relay, application/dtmf')
  info('caller', 'x', 'text/plain', ['Info-Package', 'k3j9x7'])
  assert.equal(header(await wire.caller.gets<SipResponse>('469 INFO'), 'Recv-Info'), '')
  info('caller', '', 'application/dtmf-relay')
  await wire.caller.gets('200 INFO')
  info('caller', 'Signal=Q\r\n')
  await wire.caller.gets('200 INFO')
  assert.equal(wire.callee.count('INFO'), 0)
})

test('keys without end are not piled up: the ninth that waits gets 500, and the end of the talk answers the others', async (t) => {
  const { wire, info } = await talk(t)
  for (let n = 0; n < 9; n++) info('caller', `Signal=${n}\r\n`)
  const full = await wire.caller.gets<SipResponse>('500 INFO')
  assert.equal(header(full, 'Retry-After'), '1')
  wire.callee.asksOf(
    await wire.callee.gets<SipRequest>('INFO').then(() => wire.callee.peer.lastRequest('INVITE')),
    'BYE',
  )
  for (let n = 0; n < 8; n++) await wire.caller.gets('487 INFO')
  assert.equal((await wire.ended()).releaseCode, 0)
})
