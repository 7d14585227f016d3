import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { response } from '../message/build.ts'
import { header, headerValues } from '../message/headers.ts'
import type { SipRequest } from '../message/message.ts'
import { branchOf } from '../message/via.ts'
import { challengeHeader, parseCredentials, verifyCredentials } from '../auth/digest.ts'
import { SDP_ANSWER, SDP_OFFER, openBench } from '../testkit/bench.ts'
import type { Bench } from '../testkit/bench.ts'
import { testRequest } from '../testkit/requests.ts'
import type { ClientCall, InviteOptions } from '../core/types.ts'

const CALLEE = {
  uri: 'sip:+8613800000021@192.0.2.1:5060',
  from: '<sip:+8617000000001@192.0.2.2>',
  to: '<sip:+8613800000021@192.0.2.1>',
  contactUser: '+8617000000001',
  body: SDP_OFFER,
}
const CONTACT = ['Contact', '<sip:phone@192.0.2.1:5060>']

type Dialled = { bench: Bench; call: ClientCall; invite: SipRequest }

async function dial(options: Partial<InviteOptions> = {}): Promise<Dialled> {
  const bench = await openBench()
  const call = bench.stack.invite({ ...CALLEE, ...options }, bench.handlers)
  bench.clock.advance(1)
  return { bench, call, invite: bench.peer.lastRequest('INVITE') }
}

function answer({ bench, invite }: Dialled, status: number, toTag: string): void {
  bench.deliver(
    response(invite, status, { toTag, headers: CONTACT, ...(status === 200 && { body: SDP_ANSWER }) }),
  )
  bench.clock.advance(1)
}

async function talking(): Promise<Dialled> {
  const dialled = await dial()
  answer(dialled, 180, 'b1')
  answer(dialled, 200, 'b1')
  dialled.call.ack()
  dialled.bench.clock.advance(1)
  return dialled
}

const count = (bench: Bench, summary: string): number =>
  bench.peer.summaries.filter((one) => one === summary).length

