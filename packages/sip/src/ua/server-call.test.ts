import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { header, headerValues } from '../message/headers.ts'
import { response } from '../message/build.ts'
import type { SipRequest } from '../message/message.ts'
import { SDP_ANSWER, SDP_OFFER, openBench, sendTimes, toTagOf } from '../testkit/bench.ts'
import type { Bench, BenchOptions } from '../testkit/bench.ts'
import { openDnsServer } from '../testkit/dns-server.ts'
import { allowOf } from '../core/allow.ts'
import { testRequest } from '../testkit/requests.ts'

type Parts = Omit<Parameters<typeof testRequest>[0], 'from'>

/** A request of the caller inside the call. */
function inCall(bench: Bench, method: string, seq: number, parts: Parts = {}): SipRequest {
  const established = bench.peer.inbox.find(
    (message) => message.kind === 'response' && message.status > 100 && toTagOf(message) !== undefined,
  )!
  return testRequest({ from: bench.peer.hop, method, seq, toTag: toTagOf(established), ...parts })
}

async function ringing(options: BenchOptions = {}, parts: Parts = {}): Promise<Bench> {
  const bench = await openBench(options)
  bench.deliver(testRequest({ from: bench.peer.hop, body: SDP_OFFER, ...parts }))
  bench.incoming[0]!.progress(180)
  bench.clock.advance(1)
  return bench
}

async function talking(options: BenchOptions = {}, parts: Parts = {}): Promise<Bench> {
  const bench = await ringing(options, parts)
  bench.incoming[0]!.answer({ body: SDP_ANSWER })
  bench.clock.advance(1)
  bench.deliver(inCall(bench, 'ACK', 1))
  return bench
}

