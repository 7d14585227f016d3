import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { response } from '../message/build.ts'
import { header } from '../message/headers.ts'
import { branchOf } from '../message/via.ts'
import type { ServerCall } from '../core/types.ts'
import { openBench, sendTimes } from '../testkit/bench.ts'
import type { Bench } from '../testkit/bench.ts'
import { testRequest } from '../testkit/requests.ts'

const TARGET = {
  uri: 'sip:+8617000000001@192.0.2.1:5060',
  from: '<sip:x@192.0.2.2>',
  to: '<sip:b@192.0.2.1>',
}

const isRequest = (method: string) => (message: { kind: string; method?: string }) =>
  message.method === method
const isResponse = (status: number) => (message: { kind: string; status?: number }) =>
  message.status === status

const DOUBLING = [0, 500, 1500, 3500, 7500, 15_500, 31_500]
const DOUBLING_TO_T2 = [0, 500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500]

describe('INVITE client transaction', () => {
  it('repeats the request on Timer A and gives up with 408 on Timer B', async () => {
    const bench = await openBench()
    bench.stack.invite(TARGET, bench.handlers)
    bench.clock.advance(31_999)
    assert.deepEqual(bench.events, [])
    bench.clock.advance(1)
    assert.deepEqual(bench.events, ['onFailure 408 local'])
    assert.deepEqual(sendTimes(bench, isRequest('INVITE')), DOUBLING)
    assert.deepEqual(bench.stack.stats(), { transactions: 0, dialogs: 0 })
    assert.equal(bench.clock.pending, 0)
  })

  it('sends a request once over a reliable transport', async () => {
    const bench = await openBench({ transport: 'tcp' })
    bench.stack.invite({ ...TARGET, uri: `${TARGET.uri};transport=tcp` }, bench.handlers)
    bench.clock.advance(32_000)
    assert.deepEqual(sendTimes(bench, isRequest('INVITE')), [0])
    assert.deepEqual(bench.events, ['onFailure 408 local'])
  })

  it('stops repeating at a provisional response', async () => {
    const bench = await openBench()
    bench.stack.invite(TARGET, bench.handlers)
    bench.clock.advance(600)
    bench.deliver(response(bench.peer.lastRequest('INVITE'), 100))
    bench.clock.advance(60_000)
    assert.deepEqual(sendTimes(bench, isRequest('INVITE')), [0, 500])
    assert.deepEqual(bench.events, [])
  })

  it('acknowledges a failure on the same branch, again for each copy, until Timer D', async () => {
    const bench = await openBench()
    bench.stack.invite(TARGET, bench.handlers)
    bench.clock.advance(1)
    const invite = bench.peer.lastRequest('INVITE')
    const busy = response(invite, 486, { toTag: 'b1' })
    bench.deliver(busy)
    bench.deliver(busy)
    bench.clock.advance(1)
    const acks = bench.peer.inbox.filter((message) => message.kind === 'request' && message.method === 'ACK')
    assert.equal(acks.length, 2)
    assert.equal(branchOf(header(acks[0]!, 'Via')!), branchOf(header(invite, 'Via')!))
    assert.equal(header(acks[0]!, 'To'), `${TARGET.to};tag=b1`)
    assert.equal(header(acks[0]!, 'CSeq'), '1 ACK')
    assert.deepEqual(bench.events, ['onFailure 486'])
    assert.equal(bench.stack.stats().transactions, 1)
    bench.clock.advance(32_000)
    assert.equal(bench.stack.stats().transactions, 0)
  })

  it('fails with 503 when the connection cannot be made', async () => {
    const bench = await openBench({ transport: 'tcp' })
    bench.stack.invite({ ...TARGET, uri: 'sip:b@192.0.2.99;transport=tcp' }, bench.handlers)
    bench.clock.advance(10)
    assert.deepEqual(bench.events, ['onFailure 503 local'])
    assert.deepEqual(bench.stack.stats(), { transactions: 0, dialogs: 0 })
  })
})

