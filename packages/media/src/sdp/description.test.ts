import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MediaError } from '../engine.ts'
import { parseDescription } from './description.ts'

const sdp = (...lines: string[]): Buffer => Buffer.from(lines.map((line) => `${line}\r\n`).join(''), 'latin1')
const HEAD = ['v=0', 'o=alice 1 1 IN IP4 192.0.2.1', 's=call', 'c=IN IP4 192.0.2.1', 't=0 0'] as const

test('reads address, ports, codecs, direction and packet time', () => {
  const description = parseDescription(
    sdp(
      ...HEAD,
      'm=audio 4000 RTP/AVP 9 8 0 101 96',
      'c=IN IP4 192.0.2.2',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      'a=rtpmap:96 opus/48000/2',
      'a=ptime:20',
      'a=rtcp:4009',
      'a=recvonly',
    ),
  )
  assert.equal(description.address, '192.0.2.2')
  assert.deepEqual([description.port, description.rtcpPort, description.ptime], [4000, 4009, 20])
  assert.equal(description.direction, 'recvonly')
  assert.deepEqual(
    description.codecs.map(({ payloadType, key, fmtp }) => [payloadType, key, fmtp]),
    [
      [9, 'g722/8000/1', undefined],
      [8, 'pcma/8000/1', undefined],
      [0, 'pcmu/8000/1', undefined],
      [101, 'telephone-event/8000/1', '0-15'],
      [96, 'opus/48000/2', undefined],
    ],
  )
})

test('takes bare newlines, session level attributes and an unknown line in between', () => {
  const text = sdp(...HEAD, 'a=sendonly', 'k=clear:x', 'z=0 0', 'm=audio 4000/2 RTP/AVP 8').toString()
  const description = parseDescription(Buffer.from(text.replaceAll('\r\n', '\n')))
  assert.deepEqual([description.port, description.direction], [4000, 'sendonly'])
})

test('an address of zero means that the party does not listen', () => {
  const held = sdp(...HEAD, 'm=audio 4000 RTP/AVP 8')
    .toString()
    .replace('c=IN IP4 192.0.2.1', 'c=IN IP4 0.0.0.0')
  const description = parseDescription(Buffer.from(held))
  assert.equal(description.address, undefined)
  assert.equal(description.direction, 'sendonly')
})

test('an IPv6 address is read in its one canonical form', () => {
  const text = sdp('v=0', 'c=IN IP6 2001:0DB8:0:0:0:0:0:1', 'm=audio 4000 RTP/AVP 8')
  assert.equal(parseDescription(text).address, '2001:db8::1')
})

test('a host name leaves the address open', () => {
  const named = sdp(...HEAD, 'm=audio 4000 RTP/AVP 8')
    .toString()
    .replace('c=IN IP4 192.0.2.1', 'c=IN IP4 pbx.example')
  assert.equal(parseDescription(Buffer.from(named)).address, undefined)
})

test('finds the plain audio among other m-lines', () => {
  const description = parseDescription(
    sdp(
      ...HEAD,
      'm=video 5000 RTP/AVP 97',
      'm=audio 6000 RTP/SAVP 8',
      'm=audio 7000 RTP/AVP 8',
      'm=image 0 udptl t38',
    ),
  )
  assert.equal(description.audioIndex, 2)
  assert.equal(description.port, 7000)
  assert.equal(description.sections.length, 4)
})

const codeOf = (bytes: Uint8Array): string => {
  try {
    parseDescription(bytes)
    return 'accepted'
  } catch (error) {
    assert.ok(error instanceof MediaError, `threw ${String(error)}`)
    return error.code
  }
}

test('refuses what it cannot use, with the code that says why', () => {
  const audio = 'm=audio 4000 RTP/AVP 8'
  const cases: readonly (readonly [expected: string, bytes: Uint8Array])[] = [
    ['BAD_SDP', Buffer.alloc(0)],
    ['BAD_SDP', Buffer.from('hello')],
    ['BAD_SDP', sdp(...HEAD)],
    ['BAD_SDP', sdp('v=0', 's=-', audio)],
    ['BAD_SDP', sdp(...HEAD, 'm=audio x RTP/AVP 8')],
    ['BAD_SDP', sdp(...HEAD, 'm=audio 4000 RTP/AVP')],
    ['BAD_SDP', sdp('v=0', 'c=IN IP4 224.0.0.1/127', audio)],
    ['BAD_SDP', sdp('v=0', 'c=IN IP4 300.0.2.1', audio)],
    ['BAD_SDP', sdp('v=0', 'c=IN IP6 ff02::1', audio)],
    ['BAD_SDP', sdp('v=0', 'c=IN IP6 1::2::3', audio)],
    ['BAD_SDP', sdp('v=0', 'c=IN IP6 fe80::1%eth0', audio)],
    ['BAD_SDP', sdp('v=0', 'c=ATM', audio)],
    ['BAD_SDP', sdp(...HEAD, ...Array.from({ length: 17 }, () => audio))],
    ['BAD_SDP', Buffer.concat([sdp(...HEAD, audio), Buffer.alloc(20_000, 'a')])],
    ['NO_COMMON_CODEC', sdp(...HEAD, 'm=video 4000 RTP/AVP 97')],
    ['NO_COMMON_CODEC', sdp(...HEAD, 'm=audio 0 RTP/AVP 8')],
    ['NO_COMMON_CODEC', sdp(...HEAD, 'm=audio 4000 RTP/SAVP 8')],
    ['NO_COMMON_CODEC', sdp(...HEAD, 'm=audio 4000 RTP/AVP 101', 'a=rtpmap:101 telephone-event/8000')],
    ['NO_COMMON_CODEC', sdp(...HEAD, 'm=audio 4000 RTP/AVP 99')],
  ]
  for (const [expected, bytes] of cases)
    assert.equal(codeOf(bytes), expected, Buffer.from(bytes).toString().slice(0, 200))
})

test('no bytes make it throw anything but a MediaError', () => {
  const whole = sdp(
    ...HEAD,
    'm=audio 4000 RTP/AVP 8 101',
    'a=rtpmap:101 telephone-event/8000',
    'a=fmtp:101 0-15',
  )
  const cutAndNoise = fc.record({
    keep: fc.nat(whole.length),
    drop: fc.nat(whole.length),
    noise: fc.uint8Array({ maxLength: 60, size: 'max' }),
  })
  fc.assert(
    fc.property(cutAndNoise, ({ keep, drop, noise }) => {
      codeOf(Buffer.concat([whole.subarray(0, keep), noise, whole.subarray(keep + drop)]))
    }),
    { numRuns: 5000 },
  )
  const line = fc.tuple(fc.constantFrom('m', 'c', 'a', 'v', 'o'), fc.string({ maxLength: 40, size: 'max' }))
  fc.assert(
    fc.property(fc.array(line, { maxLength: 30, size: 'max' }), (lines) => {
      codeOf(sdp('v=0', ...lines.map(([kind, text]) => `${kind}=${text}`)))
    }),
    { numRuns: 2000 },
  )
})