describe('an incoming call', () => {
  it("rings, is answered with Contact and body, and ends with the caller's BYE", async () => {
    const bench = await talking()
    bench.deliver(inCall(bench, 'BYE', 2))
    bench.clock.advance(1)
    assert.deepEqual(bench.peer.summaries, ['180 INVITE', '200 INVITE', '200 BYE'])
    assert.deepEqual(bench.events, ['onAck', 'onBye'])
    const ok = bench.peer.inbox[1]!
    assert.equal(header(ok, 'Contact'), '<sip:+8617000000001@192.0.2.2:5060>')
    assert.equal(header(ok, 'Content-Type'), 'application/sdp')
    assert.deepEqual(Buffer.from(ok.body), SDP_ANSWER)
    assert.equal(toTagOf(bench.peer.inbox[0]!), toTagOf(ok))
    assert.equal(bench.stack.stats().dialogs, 0)
    bench.clock.advance(32_000)
    assert.equal(bench.stack.stats().transactions, 0)
    assert.equal(bench.clock.pending, 0)
  })

  it('says SIPS where it was called by SIPS (RFC 3261 §12.1.1)', async () => {
    for (const [uri, headers, contact] of [
      ['sips:+8617000000001@192.0.2.2', [], '<sips:+8617000000001@192.0.2.2:5060>'],
      ['sip:1@192.0.2.2', ['Record-Route', '<sips:192.0.2.9;lr>'], '<sips:1@192.0.2.2:5060>'],
      ['sip:1@192.0.2.2', ['Record-Route', '<sip:sips:1@192.0.2.9;lr>'], '<sip:1@192.0.2.2:5060>'],
    ] as const) {
      const bench = await openBench()
      bench.deliver(testRequest({ from: bench.peer.hop, uri, headers }))
      bench.incoming[0]!.progress(180)
      bench.clock.advance(1)
      assert.equal(header(bench.peer.lastResponse(180), 'Contact'), contact)
    }
  })

  it('copies Record-Route into its responses and routes its own requests by it', async () => {
    const routes = ['Record-Route', '<sip:192.0.2.10;lr>, <sip:192.0.2.11;lr>']
    const bench = await talking({}, { headers: routes })
    const proxy = bench.network.peer('192.0.2.10')
    assert.deepEqual(headerValues(bench.peer.lastResponse(200), 'Record-Route').length, 2)
    bench.incoming[0]!.bye()
    bench.clock.advance(1)
    const bye = proxy.lastRequest('BYE')
    assert.equal(bye.uri, 'sip:caller@192.0.2.1:5060')
    assert.deepEqual(headerValues(bye, 'Route'), ['<sip:192.0.2.10;lr>', '<sip:192.0.2.11;lr>'])
  })

  it('puts itself last for a strict router', async () => {
    const bench = await talking({}, { headers: ['Record-Route', '<sip:192.0.2.10>'] })
    const proxy = bench.network.peer('192.0.2.10')
    bench.incoming[0]!.bye()
    bench.clock.advance(1)
    const bye = proxy.lastRequest('BYE')
    assert.equal(bye.uri, 'sip:192.0.2.10')
    assert.deepEqual(headerValues(bye, 'Route'), ['<sip:caller@192.0.2.1:5060>'])
  })

  it('repeats its 2xx until the ACK comes', async () => {
    const bench = await ringing()
    bench.incoming[0]!.answer({ body: SDP_ANSWER })
    bench.clock.advance(2000)
    bench.deliver(inCall(bench, 'ACK', 1))
    bench.clock.advance(60_000)
    const is200 = (message: { kind: string; status?: number }): boolean => message.status === 200
    assert.deepEqual(sendTimes(bench, is200), [0, 500, 1500])
    assert.deepEqual(bench.events, ['onAck'])
  })

  it('sends BYE and reports no-ack when the ACK never comes', async () => {
    const bench = await ringing()
    bench.incoming[0]!.answer({ body: SDP_ANSWER })
    bench.clock.advance(32_001)
    assert.deepEqual(bench.events, ['onLost no-ack'])
    const bye = bench.peer.lastRequest('BYE')
    assert.equal(header(bye, 'CSeq'), '1 BYE')
    bench.deliver(response(bye, 200))
    assert.equal(bench.stack.stats().dialogs, 0)
  })

  it('waits for the ACK before its own BYE', async () => {
    const bench = await ringing()
    bench.incoming[0]!.answer()
    bench.incoming[0]!.bye()
    bench.clock.advance(100)
    assert.ok(!bench.peer.summaries.includes('BYE'))
    bench.deliver(inCall(bench, 'ACK', 1))
    bench.clock.advance(1)
    assert.ok(bench.peer.summaries.includes('BYE'))
  })

  it('ends with 487 at CANCEL, whose answer carries the same To-tag', async () => {
    const bench = await ringing()
    bench.deliver(testRequest({ from: bench.peer.hop, method: 'CANCEL', branch: 'z9hG4bK-INVITE-1' }))
    bench.clock.advance(1)
    assert.deepEqual(bench.peer.summaries, ['180 INVITE', '200 CANCEL', '487 INVITE'])
    assert.equal(toTagOf(bench.peer.inbox[1]!), toTagOf(bench.peer.inbox[2]!))
    assert.deepEqual(bench.events, ['onCancel'])
    assert.equal(bench.stack.stats().dialogs, 0)
  })

  it('keeps an answered call when CANCEL comes too late', async () => {
    const bench = await talking()
    bench.deliver(testRequest({ from: bench.peer.hop, method: 'CANCEL', branch: 'z9hG4bK-INVITE-1' }))
    bench.clock.advance(1)
    assert.equal(bench.peer.summaries.at(-1), '200 CANCEL')
    assert.deepEqual(bench.events, ['onAck'])
    assert.equal(bench.stack.stats().dialogs, 1)
  })

  it('answers the INVITE with 487 when the caller sends BYE before the answer', async () => {
    const bench = await ringing()
    bench.deliver(inCall(bench, 'BYE', 2))
    bench.clock.advance(1)
    assert.deepEqual(bench.peer.summaries.slice(1), ['200 BYE', '487 INVITE'])
    assert.deepEqual(bench.events, ['onBye'])
  })

  it('ignores what is said after the final response', async () => {
    const bench = await ringing()
    const call = bench.incoming[0]!
    call.reject(486)
    call.answer()
    call.progress(183)
    call.reject(404)
    call.bye()
    bench.clock.advance(1)
    assert.deepEqual(bench.peer.summaries, ['180 INVITE', '486 INVITE'])
  })

  it('refuses with 603 when it is ended before the answer', async () => {
    const bench = await ringing()
    bench.incoming[0]!.bye()
    bench.clock.advance(1)
    assert.equal(bench.peer.summaries.at(-1), '603 INVITE')
  })

  it('answers 500 to a request that is out of order', async () => {
    const bench = await talking()
    bench.deliver(inCall(bench, 'OPTIONS', 5))
    bench.requests[0]!.respond(200)
    bench.deliver(inCall(bench, 'OPTIONS', 4))
    bench.clock.advance(1)
    assert.deepEqual(bench.peer.summaries.slice(2), ['200 OPTIONS', '500 OPTIONS'])
  })

  it('hands INFO to the application, which answers it', async () => {
    const bench = await talking()
    bench.deliver(inCall(bench, 'INFO', 2))
    bench.requests[0]!.respond(200)
    bench.clock.advance(1)
    assert.deepEqual(bench.events, ['onAck', 'onRequest INFO'])
    assert.equal(bench.peer.summaries.at(-1), '200 INFO')
  })

  it('sends an in-dialog request and ends the call at 481 and at a time-out', async () => {
    const lost = async (answer: boolean): Promise<string[]> => {
      const bench = await talking()
      bench.incoming[0]!.sendRequest('INFO', {}, ({ status }) => bench.events.push(`final ${status}`))
      bench.clock.advance(1)
      if (answer) bench.deliver(response(bench.peer.lastRequest('INFO'), 481))
      else bench.clock.advance(32_000)
      return bench.events
    }
    assert.deepEqual(await lost(true), ['onAck', 'final 481', 'onLost no-dialog'])
    assert.deepEqual(await lost(false), ['onAck', 'final 408', 'onLost timeout'])
  })

  it('answers where a NATed phone speaks from, not at the private address it believes to have', async () => {
    const bench = await openBench()
    const invite = testRequest({ from: bench.peer.hop })
    const headers = invite.headers.map((item) =>
      item.startsWith('<sip:caller@') ? '<sip:caller@10.1.2.3:5099>' : item,
    )
    bench.deliver({ ...invite, headers })
    bench.incoming[0]!.answer()
    bench.clock.advance(1)
    bench.deliver(inCall(bench, 'ACK', 1))
    bench.incoming[0]!.bye()
    bench.clock.advance(1)
    assert.equal(bench.peer.lastRequest('BYE').uri, 'sip:caller@10.1.2.3:5099')
  })

  it('looks up the host name in Contact once the call is answered, not for an INVITE that is refused', async (t) => {
    const server = await openDnsServer({ addresses: { 'phone.example': ['192.0.2.9'] } })
    t.after(() => server.close())
    const dns = { servers: [server.address], hostsFile: '/nowhere/hosts' }
    const probed = Promise.withResolvers<void>()
    const bench = await openBench({
      stack: { dns },
      stackHandlers: {
        onMessage(direction, message) {
          if (direction === 'out' && message.kind === 'request' && message.method === 'OPTIONS')
            probed.resolve()
        },
      },
    })
    t.after(() => bench.close())
    const phone = bench.network.peer('192.0.2.9')
    const named = (callId: string, host: string): SipRequest => {
      const invite = testRequest({ from: bench.peer.hop, callId, branch: `z9hG4bK-${callId}` })
      const at = invite.headers.indexOf('Contact')
      return { ...invite, headers: invite.headers.with(at + 1, `<sip:caller@${host}>`) }
    }
    bench.deliver(named('refused', 'refused.example'))
    bench.incoming[0]!.reject(403)
    bench.deliver(named('call-1', 'phone.example'))
    bench.incoming[1]!.answer()
    bench.clock.advance(1)
    const toTag = toTagOf(bench.peer.lastResponse(200))
    bench.deliver(testRequest({ from: bench.peer.hop, method: 'ACK', toTag }))
    // Whoever asks later is told later.
    const party = '<sip:phone.example>'
    bench.stack.request({ method: 'OPTIONS', uri: 'sip:phone.example', from: party, to: party }, () => {})
    await probed.promise
    bench.incoming[1]!.bye()
    bench.clock.advance(1)
    assert.equal(phone.lastRequest('BYE').uri, 'sip:caller@phone.example')
    assert.deepEqual(
      server.asked.filter((question) => !question.endsWith('phone.example')),
      [],
    )
  })

  it('finds a caller without a Contact by its From', async () => {
    const bench = await openBench()
    const invite = testRequest({ from: bench.peer.hop })
    const at = invite.headers.indexOf('Contact')
    bench.deliver({ ...invite, headers: invite.headers.toSpliced(at, 2) })
    bench.incoming[0]!.answer()
    bench.clock.advance(1)
    bench.deliver(inCall(bench, 'ACK', 1))
    bench.incoming[0]!.bye()
    bench.clock.advance(1)
    assert.equal(bench.peer.lastRequest('BYE').uri, 'sip:+8613800000021@192.0.2.1')
  })

  it('follows the caller to a new Contact', async () => {
    const bench = await talking()
    const elsewhere = bench.network.peer('192.0.2.7', 5090)
    const reinvite = inCall(bench, 'INVITE', 2, { body: SDP_OFFER })
    const headers = reinvite.headers.map((item) =>
      item.startsWith('<sip:caller@') ? '<sip:caller@192.0.2.7:5090>' : item,
    )
    bench.deliver({ ...reinvite, headers })
    bench.requests[0]!.respond(200, { body: SDP_ANSWER })
    bench.deliver(inCall(bench, 'ACK', 2))
    bench.incoming[0]!.bye()
    bench.clock.advance(1)
    assert.equal(elsewhere.lastRequest('BYE').uri, 'sip:caller@192.0.2.7:5090')
  })
})

