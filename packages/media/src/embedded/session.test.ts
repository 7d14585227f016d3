import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parse, type MediaDescription } from 'sdp-transform'
import { MediaError, type LegStats } from '../engine.ts'
import type { SessionState } from './protocol.ts'
import { EmbeddedSession, type SessionHost } from './session.ts'

/** A session without sockets; `state()` is what the worker would be told. */
function sessionAlone(ports: number[] = [4000, 4002, 4004]) {
  const released: [number, boolean][] = []
  const host: SessionHost = {
    address: '198.51.100.1',
    ipv6: false,
    latching: 'strict',
    isOurs: (address, port) => address === '198.51.100.1' && port >= 4000 && port <= 4999,
    takePort: () => ports.shift() ?? Promise.reject(new MediaError('NO_PORTS', 'none left')),
    failure: undefined,
    releasePort: (port) => void released.push([port, false]),
    touch: () => undefined,
    play: () => undefined,
    stop: () => undefined,
    record: () => undefined,
    stopRecording: async () => undefined,
    stats: async (): Promise<LegStats[]> => [],
    closed: (_session, exposed) =>
      void released.push(...exposed.map((port): [number, boolean] => [port, true])),
  }
  const session = new EmbeddedSession(1, { id: 's', onEvent: () => undefined }, host, [ports.shift() ?? 0])
  return { session, released }
}

function sdp(port: number, formats: string, ...attributes: string[]): Buffer {
  const head = `v=0\r\no=alice 77 88 IN IP4 192.0.2.1\r\ns=Alice's phone\r\ni=about\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n`
  const lines = attributes.map((attribute) => `${attribute}\r\n`).join('')
  return Buffer.from(`${head}m=audio ${port} RTP/AVP ${formats}\r\n${lines}`, 'latin1')
}
const EVENTS = 'a=rtpmap:101 telephone-event/8000'
const EVENTS_96 = 'a=rtpmap:96 telephone-event/8000'

/** Read by a parser that is not ours. */
function audioOf(bytes: Uint8Array): MediaDescription {
  const [audio] = parse(Buffer.from(bytes).toString()).media.filter(({ type }) => type === 'audio')
  assert.ok(audio)
  return audio
}
const versionOf = (bytes: Uint8Array): number => parse(Buffer.from(bytes).toString()).origin.sessionVersion
const routesOf = (state: SessionState, leg: number): string[] =>
  (state.legs[leg]?.types ?? []).map(({ payloadType, route }) =>
    route ? `${payloadType}>${route.sendType} ${route.convertTo ?? 'as is'}` : `${payloadType} ends`,
  )

test('the offer for the other side carries codecs and timing and nothing else of the offerer', async () => {
  const { session } = sessionAlone()
  const secrets = [
    'a=rtcp:3999 IN IP4 192.0.2.55',
    'a=candidate:1 1 UDP 2130706431 192.0.2.56 4000 typ host',
    'a=ice-ufrag:alice',
    'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:secretsecret',
    'a=ssrc:1234 cname:alice@192.0.2.1',
    'a=tool:AlicePhone 1.0',
    'a=label:alice',
    'a=fmtp:8 x=alice@192.0.2.57',
    'a=X-alice:1',
    'a=rtpmap:97 x-13800000021/8000',
    'a=fmtp:97 n=+8613800000021;ip=192.0.2.58',
    'a=rtpmap:98 AMR/8000',
    'a=fmtp:98 n=+8613800000021;octet-align=1;mode-set=13800000021',
    'b=AS:64',
  ]
  const theirs = sdp(
    5000,
    '8 0 97 98 101',
    EVENTS,
    'a=fmtp:101 0-15',
    'a=ptime:20',
    'a=maxptime:40',
    ...secrets,
  )
  const text = Buffer.from(await session.offer('a', 'b', theirs)).toString()
  // The session id is random, and may hold any digits.
  const offer = text.replace(/^o=- \d+ 1 /m, 'o=- ID 1 ')
  for (const secret of [
    '192.0.2.',
    'lice',
    '5000',
    '3999',
    ' 77 ',
    'secret',
    '1234',
    '13800000',
    'about',
    'typ host',
    'b=',
  ]) {
    assert.equal(offer.includes(secret), false, `"${secret}" is in\n${offer}`)
  }
  assert.deepEqual(offer.split('\r\n'), [
    'v=0',
    'o=- ID 1 IN IP4 198.51.100.1',
    's=-',
    'c=IN IP4 198.51.100.1',
    't=0 0',
    'm=audio 4002 RTP/AVP 8 0 98 101',
    'a=rtpmap:8 PCMA/8000',
    'a=rtpmap:0 PCMU/8000',
    'a=rtpmap:98 AMR/8000',
    'a=fmtp:98 octet-align=1',
    'a=rtpmap:101 telephone-event/8000',
    'a=fmtp:101 0-15',
    'a=ptime:20',
    'a=maxptime:40',
    'a=sendrecv',
    '',
  ])
})