describe('an outgoing call', () => {
  it('shows its own Contact, a Call-ID without an address and a Via that asks for rport', async () => {
    const { invite, call } = await dial()
    assert.equal(header(invite, 'Contact'), '<sip:+8617000000001@192.0.2.2:5060>')
    assert.match(header(invite, 'Call-ID') ?? '', /^[0-9a-f]{32}$/)
    assert.equal(header(invite, 'Call-ID'), call.callId)
    assert.match(
      header(invite, 'Via') ?? '',
      /^SIP\/2\.0\/UDP 192\.0\.2\.2:5060;rport;branch=z9hG4bK[0-9a-f]{24}$/,
    )
    assert.equal(header(invite, 'User-Agent'), 'Maskline')
  })

  it('is answered, acknowledged and ended with BYE', async () => {
    const { bench, call } = await talking()
    assert.deepEqual(bench.events, ['onProvisional 180 b1', 'onAnswer b1'])
    const ack = bench.peer.lastRequest('ACK')
    assert.equal(ack.uri, 'sip:phone@192.0.2.1:5060')
    assert.equal(header(ack, 'CSeq'), '1 ACK')
    call.bye()
    call.bye()
    bench.clock.advance(1)
    assert.equal(count(bench, 'BYE'), 1)
    const bye = bench.peer.lastRequest('BYE')
    assert.equal(header(bye, 'CSeq'), '2 BYE')
    assert.equal(header(bye, 'To'), `${CALLEE.to};tag=b1`)
    bench.deliver(response(bye, 200))
    assert.equal(bench.stack.stats().dialogs, 0)
    bench.clock.advance(32_000)
    assert.equal(bench.stack.stats().transactions, 0)
    assert.equal(bench.clock.pending, 0)
  })

  it('repeats the ACK, body included, for every copy of the 2xx, also after the call', async () => {
    const dialled = await dial()
    const { bench, call } = dialled
    answer(dialled, 200, 'b1')
    answer(dialled, 200, 'b1')
    assert.equal(count(bench, 'ACK'), 0)
    call.ack({ body: SDP_ANSWER })
    answer(dialled, 200, 'b1')
    assert.equal(count(bench, 'ACK'), 2)
    call.bye()
    bench.clock.advance(1)
    bench.deliver(response(bench.peer.lastRequest('BYE'), 200))
    answer(dialled, 200, 'b1')
    assert.equal(count(bench, 'ACK'), 3)
    const acks = bench.peer.inbox.filter((message) => message.kind === 'request' && message.method === 'ACK')
    assert.deepEqual(acks[2], acks[0])
    assert.deepEqual(bench.events, ['onAnswer b1'])
  })

  it('tells early dialogs of forks apart, and ends every answer but the first', async () => {
    const dialled = await dial()
    const { bench, call } = dialled
    answer(dialled, 180, 'b1')
    answer(dialled, 183, 'b2')
    answer(dialled, 200, 'b2')
    call.ack()
    answer(dialled, 200, 'b1')
    answer(dialled, 200, 'b1')
    assert.deepEqual(bench.events, ['onProvisional 180 b1', 'onProvisional 183 b2', 'onAnswer b2'])
    const toTags = (method: string): string[] =>
      bench.peer.inbox
        .filter((message) => message.kind === 'request' && message.method === method)
        .map((message) => header(message, 'To')!.slice(-2))
    assert.deepEqual(toTags('ACK'), ['b2', 'b1', 'b1'])
    assert.deepEqual(toTags('BYE'), ['b1'])
    assert.equal(bench.stack.stats().dialogs, 1)
  })

  it('routes by the Record-Route of the 2xx, in reverse', async () => {
    const dialled = await dial()
    const { bench, invite, call } = dialled
    const proxy = bench.network.peer('192.0.2.11')
    answer(dialled, 180, 'b1')
    const headers = [...CONTACT, 'Record-Route', '<sip:192.0.2.10;lr>, <sip:192.0.2.11;lr>']
    bench.deliver(response(invite, 200, { toTag: 'b1', headers }))
    call.ack()
    bench.clock.advance(1)
    assert.deepEqual(headerValues(proxy.lastRequest('ACK'), 'Route'), [
      '<sip:192.0.2.11;lr>',
      '<sip:192.0.2.10;lr>',
    ])
  })

  it('reports a failure with its response, once', async () => {
    const dialled = await dial()
    answer(dialled, 486, 'b1')
    answer(dialled, 486, 'b1')
    assert.deepEqual(dialled.bench.events, ['onFailure 486'])
    assert.equal(dialled.bench.stack.stats().dialogs, 0)
  })

  it('gives up after inviteTimeoutMs when that is given', async () => {
    const bench = await openBench({ stack: { inviteTimeoutMs: 60_000 } })
    bench.stack.invite(CALLEE, bench.handlers)
    bench.clock.advance(1)
    bench.deliver(response(bench.peer.lastRequest('INVITE'), 180, { toTag: 'b1', headers: CONTACT }))
    bench.clock.advance(59_999)
    assert.ok(!bench.peer.summaries.includes('CANCEL'))
    bench.clock.advance(2)
    assert.ok(bench.peer.summaries.includes('CANCEL'))
  })

  it('sends the Max-Forwards it is given, else 70; its CANCEL carries the same', async () => {
    assert.equal(header((await dial()).invite, 'Max-Forwards'), '70')
    const dialled = await dial({ maxForwards: 41 })
    assert.equal(header(dialled.invite, 'Max-Forwards'), '41')
    answer(dialled, 180, 'b1')
    dialled.call.cancel()
    dialled.bench.clock.advance(1)
    assert.equal(header(dialled.bench.peer.lastRequest('CANCEL'), 'Max-Forwards'), '41')
  })

  it('gives up with 408 when nothing follows a provisional response (Timer C)', async () => {
    const dialled = await dial()
    const { bench } = dialled
    answer(dialled, 180, 'b1')
    bench.clock.advance(100_000)
    answer(dialled, 180, 'b1')
    bench.clock.advance(180_000)
    assert.equal(count(bench, 'CANCEL'), 0)
    bench.clock.advance(10_000)
    assert.ok(count(bench, 'CANCEL') > 0)
    answer(dialled, 487, 'b1')
    assert.deepEqual(bench.events.at(-1), 'onFailure 408')
  })

  it('fails with 503 when no listening address can reach the callee', async () => {
    const bench = await openBench()
    bench.stack.invite({ ...CALLEE, uri: 'sip:x@192.0.2.1;transport=tcp' }, bench.handlers)
    assert.deepEqual(bench.events, [])
    await Promise.resolve()
    assert.deepEqual(bench.events, ['onFailure 503 local'])
    assert.equal(bench.stack.stats().dialogs, 0)
  })

  it('does not send a sips: call in the clear, and fails what is begun after close', async () => {
    const bench = await openBench()
    bench.stack.invite({ ...CALLEE, uri: 'sips:x@192.0.2.1' }, bench.handlers)
    await Promise.resolve()
    await bench.close()
    bench.stack.invite(CALLEE, bench.handlers)
    await Promise.resolve()
    assert.deepEqual(bench.events, ['onFailure 503 local', 'onFailure 503 local'])
    assert.deepEqual(bench.network.carried, [])
    assert.equal(bench.clock.pending, 0)
  })

  it('fails with 503 when the name of the hop has no address', async () => {
    const bench = await openBench()
    const failed = new Promise<number>((resolve) => {
      const handlers = {
        ...bench.handlers,
        onFailure: (_call: ClientCall, status: number) => resolve(status),
      }
      bench.stack.invite({ ...CALLEE, hop: { ...bench.peer.hop, address: 'no-such-host.invalid' } }, handlers)
    })
    assert.equal(await failed, 503)
  })

  it("takes the callee's BYE and its requests", async () => {
    const { bench, call } = await talking()
    const localTag = /tag=(\w+)/.exec(header(bench.peer.lastRequest('INVITE'), 'From')!)![1]!
    const of = (method: string, seq: number): SipRequest =>
      testRequest({ from: bench.peer.hop, method, seq, fromTag: 'b1', toTag: localTag, callId: call.callId })
    bench.deliver(of('INFO', 7))
    bench.requests[0]!.respond(200)
    bench.deliver(of('BYE', 8))
    bench.clock.advance(1)
    assert.deepEqual(bench.peer.summaries.slice(-2), ['200 INFO', '200 BYE'])
    assert.deepEqual(bench.events.slice(2), ['onRequest INFO', 'onBye'])
    call.bye()
    bench.clock.advance(1)
    assert.equal(count(bench, 'BYE'), 0)
  })

  it("answers 200 to the callee's BYE that crosses its own, and reports neither", async () => {
    const { bench, call } = await talking()
    call.bye()
    const localTag = /tag=(\w+)/.exec(header(bench.peer.lastRequest('INVITE'), 'From')!)![1]!
    bench.deliver(
      testRequest({
        from: bench.peer.hop,
        method: 'BYE',
        fromTag: 'b1',
        toTag: localTag,
        callId: call.callId,
      }),
    )
    bench.clock.advance(1)
    assert.equal(bench.peer.summaries.at(-1), '200 BYE')
    assert.ok(!bench.events.includes('onBye'))
  })
})