/** The caller's message as from another place. */
const from7 = (request: SipRequest): SipRequest => ({
  ...request,
  headers: request.headers.map((item) =>
    item.startsWith('<sip:caller@') ? '<sip:caller@192.0.2.7:5090>' : item,
  ),
})

describe('UPDATE', () => {
  const updated = async (status: number): Promise<string> => {
    const bench = await talking()
    const peers = [bench.peer, bench.network.peer('192.0.2.7', 5090)]
    bench.deliver(from7(inCall(bench, 'UPDATE', 2, { body: SDP_OFFER })))
    bench.requests[0]!.respond(status)
    bench.incoming[0]!.bye()
    bench.clock.advance(1)
    return peers.find((peer) => peer.summaries.includes('BYE'))!.lastRequest('BYE').uri
  }

  it('moves the dialog to its Contact when it is accepted, and only then', async () => {
    assert.equal(await updated(200), 'sip:caller@192.0.2.7:5090')
    assert.equal(await updated(405), 'sip:caller@192.0.2.1:5060')
    assert.equal(await updated(500), 'sip:caller@192.0.2.1:5060')
  })
})

describe('Allow', () => {
  const FULL = 'INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO'
  const PLAIN = 'INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE'

  it('names INFO where the application takes requests inside the dialog', async () => {
    const bench = await talking()
    assert.equal(header(bench.peer.lastResponse(200), 'Allow'), FULL)
    bench.incoming[0]!.reinvite({ body: SDP_OFFER }, () => {})
    bench.clock.advance(1)
    assert.equal(header(bench.peer.lastRequest('INVITE'), 'Allow'), FULL)
    bench.deliver(inCall(bench, 'INFO', 2))
    bench.requests[0]!.respond(405)
    bench.clock.advance(1)
    assert.equal(header(bench.peer.lastResponse(405), 'Allow'), PLAIN)
  })

  it('does not name it where it gets 405', async () => {
    const bench = await openBench()
    const { onRequest: _none, ...handlers } = bench.handlers
    bench.deliver(testRequest({ from: bench.peer.hop }))
    bench.incoming[0]!.handlers = handlers
    bench.incoming[0]!.answer()
    bench.clock.advance(1)
    assert.equal(header(bench.peer.lastResponse(200), 'Allow'), PLAIN)
    bench.deliver(inCall(bench, 'ACK', 1))
    bench.deliver(inCall(bench, 'INFO', 2))
    bench.clock.advance(1)
    assert.equal(header(bench.peer.lastResponse(405), 'Allow'), PLAIN)
    bench.incoming[0]!.reinvite({ body: SDP_OFFER }, () => {})
    bench.clock.advance(1)
    assert.equal(header(bench.peer.lastRequest('INVITE'), 'Allow'), PLAIN)
    const { onRequest: _neither, ...callee } = bench.handlers
    const uri = 'sip:b@192.0.2.1'
    bench.stack.invite({ uri, from: '<sip:a@192.0.2.2>', to: `<${uri}>` }, callee)
    bench.clock.advance(1)
    assert.equal(header(bench.peer.lastRequest('INVITE'), 'Allow'), PLAIN)
  })

  it('names what the handlers say they take, and the rest gets 405', async () => {
    const bench = await openBench()
    bench.deliver(testRequest({ from: bench.peer.hop }))
    bench.incoming[0]!.handlers = { ...bench.handlers, takes: ['INFO'] }
    bench.incoming[0]!.answer()
    bench.clock.advance(1)
    assert.equal(header(bench.peer.lastResponse(200), 'Allow'), `${PLAIN}, INFO`)
    bench.deliver(inCall(bench, 'ACK', 1))
    bench.deliver(inCall(bench, 'MESSAGE', 2))
    bench.clock.advance(1)
    assert.equal(header(bench.peer.lastResponse(405), 'Allow'), `${PLAIN}, INFO`)
    bench.deliver(inCall(bench, 'INFO', 3))
    assert.deepEqual(
      bench.requests.map(({ request }) => request.method),
      ['INFO'],
    )
  })

  it('of the application adds what it takes outside dialogs', () => {
    assert.equal(allowOf(undefined, ['REGISTER']), `${PLAIN}, REGISTER`)
    assert.equal(allowOf({ onRequest() {} }), FULL)
  })
})