test('the two sides share neither session id nor version', async () => {
  const { session } = sessionAlone()
  const forB = await session.offer('a', 'b', sdp(5000, '8'))
  const forA = await session.answer('b', 'a', sdp(6000, '8'))
  const ids = [forB, forA].map((bytes) => parse(Buffer.from(bytes).toString()).origin.sessionId)
  assert.notEqual(ids[0], ids[1])
})

test('payload numbers are translated when the answer renumbers', async () => {
  const { session } = sessionAlone()
  await session.offer('a', 'b', sdp(5000, '8 101', EVENTS))
  const forA = await session.answer('b', 'a', sdp(6000, '8 96', EVENTS_96))
  assert.equal(audioOf(forA).payloads, '8 101')
  const state = session.state()
  assert.deepEqual(routesOf(state, 0), ['8>8 as is', '101>96 as is'])
  assert.deepEqual(routesOf(state, 1), ['8>8 as is', '101>101 as is'])
})

test('a number that means something else to the other side is changed in a re-offer', async () => {
  const { session } = sessionAlone()
  await session.offer('a', 'b', sdp(5000, '8 101', EVENTS))
  await session.answer('b', 'a', sdp(6000, '8 96', EVENTS_96))
  const forA = await session.offer('b', 'a', sdp(6000, '101 8 96', 'a=rtpmap:101 opus/48000/2', EVENTS_96))
  const rtp = audioOf(forA).rtp.map(({ payload, codec }) => `${payload} ${codec}`)
  assert.equal(rtp.includes('101 telephone-event'), true)
  assert.equal(
    rtp.some((entry) => entry.endsWith('opus') && !entry.startsWith('101 ')),
    true,
  )
})

test('a law that only one side speaks is offered to the other and converted', async () => {
  const { session } = sessionAlone()
  const forB = await session.offer('a', 'b', sdp(5000, '0 101', EVENTS))
  assert.equal(audioOf(forB).payloads, '0 8 101')
  const forA = await session.answer('b', 'a', sdp(6000, '8 101', EVENTS))
  assert.equal(audioOf(forA).payloads, '0 101')
  assert.deepEqual(routesOf(session.state(), 0), ['0>8 alaw', '101>101 as is'])
  assert.deepEqual(routesOf(session.state(), 1), ['8>0 ulaw', '101>101 as is'])
})

test('codecs the engine cannot convert pass with their parameters', async () => {
  const { session } = sessionAlone()
  const amr = ['a=rtpmap:97 AMR/8000', 'a=fmtp:97 mode-set=7;octet-align=1']
  const forB = await session.offer('a', 'b', sdp(5000, '97 18', ...amr, 'a=fmtp:18 annexb=no'))
  assert.deepEqual(
    audioOf(forB).rtp.map(({ payload, codec }) => [payload, codec]),
    [
      [97, 'AMR'],
      [18, 'G729'],
    ],
  )
  assert.deepEqual(audioOf(forB).fmtp, [
    { payload: 97, config: 'mode-set=7;octet-align=1' },
    { payload: 18, config: 'annexb=no' },
  ])
  const forA = await session.answer('b', 'a', sdp(6000, '97', ...amr))
  assert.equal(String(audioOf(forA).payloads), '97')
})

test('an answer without a codec of the offer is refused and changes nothing', async () => {
  const { session } = sessionAlone()
  await session.offer('a', 'b', sdp(5000, '8'))
  const before = session.state()
  await assert.rejects(session.answer('b', 'a', sdp(6000, '9')), { code: 'NO_COMMON_CODEC' })
  assert.deepEqual(session.state(), before)
})

test('other m-lines of the offerer are refused in their places and stay in later offers to it', async () => {
  const { session } = sessionAlone()
  const video = 'm=video 5002 RTP/AVP 98'
  const offer = Buffer.from(
    sdp(5000, '8', EVENTS).toString().replace('m=audio', `${video}\r\nm=audio`) +
      'm=image 5004 udptl t38\r\n',
  )
  const forB = await session.offer('a', 'b', offer)
  assert.equal(parse(Buffer.from(forB).toString()).media.length, 1)
  const forA = await session.answer('b', 'a', sdp(6000, '8'))
  const lines = (bytes: Uint8Array): string[] =>
    parse(Buffer.from(bytes).toString()).media.map(({ type, port }) => `${type} ${port}`)
  assert.deepEqual(lines(forA), ['video 0', 'audio 4000', 'image 0'])
  const reoffer = await session.offer('b', 'a', sdp(6000, '8', 'a=sendonly'))
  assert.deepEqual(lines(reoffer), ['video 0', 'audio 4000', 'image 0'])
})

