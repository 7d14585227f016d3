import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { endpointAnswer, endpointOffer } from '@maskline/media'
import { allHeaders, header, type SipRequest, type SipResponse } from '@maskline/sip'
import { openTalk, PARTY, type WireTalk } from './wire-test-kit.ts'

type Side = 'caller' | 'callee'
const SIDES: readonly Side[] = ['caller', 'callee']
const otherOf = (side: Side): Side => (side === 'caller' ? 'callee' : 'caller')

/** A talk as one side sees it, and the other. */
async function talk(t: TestContext, side: Side, options: Parameters<typeof openTalk>[1] = {}) {
  const opened = await openTalk(t, options)
  const { wire, invite, answer } = opened
  /** The side's SDP of the talk, and what has ours. */
  const standing =
    side === 'caller'
      ? ([endpointOffer(PARTY), answer] as const)
      : ([endpointAnswer(invite.body, PARTY).sdp, invite] as const)
  return { ...opened, standing, own: wire[side], other: wire[otherOf(side)], ask: asker(opened, side) }
}

const asker =
  ({ wire, invite, answer }: WireTalk, side: Side) =>
  (method: string, body?: Uint8Array, seq?: number): void => {
    const parts = { ...(body && { body }), ...(seq !== undefined && { seq }) }
    if (side === 'caller') wire.caller.asks(answer, method, parts)
    else wire.callee.asksOf(invite, method, parts)
  }

/** What the party described first, and a change of it. */
const offer = (direction: 'sendrecv' | 'sendonly' | 'inactive', version = 2): Buffer =>
  endpointOffer({ ...PARTY, direction, version })
/** A codec that nobody has offered. */
const G729 = Buffer.from(
  [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    'm=audio 40000 RTP/AVP 18',
    '',
  ].join('\r\n'),
)
const text = (message: SipRequest | SipResponse): string => Buffer.from(message.body).toString()
const directionIn = (message: SipRequest | SipResponse): string | undefined =>
  /^a=(sendrecv|sendonly|recvonly|inactive)/m.exec(text(message))?.[1]