describe('re-INVITE', () => {
  it('of the caller is answered, repeated until its ACK, and its ACK is reported', async () => {
    const bench = await talking()
    bench.deliver(inCall(bench, 'INVITE', 2, { body: SDP_OFFER }))
    bench.requests[0]!.respond(200, { body: SDP_ANSWER })
    bench.clock.advance(600)
    const answers = bench.peer.inbox.filter(
      (message) => header(message, 'CSeq') === '2 INVITE' && message.kind === 'response',
    )
    assert.deepEqual(
      answers.map((message) => message.kind === 'response' && message.status),
      [200, 200],
    )
    assert.equal(header(answers[0]!, 'Contact'), '<sip:+8617000000001@192.0.2.2:5060>')
    bench.deliver(inCall(bench, 'ACK', 2))
    bench.clock.advance(60_000)
    assert.deepEqual(bench.events, ['onAck', 'onReinvite', 'onReinviteAck'])
    assert.equal(bench.stack.stats().dialogs, 1)
  })

  it('of the caller gets 500 while another one is open, and 491 while ours is', async () => {
    const bench = await talking()
    bench.deliver(inCall(bench, 'INVITE', 2))
    bench.deliver(inCall(bench, 'INVITE', 3))
    bench.clock.advance(1)
    assert.equal(header(bench.peer.lastResponse(500), 'CSeq'), '3 INVITE')
    bench.requests[0]!.respond(488)
    bench.incoming[0]!.reinvite({ body: SDP_OFFER }, () => {})
    bench.deliver(inCall(bench, 'INVITE', 4))
    bench.clock.advance(1)
    assert.equal(header(bench.peer.lastResponse(491), 'CSeq'), '4 INVITE')
  })

  it('of the caller can be cancelled', async () => {
    const bench = await talking()
    bench.deliver(inCall(bench, 'INVITE', 2))
    bench.deliver(inCall(bench, 'CANCEL', 2, { branch: 'z9hG4bK-INVITE-2' }))
    bench.clock.advance(1)
    assert.deepEqual(bench.peer.summaries.slice(-2), ['200 CANCEL', '487 INVITE'])
    assert.deepEqual(bench.events, ['onAck', 'onReinvite', 'onReinviteCancelled 0'])
    bench.requests[0]!.respond(200)
    bench.clock.advance(1)
    assert.equal(bench.peer.summaries.at(-1), '487 INVITE')
    bench.deliver(inCall(bench, 'INVITE', 3))
    assert.equal(bench.events.at(-1), 'onReinvite')
  })

  it("of ours is retried after 491 within 2 s, for the Call-ID is the caller's", async () => {
    const bench = await talking()
    const finals: number[] = []
    bench.incoming[0]!.reinvite({ body: SDP_OFFER }, ({ status }) => finals.push(status))
    bench.clock.advance(1)
    const first = bench.peer.lastRequest('INVITE')
    bench.deliver(response(first, 491))
    bench.clock.advance(2001)
    const second = bench.peer.lastRequest('INVITE')
    assert.equal(header(second, 'CSeq'), '2 INVITE')
    assert.deepEqual(finals, [])
    bench.deliver(response(second, 200, { body: SDP_ANSWER }))
    bench.clock.advance(1)
    assert.deepEqual(finals, [200])
    assert.equal(header(bench.peer.lastRequest('ACK'), 'CSeq'), '2 ACK')
    assert.deepEqual(Buffer.from(second.body), SDP_OFFER)
  })

  it('of ours without a body leaves the ACK with the answer to its owner', async () => {
    const bench = await talking()
    const call = bench.incoming[0]!
    call.reinvite({}, () => {})
    bench.clock.advance(1)
    const ok = response(bench.peer.lastRequest('INVITE'), 200, { body: SDP_OFFER })
    bench.deliver(ok)
    bench.clock.advance(1)
    assert.ok(!bench.peer.summaries.includes('ACK'))
    call.ackReinvite({ body: SDP_ANSWER })
    bench.clock.advance(1)
    assert.deepEqual(Buffer.from(bench.peer.lastRequest('ACK').body), SDP_ANSWER)
    bench.deliver(ok)
    bench.clock.advance(1)
    assert.equal(bench.peer.summaries.filter((summary) => summary === 'ACK').length, 2)
  })

  it('of ours is refused with 491 at once while another is open or the ACK is missing', async () => {
    const bench = await ringing()
    const finals: number[] = []
    const call = bench.incoming[0]!
    call.answer()
    call.reinvite({ body: SDP_OFFER }, ({ status }) => finals.push(status))
    assert.equal(finals.length, 0)
    await Promise.resolve()
    assert.deepEqual(finals, [491])
    bench.deliver(inCall(bench, 'ACK', 1))
    call.reinvite({ body: SDP_OFFER }, () => {})
    call.reinvite({ body: SDP_OFFER }, ({ status }) => finals.push(status))
    await Promise.resolve()
    assert.deepEqual(finals, [491, 491])
  })

  it('of ours that is never answered ends the call, and leaves nothing', async () => {
    const bench = await talking()
    bench.incoming[0]!.reinvite({ body: SDP_OFFER }, ({ status }) => bench.events.push(`final ${status}`))
    bench.clock.advance(1)
    bench.deliver(response(bench.peer.lastRequest('INVITE'), 100))
    bench.clock.advance(185_000)
    assert.deepEqual(bench.events, ['onAck', 'final 408', 'onLost timeout'])
    bench.clock.advance(1)
    bench.deliver(response(bench.peer.lastRequest('BYE'), 200))
    bench.clock.advance(32_000)
    assert.deepEqual(bench.stack.stats(), { transactions: 0, dialogs: 0 })
    assert.equal(bench.clock.pending, 0)
  })

  it("open on either side when the call ends leaves nothing, and the caller's gets 487", async () => {
    const ours = await talking()
    ours.incoming[0]!.reinvite({ body: SDP_OFFER }, () => ours.events.push('final'))
    ours.clock.advance(1)
    ours.deliver(response(ours.peer.lastRequest('INVITE'), 100))
    ours.deliver(inCall(ours, 'BYE', 2))
    ours.clock.advance(64_000)
    assert.deepEqual(ours.events, ['onAck', 'onBye'])
    assert.deepEqual(ours.stack.stats(), { transactions: 0, dialogs: 0 })
    const theirs = await talking()
    theirs.deliver(inCall(theirs, 'INVITE', 2))
    theirs.incoming[0]!.bye()
    theirs.clock.advance(1)
    assert.equal(header(theirs.peer.lastResponse(487), 'CSeq'), '2 INVITE')
  })

  it('of ours that meets 481 ends the call', async () => {
    const bench = await talking()
    bench.incoming[0]!.reinvite({ body: SDP_OFFER }, ({ status }) => bench.events.push(`final ${status}`))
    bench.clock.advance(1)
    bench.deliver(response(bench.peer.lastRequest('INVITE'), 481))
    assert.deepEqual(bench.events, ['onAck', 'final 481', 'onLost no-dialog'])
    assert.equal(bench.stack.stats().dialogs, 0)
  })
})