test('a repeated answer gives the same SDP; hold and resume raise the version', async () => {
  const { session } = sessionAlone()
  const answerOfB = sdp(6000, '8 101', EVENTS)
  await session.offer('a', 'b', sdp(5000, '8 0 101', EVENTS))
  const ringing = await session.answer('b', 'a', answerOfB)
  const epochs = session.state().legs.map(({ epoch }) => epoch)
  const answered = await session.answer('b', 'a', answerOfB)
  assert.deepEqual(answered, ringing)
  assert.deepEqual(
    session.state().legs.map(({ epoch }) => epoch),
    epochs,
  )

  const hold = await session.offer('a', 'b', sdp(5000, '8 101', EVENTS, 'a=sendonly'))
  assert.equal(audioOf(hold).direction, 'sendonly')
  const held = await session.answer('b', 'a', sdp(6000, '8 101', EVENTS, 'a=recvonly'))
  assert.equal(audioOf(held).direction, 'recvonly')
  assert.deepEqual([versionOf(hold), versionOf(held)], [2, 2])
  assert.deepEqual(
    session.state().legs.map(({ hears }) => hears),
    [false, true],
  )

  const resume = await session.offer('a', 'b', sdp(5000, '8 101', EVENTS))
  const resumed = await session.answer('b', 'a', answerOfB)
  assert.deepEqual([versionOf(resume), versionOf(resumed)], [3, 3])
  assert.deepEqual(
    session.state().legs.map(({ hears }) => hears),
    [true, true],
  )
})

test('the last of several forks wins, and the caller keeps its codec', async () => {
  const { session } = sessionAlone()
  await session.offer('a', 'b', sdp(5000, '8 0'))
  const first = await session.answer('b', 'a', sdp(6000, '8'))
  const second = await session.answer('b', 'a', sdp(7000, '0'))
  assert.deepEqual(second, first)
  assert.equal(session.state().legs[1]?.remote?.port, 7000)
  assert.deepEqual(routesOf(session.state(), 0), ['8>0 ulaw'])
})

test('the worker is told the hosts a party may send from, and a party that moved opens its latch again', async () => {
  const { session } = sessionAlone()
  const told = () => {
    const { remote, sources, epoch } = session.state().legs[0] ?? assert.fail('no leg')
    return [remote?.address, sources, epoch]
  }
  await session.offer('a', 'b', sdp(5000, '8'), { sourceAddress: '::ffff:203.0.113.9' })
  await session.answer('b', 'a', sdp(6000, '8'), { sourceAddress: '2001:db8::1' })
  assert.deepEqual(told(), ['192.0.2.1', ['192.0.2.1', '203.0.113.9'], 1])
  assert.deepEqual(session.state().legs[1]?.sources, ['192.0.2.1'])
  // Once more, from an untold place and from the same.
  for (const origin of [{}, { sourceAddress: '203.0.113.9' }]) {
    await session.offer('a', 'b', sdp(5000, '8'), origin)
    await session.answer('b', 'a', sdp(6000, '8'))
    assert.deepEqual(told(), ['192.0.2.1', ['192.0.2.1', '203.0.113.9'], 1])
  }
  await session.offer('a', 'b', sdp(5000, '8'), { sourceAddress: '203.0.113.44' })
  await session.answer('b', 'a', sdp(6000, '8'))
  assert.deepEqual(told(), ['192.0.2.1', ['192.0.2.1', '203.0.113.44'], 2])
})

test('an offer that is never answered changes nothing', async () => {
  const { session } = sessionAlone()
  await session.offer('a', 'b', sdp(5000, '8'))
  await session.answer('b', 'a', sdp(6000, '8'))
  const before = session.state()
  await session.offer('a', 'b', sdp(5555, '8', 'a=inactive'))
  assert.deepEqual(session.state(), before)
})

test('announcement first, then the callee: the caller keeps port and codec, and is offered on with it', async () => {
  const { session } = sessionAlone()
  const offerOfA = sdp(5000, '9 0 101', EVENTS)
  const early = await session.answerLocally('a', offerOfA)
  assert.equal(audioOf(early).payloads, '0 101')
  const forB = await session.offer('a', 'b', offerOfA)
  assert.equal(audioOf(forB).payloads, '0 8 101')
  const final = await session.answer('b', 'a', sdp(6000, '8 101', EVENTS))
  assert.deepEqual(final, early)
  assert.deepEqual(routesOf(session.state(), 0), ['0>8 alaw', '101>101 as is'])
})