describe('non-INVITE client transaction', () => {
  const ask = (bench: Bench): number[] => {
    const finals: number[] = []
    bench.stack.request({ ...TARGET, method: 'OPTIONS' }, ({ status }) => finals.push(status))
    return finals
  }

  it('repeats on Timer E up to T2 and gives up with 408 on Timer F', async () => {
    const bench = await openBench()
    const finals = ask(bench)
    bench.clock.advance(32_000)
    assert.deepEqual(sendTimes(bench, isRequest('OPTIONS')), DOUBLING_TO_T2)
    assert.deepEqual(finals, [408])
    assert.equal(bench.clock.pending, 0)
  })

  it('repeats every T2 once a provisional response came', async () => {
    const bench = await openBench()
    ask(bench)
    bench.clock.advance(1)
    bench.deliver(response(bench.peer.lastRequest('OPTIONS'), 100))
    bench.clock.advance(12_000)
    assert.deepEqual(sendTimes(bench, isRequest('OPTIONS')), [0, 500, 4500, 8500])
  })

  it('reports the final response once and ignores its copies until Timer K', async () => {
    const bench = await openBench()
    const finals = ask(bench)
    bench.clock.advance(1)
    const ok = response(bench.peer.lastRequest('OPTIONS'), 200, { toTag: 'b1' })
    bench.deliver(ok)
    bench.deliver(ok)
    assert.deepEqual(finals, [200])
    bench.clock.advance(5000)
    assert.equal(bench.stack.stats().transactions, 0)
  })

  it('ignores a response whose CSeq names another method', async () => {
    const bench = await openBench()
    const finals = ask(bench)
    bench.clock.advance(1)
    const ok = response(bench.peer.lastRequest('OPTIONS'), 200, { toTag: 'b1' })
    bench.deliver({ ...ok, headers: ok.headers.map((item) => (item === '1 OPTIONS' ? '1 INFO' : item)) })
    assert.deepEqual(finals, [])
  })
})

describe('INVITE server transaction', () => {
  it('sends no 100 when the answer is there at once', async () => {
    const answers = [
      (call: ServerCall) => call.progress(180),
      (call: ServerCall) => call.answer(),
      (call: ServerCall) => call.reject(486),
    ]
    const sent: string[] = []
    for (const onInvite of answers) {
      const bench = await openBench({ stackHandlers: { onInvite } })
      bench.deliver(testRequest({ from: bench.peer.hop }))
      bench.clock.advance(1)
      sent.push(...bench.peer.summaries)
    }
    assert.deepEqual(sent, ['180 INVITE', '200 INVITE', '486 INVITE'])
  })

  it('answers 100 within 200 ms when the handler has not answered (RFC 3261 §17.2.1), and repeats the last response to a copy of the INVITE', async () => {
    const bench = await openBench()
    const invite = testRequest({ from: bench.peer.hop })
    bench.deliver(invite)
    bench.clock.advance(150)
    assert.deepEqual(bench.peer.summaries, [])
    bench.clock.advance(50)
    assert.deepEqual(bench.peer.summaries, ['100 INVITE'])
    bench.deliver(invite)
    bench.incoming[0]!.progress(180)
    bench.deliver(invite)
    bench.clock.advance(1000)
    assert.deepEqual(bench.peer.summaries, ['100 INVITE', '100 INVITE', '180 INVITE', '180 INVITE'])
    assert.equal(bench.incoming.length, 1)
  })

  it('answers 100 at once to an INVITE that comes again before anything was answered, and no second 100 later', async () => {
    const bench = await openBench()
    const invite = testRequest({ from: bench.peer.hop })
    bench.deliver(invite)
    bench.deliver(invite)
    bench.clock.advance(1000)
    assert.deepEqual(bench.peer.summaries, ['100 INVITE'])
  })

  it('sends no 100 when the answer is there within 150 ms', async () => {
    const bench = await openBench()
    bench.deliver(testRequest({ from: bench.peer.hop }))
    bench.clock.advance(150)
    bench.incoming[0]!.progress(180)
    bench.clock.advance(1000)
    assert.deepEqual(bench.peer.summaries, ['180 INVITE'])
  })

  it('repeats a failure on Timer G until Timer H, and ends without an ACK', async () => {
    const bench = await openBench()
    bench.deliver(testRequest({ from: bench.peer.hop }))
    bench.incoming[0]!.reject(486)
    bench.clock.advance(32_000)
    assert.deepEqual(sendTimes(bench, isResponse(486)), DOUBLING_TO_T2)
    assert.deepEqual(bench.stack.stats(), { transactions: 0, dialogs: 0 })
    assert.equal(bench.clock.pending, 0)
  })

  it('stops repeating a failure at its ACK and absorbs further ACKs until Timer I', async () => {
    const bench = await openBench()
    const invite = testRequest({ from: bench.peer.hop })
    bench.deliver(invite)
    bench.incoming[0]!.reject(486)
    bench.clock.advance(700)
    const ack = testRequest({ from: bench.peer.hop, method: 'ACK', branch: 'z9hG4bK-INVITE-1' })
    bench.deliver(ack)
    bench.deliver(ack)
    bench.clock.advance(4000)
    assert.deepEqual(sendTimes(bench, isResponse(486)), [0, 500])
    assert.equal(bench.stack.stats().transactions, 1)
    bench.clock.advance(1000)
    assert.equal(bench.stack.stats().transactions, 0)
  })

  it('absorbs copies of an answered INVITE until Timer L (RFC 6026)', async () => {
    const bench = await openBench()
    const invite = testRequest({ from: bench.peer.hop })
    bench.deliver(invite)
    bench.incoming[0]!.answer()
    bench.clock.advance(1)
    const { summaries } = bench.peer
    bench.deliver(invite)
    assert.deepEqual(bench.peer.summaries, summaries)
    assert.equal(bench.incoming.length, 1)
  })
})

