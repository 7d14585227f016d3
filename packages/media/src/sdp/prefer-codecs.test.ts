import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MediaError } from '../engine.ts'
import { preferCodecs } from './prefer-codecs.ts'

const HEAD = ['v=0', 'o=- 1 1 IN IP4 192.0.2.1', 's=-', 'c=IN IP4 192.0.2.1', 't=0 0']
const sdp = (...lines: readonly string[]): Buffer =>
  Buffer.from([...HEAD, ...lines, ''].join('\r\n'), 'latin1')
const OFFER = sdp(
  'm=audio 30000 RTP/AVP 96 0 8 97 18 101 13',
  'a=rtpmap:96 AMR-WB/16000',
  'a=fmtp:96 mode-set=0,1,2; octet-align=1',
  'a=rtpmap:97 AMR/8000',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-16',
  'a=ptime:20',
  'a=sendrecv',
)

test('speech codecs are kept in the order wanted, with their attributes; events and comfort noise stay behind', () => {
  assert.equal(
    preferCodecs(OFFER, ['PCMA', 'pcmu']).toString(),
    sdp(
      'm=audio 30000 RTP/AVP 8 0 101 13',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-16',
      'a=ptime:20',
      'a=sendrecv',
    ).toString(),
  )
})

test('a name stands for every clock rate, a name and a rate for one', () => {
  const two = sdp(
    'm=audio 30000 RTP/AVP 96 97 98',
    'a=rtpmap:96 SPEEX/8000',
    'a=rtpmap:97 SPEEX/16000',
    'a=rtpmap:98 opus/48000/2',
  )
  assert.match(preferCodecs(two, ['speex']).toString(), /RTP\/AVP 96 97\r\n/)
  assert.match(preferCodecs(two, ['opus', 'speex/16000']).toString(), /RTP\/AVP 98 97\r\n/)
})

test('other sections, and an audio section that is off, are left alone', () => {
  const video = ['m=video 30002 RTP/AVP 96', 'a=rtpmap:96 H264/90000']
  const off = ['m=audio 0 RTP/AVP 18']
  assert.equal(
    preferCodecs(sdp(...video, 'm=audio 30000 RTP/AVP 0 8', 'a=sendonly', ...off), ['PCMA']).toString(),
    sdp(...video, 'm=audio 30000 RTP/AVP 8', 'a=sendonly', ...off).toString(),
  )
})

test('an SDP that is none of ours to judge is given back as it is', () => {
  for (const body of ['', 'v=0\r\n', 'm=audio 30000 RTP/AVP\r\n', 'no SDP at all'])
    assert.equal(preferCodecs(Buffer.from(body), ['PCMA']).toString(), body)
})

test('an offer without any of the codecs is refused', () => {
  assert.throws(
    () => preferCodecs(OFFER, ['G722', 'EVS']),
    (error: unknown) => {
      assert.ok(error instanceof MediaError)
      assert.equal(error.code, 'NO_COMMON_CODEC')
      return true
    },
  )
})