describe('a stranger', () => {
  const refuse = (bench: Bench): void => bench.incoming.at(-1)!.rejectStateless(403, { reason: 'Go away' })

  it('gets one datagram for one, and no timer or transaction', async () => {
    const bench = await openBench({ stackHandlers: { onInvite: (call) => call.rejectStateless(403) } })
    bench.deliver(testRequest({ from: bench.peer.hop }))
    assert.deepEqual(bench.stack.stats(), { transactions: 0, dialogs: 0 })
    bench.clock.advance(64_000)
    assert.deepEqual(bench.peer.summaries, ['403 INVITE'])
    assert.equal(bench.clock.pending, 0)
  })

  it('is answered again, with the same tag, when it asks again; its ACK is taken in silence', async () => {
    const bench = await openBench({ stackHandlers: { onInvite: (call) => call.rejectStateless(401) } })
    const invite = testRequest({ from: bench.peer.hop })
    bench.deliver(invite)
    bench.deliver(invite)
    bench.clock.advance(1)
    assert.deepEqual(bench.peer.summaries, ['401 INVITE', '401 INVITE'])
    const [first, second] = bench.peer.inbox.map(toTagOf)
    assert.equal(first, second)
    const ack = { method: 'ACK', branch: 'z9hG4bK-INVITE-1', toTag: first }
    bench.deliver(testRequest({ from: bench.peer.hop, ...ack }))
    bench.deliver(testRequest({ from: bench.peer.hop, callId: 'call-2', branch: 'z9hG4bK-2' }))
    bench.clock.advance(1)
    assert.equal(bench.peer.summaries.length, 3)
    assert.notEqual(toTagOf(bench.peer.inbox[2]!), first)
  })

  it('can be refused after a while too, once; nothing works on the call afterwards', async () => {
    const bench = await ringing()
    const call = bench.incoming[0]!
    refuse(bench)
    refuse(bench)
    call.answer()
    call.bye()
    bench.clock.advance(64_000)
    assert.deepEqual(bench.peer.summaries, ['180 INVITE', '403 INVITE'])
    assert.deepEqual(bench.stack.stats(), { transactions: 0, dialogs: 0 })
  })

  it('is not sent repetitions of what the stack itself refuses: 400, 416, 420, 481, 482, 483', async () => {
    const bench = await openBench()
    const send = (parts: Parts): void => bench.deliver(testRequest({ from: bench.peer.hop, ...parts }))
    send({ branch: 'z9hG4bK-1', callId: '1', headers: ['Require', 'x-new'] })
    send({ branch: 'z9hG4bK-2', callId: '2', toTag: 'unknown' })
    send({ branch: 'z9hG4bK-3', callId: '3', uri: 'mailto:x@192.0.2.2' })
    send({ branch: 'z9hG4bK-4', callId: '4', headers: ['Max-Forwards', '0'] })
    assert.equal(bench.stack.stats().transactions, 0)
    send({ branch: 'z9hG4bK-5', callId: '5' })
    send({ branch: 'z9hG4bK-6', callId: '5' })
    assert.equal(bench.stack.stats().transactions, 1)
    bench.clock.advance(64_000)
    const statuses = bench.peer.inbox.map((message) => message.kind === 'response' && message.status)
    assert.deepEqual(statuses, [420, 481, 416, 483, 482, 100])
  })
})