describe('non-INVITE server transaction', () => {
  it('repeats its final response to copies of the request until Timer J', async () => {
    const bench = await openBench()
    const options = testRequest({ from: bench.peer.hop, method: 'OPTIONS' })
    bench.deliver(options)
    bench.clock.advance(31_990)
    bench.deliver(options)
    bench.clock.advance(1)
    assert.deepEqual(bench.peer.summaries, ['200 OPTIONS', '200 OPTIONS'])
    assert.deepEqual(bench.peer.inbox[0], bench.peer.inbox[1])
    bench.clock.advance(10)
    assert.equal(bench.stack.stats().transactions, 0)
  })

  it('forgets a request that the application never answers', async () => {
    const bench = await openBench({ stackHandlers: { onRequest() {} } })
    bench.deliver(testRequest({ from: bench.peer.hop, method: 'MESSAGE' }))
    assert.equal(bench.stack.stats().transactions, 1)
    bench.clock.advance(32_000)
    assert.equal(bench.stack.stats().transactions, 0)
    assert.deepEqual(bench.peer.inbox, [])
  })

  it('matches a peer without the magic cookie by Call-ID, From tag and CSeq', async () => {
    const bench = await openBench()
    const old = testRequest({ from: bench.peer.hop, branch: '1' })
    bench.deliver(old)
    bench.deliver(old)
    bench.deliver(testRequest({ from: bench.peer.hop, branch: '1', callId: 'another' }))
    assert.equal(bench.incoming.length, 2)
    bench.incoming[0]!.reject(404)
    bench.deliver(testRequest({ from: bench.peer.hop, method: 'ACK', branch: '1' }))
    bench.clock.advance(5000)
    assert.deepEqual(sendTimes(bench, isResponse(404)), [0])
  })
})

describe('transaction layer', () => {
  it('answers 503 without keeping anything when too many transactions are open', async () => {
    const bench = await openBench({ stack: { maxTransactions: 1 } })
    bench.deliver(testRequest({ from: bench.peer.hop, callId: 'a', branch: 'z9hG4bK-a' }))
    bench.deliver(testRequest({ from: bench.peer.hop, callId: 'b', branch: 'z9hG4bK-b' }))
    bench.clock.advance(1)
    assert.deepEqual(bench.peer.summaries, ['503 INVITE'])
    assert.match(header(bench.peer.inbox[0]!, 'Retry-After')!, /^[3-7]$/)
    assert.equal(bench.stack.stats().transactions, 1)
    assert.equal(bench.incoming.length, 1)
  })

  it('answers 482 to the copy of a request that came over another path', async () => {
    const bench = await openBench()
    bench.deliver(testRequest({ from: bench.peer.hop, branch: 'z9hG4bK-path1' }))
    bench.deliver(testRequest({ from: bench.peer.hop, branch: 'z9hG4bK-path2' }))
    bench.clock.advance(1)
    assert.deepEqual(bench.peer.summaries, ['482 INVITE'])
    assert.equal(bench.incoming.length, 1)
  })

  it('answers 400 to a broken request, and nothing to broken ACKs, responses and noise', async () => {
    const bench = await openBench()
    const broken = (method: string): string =>
      `${method} sip:x@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-${method}\r\n` +
      `From: <sip:a@192.0.2.1>;tag=1\r\nTo: <sip:x@192.0.2.2>\r\nCall-ID: 1\r\nCSeq: 1 OTHER\r\n\r\n`
    for (const text of [
      broken('INVITE'),
      broken('ACK'),
      'SIP/2.0 200\r\n\r\n',
      '\r\n\r\n',
      'hello there, is this SIP?',
    ]) {
      bench.peer.send(text, bench.server)
    }
    bench.clock.advance(5)
    assert.deepEqual(
      bench.peer.inbox.map((message) => (message.kind === 'response' ? message.status : message.method)),
      [400],
    )
    assert.equal(bench.stack.stats().transactions, 0)
  })
})