test('hunting to a third leg moves the call to it', async () => {
  const { session } = sessionAlone()
  const offerOfA = sdp(5000, '8')
  await session.offer('a', 'b', offerOfA)
  await session.answer('b', 'a', sdp(6000, '8'))
  await session.offer('a', 'c', offerOfA)
  await session.answer('c', 'a', sdp(7000, '8'))
  assert.deepEqual(
    session.state().legs.map(({ peer }) => peer),
    [2, -1, 0],
  )
})

test('two legs that were offered to by the engine itself are joined once both answered', async () => {
  const { session } = sessionAlone()
  const forA = await session.offerLocally('a')
  assert.equal(audioOf(forA).payloads, '8 0 101')
  await session.acceptAnswer('a', sdp(5000, '8 101', EVENTS))
  assert.equal(session.state().legs[0]?.peer, -1)
  await session.offerLocally('b')
  await session.acceptAnswer('b', sdp(6000, '0 101', EVENTS))
  assert.deepEqual(
    session.state().legs.map(({ peer }) => peer),
    [1, 0],
  )
})

test('every misuse is a MediaError with its code', async () => {
  const { session } = sessionAlone()
  await assert.rejects(session.answer('b', 'a', sdp(6000, '8')), { code: 'NO_SUCH_LEG' })
  await assert.rejects(session.play('a', { encoding: 'alaw', samples: new Uint8Array(1) }), {
    code: 'NO_SUCH_LEG',
  })
  await assert.rejects(session.stop('a'), { code: 'NO_SUCH_LEG' })
  await assert.rejects(session.answerLocally('a', sdp(5000, '9')), { code: 'NO_COMMON_CODEC' })
  const ipv6 = sdp(5000, '8').toString().replace('IP4 192.0.2.1\r\nt', 'IP6 2001:db8::1\r\nt')
  await assert.rejects(session.offer('a', 'b', Buffer.from(ipv6)), { code: 'BAD_SDP' })
  await session.offer('a', 'b', sdp(5000, '9'))
  const ours = sdp(4000, '9').toString().replaceAll('192.0.2.1', '198.51.100.1')
  await assert.rejects(session.answer('b', 'a', Buffer.from(ours)), {
    code: 'BAD_SDP',
    message: /this engine/,
  })
  const theirs = sdp(5000, '9', 'a=rtcp:4777').toString().replaceAll('192.0.2.1', '198.51.100.1')
  await assert.rejects(session.answer('b', 'a', Buffer.from(theirs)), { code: 'BAD_SDP' })
  await session.answer('b', 'a', sdp(6000, '9'))
  await assert.rejects(session.play('a', { encoding: 'alaw', samples: new Uint8Array(1) }), {
    code: 'NO_COMMON_CODEC',
  })
  await session.offer('a', 'c', sdp(5001, '9'))
  await assert.rejects(session.offer('a', 'd', sdp(5001, '9')), { code: 'NO_PORTS' })
  await session.close()
  await session.close()
  for (const late of [
    session.offer('a', 'b', sdp(1, '8')),
    session.stats(),
    session.stop('a'),
    session.offerLocally('a'),
  ]) {
    await assert.rejects(late, { code: 'CLOSED' })
  }
})

test('close lets the ports of its legs rest', async () => {
  const { session, released } = sessionAlone()
  await session.offer('a', 'b', sdp(5000, '8'))
  await session.close()
  assert.deepEqual(released, [
    [4000, true],
    [4002, true],
  ])
})

test('any offer and answer either connect or fail with a MediaError, and ours stay well formed', async () => {
  const formats = fc.uniqueArray(fc.constantFrom('0', '8', '9', '18', '96', '97', '101'), { minLength: 1 })
  const maps = fc.uniqueArray(
    fc.constantFrom(
      EVENTS,
      EVENTS_96,
      'a=rtpmap:96 opus/48000/2',
      'a=rtpmap:97 AMR/8000',
      'a=rtpmap:101 PCMA/8000',
      'a=sendonly',
      'a=inactive',
    ),
  )
  const side = fc.tuple(formats, maps).map(([types, lines]) => sdp(5000, types.join(' '), ...lines))
  const rounds = fc.array(fc.tuple(fc.boolean(), side, side), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(rounds, async (exchanges) => {
      const { session } = sessionAlone()
      for (const [aOffers, offer, answer] of exchanges) {
        const [from, to] = aOffers ? (['a', 'b'] as const) : (['b', 'a'] as const)
        try {
          for (const own of [await session.offer(from, to, offer), await session.answer(to, from, answer)]) {
            const audio = audioOf(own)
            const types = String(audio.payloads).split(' ')
            assert.equal(new Set(types).size, types.length, `a number twice in ${types.join(' ')}`)
            assert.equal(audio.rtp.length, types.length)
          }
        } catch (error) {
          assert.ok(error instanceof MediaError, String(error))
        }
        JSON.stringify(session.state())
      }
    }),
  )
})
