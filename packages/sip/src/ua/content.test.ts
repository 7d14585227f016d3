import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { header } from '../message/headers.ts'
import { SDP_OFFER, openBench } from '../testkit/bench.ts'
import { testRequest } from '../testkit/requests.ts'

/** What an INVITE with these headers gets, and the header of the answer that tells what would be taken. */
async function answerTo(headers: readonly string[], body: Uint8Array, tells: string) {
  const bench = await openBench()
  bench.deliver(testRequest({ from: bench.peer.hop, headers, body }))
  bench.clock.advance(200)
  const answer = bench.peer.inbox.at(-1)!
  return [bench.peer.summaries.at(-1), header(answer, tells), bench.incoming.length]
}

describe('an INVITE whose body nobody here reads', () => {
  const ISUP = Buffer.from([1, 0x11, 0x48])
  const NONE = new Uint8Array(0)

  it('gets 415 with what is read instead', async () => {
    const refused = ['415 INVITE', 'application/sdp', 0]
    assert.deepEqual(await answerTo(['Content-Type', 'application/isup;version=x'], ISUP, 'Accept'), refused)
  })

  it('gets 415 when it is packed', async () => {
    const headers = ['Content-Encoding', 'gzip', 'Content-Type', 'application/sdp']
    assert.deepEqual(await answerTo(headers, SDP_OFFER, 'Accept-Encoding'), ['415 INVITE', 'identity', 0])
  })

  it('is a call when the body may be ignored, has several parts, or is SDP in any spelling', async () => {
    for (const headers of [
      ['Content-Type', 'application/isup', 'Content-Disposition', 'signal ; handling = optional'],
      ['Content-Type', 'Multipart/Mixed;boundary=x'],
      ['Content-Type', 'APPLICATION / SDP ; charset=utf-8'],
    ])
      assert.deepEqual(await answerTo(headers, ISUP, 'Contact'), ['100 INVITE', undefined, 1], headers[1])
  })

  it('gets 406 when it wants no SDP in the answer, also without a body', async () => {
    for (const accept of ['text/plain', '', 'text/*, application/dtmf-relay'])
      assert.deepEqual(
        await answerTo(['Accept', accept], NONE, 'Accept'),
        ['406 INVITE', 'application/sdp', 0],
        accept,
      )
    for (const accept of ['application/sdp', 'text/plain, Application/SDP;level=1', '*/*', 'application/*'])
      assert.deepEqual(
        await answerTo(['Accept', accept], NONE, 'Accept'),
        ['100 INVITE', undefined, 1],
        accept,
      )
  })
})

describe('a response with several Via values', () => {
  for (const [how, ours] of [
    ['on two lines', (via: string) => ['Via', via, 'Via', 'SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1']],
    ['on one line', (via: string) => ['Via', `${via}, SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1`]],
  ] as const) {
    it(`is nobody's, ${how}`, async () => {
      const bench = await openBench()
      bench.stack.invite({ uri: 'sip:b@192.0.2.1', from: '<sip:a@x>', to: '<sip:b@x>' }, bench.handlers)
      bench.clock.advance(1)
      const { headers } = bench.peer.lastRequest('INVITE')
      const via = headers[headers.indexOf('Via') + 1]!
      const rest = ['From', 'To', 'Call-ID', 'CSeq'].flatMap((name) => [
        name,
        headers[headers.indexOf(name) + 1]!,
      ])
      const body = new Uint8Array(0)
      bench.deliver({ kind: 'response', status: 486, reason: '', headers: [...ours(via), ...rest], body })
      assert.deepEqual(bench.events, [])
      bench.deliver({ kind: 'response', status: 486, reason: '', headers: ['Via', via, ...rest], body })
      assert.deepEqual(bench.events, ['onFailure 486'])
    })
  }
})