for (const side of SIDES) {
  describe(`an offer of the ${side} in a talk`, () => {
    for (const [title, sdp, there, back] of [
      ['hold with sendonly', offer('sendonly'), 'sendonly', 'recvonly'],
      ['hold with inactive', offer('inactive'), 'inactive', 'inactive'],
      [
        'hold with c=0.0.0.0 (RFC 2543)',
        Buffer.from(offer('sendrecv').toString().replace('c=IN IP4 127.0.0.1', 'c=IN IP4 0.0.0.0')),
        'sendonly',
        'recvonly',
      ],
    ] as const)
      test(`${title} is told to the other side, and so is resuming`, async (t) => {
        const { own, other, ask, wire } = await talk(t, side)
        const before = other.count('INVITE')
        ask('INVITE', sdp)
        const held = await other.nth<SipRequest>('INVITE', before)
        assert.equal(directionIn(held), there)
        other.says(held, 200, { body: endpointAnswer(held.body, PARTY).sdp })
        const answered = await own.gets<SipResponse>('200 INVITE')
        assert.equal(directionIn(answered), back)
        ask('ACK')
        await other.gets('ACK')
        ask('INVITE', offer('sendrecv', 3))
        const resumed = await other.nth<SipRequest>('INVITE', before + 1)
        assert.ok(['sendrecv', undefined].includes(directionIn(resumed)), text(resumed))
        other.says(resumed, 200, { body: endpointAnswer(resumed.body, PARTY).sdp })
        assert.ok(['sendrecv', undefined].includes(directionIn(await own.gets<SipResponse>('200 INVITE'))))
        ask('ACK')
        assert.deepEqual(wire.faults, [])
      })

    for (const method of ['INVITE', 'UPDATE'])
      test(`that changes nothing (${method}) is a session refresh: answered with what stands, the other side hears nothing`, async (t) => {
        const { own, other, ask, standing } = await talk(t, side)
        const [mine, shown] = standing
        const invites = other.count('INVITE')
        ask(method, mine)
        const refreshed = await own.gets<SipResponse>(`200 ${method}`)
        assert.equal(text(refreshed), text(shown))
        assert.equal(other.count('INVITE') + other.count('UPDATE'), invites)
      })

    test('by UPDATE goes on as UPDATE to who takes it', async (t) => {
      const allow = ['Allow', 'INVITE, ACK, BYE, CANCEL, UPDATE']
      const { own, other, ask } = await talk(t, side, { callerHeaders: allow, calleeHeaders: allow })
      ask('UPDATE', offer('sendonly'))
      const update = await other.gets<SipRequest>('UPDATE')
      assert.equal(directionIn(update), 'sendonly')
      other.says(update, 200, { body: endpointAnswer(update.body, PARTY).sdp })
      assert.equal(directionIn(await own.gets<SipResponse>('200 UPDATE')), 'recvonly')
    })

    test('by UPDATE goes on as re-INVITE to who does not', async (t) => {
      const { own, other, ask } = await talk(t, side)
      const before = other.count('INVITE')
      ask('UPDATE', offer('sendonly'))
      const invite = await other.nth<SipRequest>('INVITE', before)
      other.says(invite, 200, { body: endpointAnswer(invite.body, PARTY).sdp })
      assert.equal(directionIn(await own.gets<SipResponse>('200 UPDATE')), 'recvonly')
      await other.gets('ACK')
    })

    for (const [said, answered] of [
      [415, 415],
      [488, 488],
      [500, 500],
      [603, 603],
      [302, 488],
      [403, 488],
      [480, 488],
    ] as const)
      test(`refused with ${said} is refused with ${answered}, and the session stays as it was`, async (t) => {
        const { own, other, ask, standing } = await talk(t, side)
        const before = other.count('INVITE')
        ask('INVITE', offer('sendonly'))
        const headers = said === 500 ? ['Retry-After', '3'] : []
        other.says(await other.nth<SipRequest>('INVITE', before), said, { headers })
        const refused = await own.gets<SipResponse>(`${answered} INVITE`)
        assert.deepEqual(allHeaders(refused, 'Retry-After'), said === 500 ? ['3'] : [])
        const [mine, shown] = standing
        ask('UPDATE', mine)
        assert.equal(text(await own.gets<SipResponse>('200 UPDATE')), text(shown))
      })

    for (const who of SIDES)
      test(`by UPDATE, without an answer when the ${who} hangs up, gets 487 (RFC 3261 §15.1.2)`, async (t) => {
        const opened = await talk(t, side)
        const before = opened.other.count('INVITE')
        opened.ask('UPDATE', offer('sendonly'))
        await opened.other.nth<SipRequest>('INVITE', before)
        asker(opened, who)('BYE')
        await opened.own.gets('487 UPDATE')
        assert.equal((await opened.wire.ended()).releaseCode, 0)
        assert.deepEqual(opened.wire.faults, [])
      })

    test('taken back (CANCEL) is taken back on the other side', async (t) => {
      const { own, other, ask } = await talk(t, side)
      const before = other.count('INVITE')
      ask('INVITE', offer('sendonly'))
      const invite = await other.nth<SipRequest>('INVITE', before)
      other.says(invite, 180)
      ask('CANCEL')
      await own.gets('487 INVITE')
      await other.gets('CANCEL')
      other.says(invite, 487)
      // The next offer is not in its way.
      ask('UPDATE', offer('inactive', 3))
      await other.nth<SipRequest>('INVITE', before + 1)
    })

    test('taken back too late: the side that accepted it goes back to what stands', async (t) => {
      const { own, other, ask, answer, invite: first } = await talk(t, side)
      const before = other.count('INVITE')
      ask('INVITE', offer('sendonly'))
      const invite = await other.nth<SipRequest>('INVITE', before)
      other.says(invite, 180)
      ask('CANCEL')
      await own.gets('487 INVITE')
      await other.gets('CANCEL')
      other.says(invite, 200, { body: endpointAnswer(invite.body, PARTY).sdp })
      const back = await other.nth<SipRequest>('INVITE', before + 1)
      assert.equal(text(back), text(side === 'caller' ? first : answer))
    })

    test('that meets one of the other side under way gets 491 (RFC 3261 §14.2)', async (t) => {
      const opened = await talk(t, side)
      const { other, own, ask, wire } = opened
      const before = own.count('INVITE')
      asker(opened, otherOf(side))('UPDATE', offer('sendonly'))
      const relayed = await own.nth<SipRequest>('INVITE', before)
      ask('UPDATE', offer('inactive'))
      await own.gets('491 UPDATE')
      own.says(relayed, 200, { body: endpointAnswer(relayed.body, PARTY).sdp })
      await other.gets('200 UPDATE')
      assert.deepEqual(wire.faults, [])
    })

    test('that cannot be read gets 488, and the talk goes on', async (t) => {
      const { own, other, ask, wire } = await talk(t, side)
      const before = other.count('INVITE')
      ask('INVITE', Buffer.from('v=1'))
      await own.gets('488 INVITE')
      assert.equal(other.count('INVITE'), before)
      assert.deepEqual(wire.faults, [])
    })

    test('asked for (re-INVITE without SDP) is the other side’s, and the ACK brings it the answer', async (t) => {
      const { own, other, ask } = await talk(t, side)
      const before = other.count('INVITE')
      ask('INVITE')
      const asked = await other.nth<SipRequest>('INVITE', before)
      assert.equal(asked.body.length, 0)
      other.says(asked, 200, { body: offer('sendonly') })
      const offered = await own.gets<SipResponse>('200 INVITE')
      assert.equal(directionIn(offered), 'sendonly')
      ask('ACK', endpointAnswer(offered.body, PARTY).sdp)
      const acks = side === 'caller' ? 1 : 0
      const ack = await other.nth<SipRequest>('ACK', acks)
      assert.equal(directionIn(ack), 'recvonly')
      assert.equal(header(ack, 'CSeq')?.split(' ')[0], header(asked, 'CSeq')?.split(' ')[0])
    })

    for (const [title, body] of [
      ['cannot be read', Buffer.from('v=1')],
      ['has no codec of ours', G729],
    ] as const)
      test(`asked for, whose answer ${title}: the other side is told what stands, and the talk goes on`, async (t) => {
        const { own, other, ask, wire, answer, invite } = await talk(t, side)
        const before = other.count('INVITE')
        ask('INVITE')
        const asked = await other.nth<SipRequest>('INVITE', before)
        other.says(asked, 200, { body: offer('sendrecv') })
        await own.gets<SipResponse>('200 INVITE')
        ask('ACK', body)
        const ack = await other.nth<SipRequest>('ACK', side === 'caller' ? 1 : 0)
        assert.equal(text(ack), text(side === 'caller' ? invite : answer))
        ask('INVITE', offer('sendonly'))
        const held = await other.nth<SipRequest>('INVITE', before + 1)
        other.says(held, 200, { body: endpointAnswer(held.body, PARTY).sdp })
        assert.equal(directionIn(await own.gets<SipResponse>('200 INVITE')), 'recvonly')
        assert.deepEqual([own.count('BYE'), other.count('BYE')], [0, 0])
        assert.deepEqual(wire.faults, [])
      })
  })
}