describe('cancelling an outgoing call', () => {
  it('waits for a provisional response, then sends CANCEL on the branch of the INVITE', async () => {
    const dialled = await dial()
    const { bench, call, invite } = dialled
    call.cancel({ headers: ['Reason', 'SIP;cause=200'] })
    bench.clock.advance(100)
    assert.equal(count(bench, 'CANCEL'), 0)
    bench.deliver(response(invite, 100))
    bench.clock.advance(1)
    const cancel = bench.peer.lastRequest('CANCEL')
    assert.equal(branchOf(header(cancel, 'Via')!), branchOf(header(invite, 'Via')!))
    assert.equal(header(cancel, 'CSeq'), '1 CANCEL')
    assert.equal(header(cancel, 'Reason'), 'SIP;cause=200')
    bench.deliver(response(cancel, 200, { toTag: 'b1' }))
    answer(dialled, 487, 'b1')
    assert.deepEqual(bench.events, ['onFailure 487'])
    assert.equal(count(bench, 'ACK'), 1)
    bench.clock.advance(32_000)
    assert.equal(bench.stack.stats().transactions, 0)
  })

  it('acknowledges and ends an answer that crosses the CANCEL, and reports 487', async () => {
    const dialled = await dial()
    const { bench, call } = dialled
    answer(dialled, 180, 'b1')
    call.cancel()
    answer(dialled, 200, 'b1')
    bench.clock.advance(1)
    assert.deepEqual(bench.peer.summaries, ['INVITE', 'CANCEL', 'ACK', 'BYE'])
    assert.deepEqual(bench.events, ['onProvisional 180 b1', 'onFailure 487 local'])
    answer(dialled, 200, 'b1')
    assert.equal(count(bench, 'ACK'), 2)
    assert.equal(bench.stack.stats().dialogs, 0)
  })

  it('ends an answer that comes before any provisional response after cancel', async () => {
    const dialled = await dial()
    dialled.call.cancel()
    answer(dialled, 200, 'b1')
    dialled.bench.clock.advance(1)
    assert.deepEqual(dialled.bench.peer.summaries, ['INVITE', 'ACK', 'BYE'])
    assert.deepEqual(dialled.bench.events, ['onFailure 487 local'])
  })

  it('gives up when the cancelled INVITE is never answered', async () => {
    const dialled = await dial()
    const { bench, call } = dialled
    answer(dialled, 180, 'b1')
    call.cancel()
    bench.clock.advance(31_999)
    assert.deepEqual(bench.events, ['onProvisional 180 b1'])
    bench.clock.advance(1)
    assert.deepEqual(bench.events, ['onProvisional 180 b1', 'onFailure 487 local'])
    assert.equal(bench.clock.pending, 0)
  })

  it('is what bye does before the answer, and nothing after a failure', async () => {
    const dialled = await dial()
    answer(dialled, 180, 'b1')
    dialled.call.bye()
    answer(dialled, 487, 'b1')
    dialled.call.bye()
    dialled.call.cancel()
    dialled.bench.clock.advance(1)
    assert.deepEqual(dialled.bench.events, ['onProvisional 180 b1', 'onFailure 487'])
    assert.equal(count(dialled.bench, 'CANCEL'), 1)
  })
})