describe('requests that start nothing', () => {
  const status = async (parts: Partial<Parameters<typeof testRequest>[0]>): Promise<string[]> => {
    const bench = await openBench()
    bench.deliver(testRequest({ from: bench.peer.hop, ...parts }))
    bench.clock.advance(1)
    assert.equal(bench.stack.stats().dialogs, 0)
    assert.deepEqual(bench.events, [])
    return bench.peer.summaries
  }

  it('answers 481 outside a dialog to BYE, INFO, UPDATE, PRACK, CANCEL and a re-INVITE', async () => {
    for (const method of ['BYE', 'INFO', 'UPDATE', 'PRACK', 'CANCEL']) {
      assert.deepEqual(await status({ method }), [`481 ${method}`])
      assert.deepEqual(await status({ method, toTag: 'unknown' }), [`481 ${method}`])
    }
    assert.deepEqual(await status({ toTag: 'unknown' }), ['481 INVITE'])
  })

  it('answers nothing to an ACK outside a dialog', async () => {
    assert.deepEqual(await status({ method: 'ACK', toTag: 'unknown' }), [])
  })

  it("answers 481 when the tags fit but the Call-ID is another call's", async () => {
    const bench = await talking()
    bench.deliver(inCall(bench, 'BYE', 2, { callId: 'another' }))
    bench.clock.advance(1)
    assert.equal(bench.peer.summaries.at(-1), '481 BYE')
    assert.equal(bench.stack.stats().dialogs, 1)
  })

  it('answers 501 to methods it does not know, 405 to those it does not take, both with Allow, and 200 to OPTIONS', async () => {
    assert.deepEqual(await status({ method: 'DANCE' }), ['501 DANCE'])
    assert.deepEqual(await status({ method: 'REGISTER' }), ['405 REGISTER'])
    assert.deepEqual(await status({ method: 'OPTIONS' }), ['200 OPTIONS'])
    const bench = await openBench()
    bench.deliver(testRequest({ from: bench.peer.hop, method: 'DANCE' }))
    bench.clock.advance(1)
    assert.match(header(bench.peer.inbox[0]!, 'Allow') ?? '', /INVITE, ACK/)
  })

  it('answers 420 and names the required extension it lacks', async () => {
    const bench = await openBench()
    bench.deliver(testRequest({ from: bench.peer.hop, headers: ['Require', '100rel, x-new, timer, x-old'] }))
    bench.clock.advance(1)
    assert.equal(header(bench.peer.lastResponse(420), 'Unsupported'), 'x-new, x-old')
  })

  it('answers 400 to an INVITE whose From, Contact or Max-Forwards cannot be read', async () => {
    for (const [name, value] of [
      ['From', '"unclosed <sip:a@192.0.2.1>;tag=1'],
      ['Contact', '<sip:a@192.0.2.1'],
      ['Max-Forwards', 'many'],
    ] as const) {
      const bench = await openBench()
      const invite = testRequest({ from: bench.peer.hop })
      const at = invite.headers.indexOf(name)
      assert.ok(at >= 0, name)
      bench.deliver({ ...invite, headers: invite.headers.with(at + 1, value) })
      bench.clock.advance(1)
      assert.equal(bench.peer.summaries.at(-1), '400 INVITE', name)
    }
  })

  it('answers 416 to a URI scheme it does not know, and 483 to a request at the end of its hops', async () => {
    assert.deepEqual(await status({ uri: 'mailto:x@192.0.2.2' }), ['416 INVITE'])
    const bench = await openBench()
    const invite = testRequest({ from: bench.peer.hop })
    bench.deliver({ ...invite, headers: invite.headers.map((item) => (item === '70' ? '0' : item)) })
    bench.clock.advance(1)
    assert.equal(bench.peer.summaries.at(-1), '483 INVITE')
  })
})