describe('digest on an outgoing call', () => {
  const credentials = { username: 'trunk', password: 'secret' }

  for (const algorithm of ['MD5', 'SHA-256'] as const) {
    it(`answers a 407 with ${algorithm}, in the same call with the next CSeq`, async () => {
      const { bench, invite, call } = await dial({ credentials })
      const value = challengeHeader({ realm: 'carrier.example', nonce: 'n1', algorithm, qop: 'auth' })
      bench.deliver(response(invite, 407, { toTag: 'p1', headers: ['Proxy-Authenticate', value] }))
      bench.clock.advance(1)
      const again = bench.peer.lastRequest('INVITE')
      assert.equal(header(again, 'CSeq'), '2 INVITE')
      assert.equal(header(again, 'Call-ID'), call.callId)
      assert.equal(header(again, 'From'), header(invite, 'From'))
      assert.notEqual(branchOf(header(again, 'Via')!), branchOf(header(invite, 'Via')!))
      const given = parseCredentials(header(again, 'Proxy-Authorization')!)!
      assert.equal(given.algorithm, algorithm)
      assert.ok(verifyCredentials(given, { method: 'INVITE', password: 'secret' }))
      answer({ bench, call, invite: again }, 200, 'b1')
      call.ack()
      bench.clock.advance(1)
      assert.equal(
        header(bench.peer.lastRequest('ACK'), 'Proxy-Authorization'),
        header(again, 'Proxy-Authorization'),
      )
      assert.deepEqual(bench.events, ['onAnswer b1'])
    })
  }

  it('brings credentials along in the next call, and in its ACK (RFC 7616 §3.4, RFC 3261 §22.1)', async () => {
    const { bench, invite, call } = await dial({ credentials })
    const value = challengeHeader({ realm: 'carrier.example', nonce: 'n1', algorithm: 'MD5', qop: 'auth' })
    bench.deliver(response(invite, 407, { toTag: 'p1', headers: ['Proxy-Authenticate', value] }))
    bench.clock.advance(1)
    answer({ bench, call, invite: bench.peer.lastRequest('INVITE') }, 200, 'b1')
    call.ack()
    const next = bench.stack.invite({ ...CALLEE, credentials }, bench.handlers)
    bench.clock.advance(1)
    const asked = bench.peer.lastRequest('INVITE')
    assert.equal(header(asked, 'CSeq'), '1 INVITE')
    const given = parseCredentials(header(asked, 'Proxy-Authorization')!)!
    assert.deepEqual([given.nonce, given.nc], ['n1', '00000002'])
    assert.ok(verifyCredentials(given, { method: 'INVITE', password: 'secret' }))
    answer({ bench, call: next, invite: asked }, 200, 'b2')
    next.ack()
    bench.clock.advance(1)
    assert.equal(
      header(bench.peer.lastRequest('ACK'), 'Proxy-Authorization'),
      header(asked, 'Proxy-Authorization'),
    )
  })

  it('fails when the same nonce is refused, and tries once more when it is only stale', async () => {
    const { bench, invite } = await dial({ credentials })
    const refuse = (request: SipRequest, nonce: string, stale: boolean): void => {
      const value = challengeHeader({ realm: 'carrier.example', nonce, algorithm: 'MD5', qop: 'auth', stale })
      bench.deliver(response(request, 401, { toTag: 'p1', headers: ['WWW-Authenticate', value] }))
      bench.clock.advance(1)
    }
    refuse(invite, 'n1', false)
    refuse(bench.peer.lastRequest('INVITE'), 'n2', true)
    assert.equal(header(bench.peer.lastRequest('INVITE'), 'CSeq'), '3 INVITE')
    refuse(bench.peer.lastRequest('INVITE'), 'n2', false)
    assert.deepEqual(bench.events, ['onFailure 401'])
    assert.equal(bench.stack.stats().dialogs, 0)
  })

  it('answers a challenge of the BYE', async () => {
    const bench = await openBench()
    const call = bench.stack.invite({ ...CALLEE, credentials }, bench.handlers)
    bench.clock.advance(1)
    answer({ bench, call, invite: bench.peer.lastRequest('INVITE') }, 200, 'b1')
    call.bye()
    bench.clock.advance(1)
    const value = challengeHeader({ realm: 'carrier.example', nonce: 'n9', algorithm: 'MD5', qop: 'auth' })
    bench.deliver(response(bench.peer.lastRequest('BYE'), 401, { headers: ['WWW-Authenticate', value] }))
    bench.clock.advance(1)
    const again = bench.peer.lastRequest('BYE')
    assert.equal(header(again, 'CSeq'), '3 BYE')
    const given = parseCredentials(header(again, 'Authorization')!)!
    assert.ok(verifyCredentials(given, { method: 'BYE', password: 'secret' }))
    bench.deliver(response(again, 200))
    assert.equal(bench.stack.stats().dialogs, 0)
  })
})
