import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { response } from '../message/build.ts'
import { header } from '../message/headers.ts'
import type { SipRequest, SipResponse } from '../message/message.ts'
import { branchOf } from '../message/via.ts'
import type { InviteOptions } from '../core/types.ts'
import { SDP_ANSWER, SDP_OFFER, openBench } from '../testkit/bench.ts'
import type { BenchOptions } from '../testkit/bench.ts'
import { openDnsServer } from '../testkit/dns-server.ts'
import type { DnsZone } from '../testkit/dns-server.ts'
import { leavesNothing } from '../testkit/scripted-call.ts'
import type { ScriptedPeer } from '../testkit/memory-network.ts'
import type { TransportName } from '../transport/address.ts'

/** A carrier of three proxies in the order of their numbers; `.4` is reached over TCP alone. */
const ZONE: DnsZone = {
  srv: {
    '_sip._udp.carrier.example': [1, 2, 3].map((n) => ({
      priority: n,
      weight: 0,
      port: 5060,
      name: `p${n}.example`,
    })),
    '_sip._tcp.carrier.example': [{ priority: 1, weight: 0, port: 5060, name: 'p4.example' }],
  },
  addresses: {
    'p1.example': ['192.0.2.11'],
    'p2.example': ['192.0.2.12'],
    'p3.example': ['192.0.2.13'],
    'p4.example': ['192.0.2.14'],
    // Where the callee is reached in a dialog.
    'desk.example': ['192.0.2.12', '192.0.2.13'],
  },
}

const SERVER = { address: '192.0.2.2', port: 5060 }

async function open(t: TestContext, transports: readonly ('udp' | 'tcp')[] = ['udp']) {
  const dns = await openDnsServer(ZONE)
  t.after(() => dns.close())
  let sent = Promise.withResolvers<void>()
  const options: BenchOptions = {
    stack: {
      listen: transports.map((transport) => ({ ...SERVER, transport })),
      dns: { servers: [dns.address], hostsFile: '/nowhere/hosts', chance: () => 0 },
    },
    stackHandlers: { onMessage: (direction) => void (direction === 'out' && sent.resolve()) },
  }
  const bench = await openBench(options)
  t.after(() => bench.close())
  const peer = (n: number, transport: TransportName = 'udp'): ScriptedPeer =>
    bench.network.peer(`192.0.2.1${n}`, 5060, transport)
  /** Lets DNS answer, which takes real time. */
  const located = async (): Promise<void> => {
    await sent.promise
    bench.clock.advance(1)
  }
  const says = (from: ScriptedPeer, status: number, headers: readonly string[] = [], body?: Uint8Array) => {
    from.send(response(from.lastRequest('INVITE'), status, { toTag: 'b1', headers, ...(body && { body }) }), {
      ...SERVER,
      transport: from.hop.transport,
    })
    bench.clock.advance(2)
  }
  const invite = (options: Partial<InviteOptions> = {}) => {
    sent = Promise.withResolvers()
    return bench.stack.invite(
      {
        uri: 'sip:+8613800000021@carrier.example',
        from: '<sip:+8617000000001@192.0.2.2>',
        to: '<sip:+8613800000021@carrier.example>',
        body: SDP_OFFER,
        ...options,
      },
      bench.handlers,
    )
  }
  /** Lets what is due go out, once DNS has answered. */
  const goesOut = async (run: () => void): Promise<void> => {
    sent = Promise.withResolvers()
    run()
    await located()
  }
  const ask = (): Promise<SipResponse> =>
    new Promise((resolve) => {
      sent = Promise.withResolvers()
      const party = '<sip:carrier.example>'
      bench.stack.request({ method: 'OPTIONS', uri: 'sip:carrier.example', from: party, to: party }, resolve)
    })
  return { bench, peer, located, goesOut, says, invite, ask }
}

const branch = (request: SipRequest): string => branchOf(header(request, 'Via')!)!
const CONTACT = ['Contact', '<sip:phone@192.0.2.12:5060>']
const CONTACT_OF_FIRST = ['Contact', '<sip:phone@192.0.2.11:5060>']

describe('the ACK of a 2xx whose Record-Route is a name (RFC 3261 §12.2.1.1)', () => {
  it('goes where the name leads, once that is known, and so does every copy', async (t) => {
    const { peer, located, goesOut, says, invite } = await open(t)
    const [first, proxy] = [peer(1), peer(3)]
    const call = invite()
    await located()
    const answer = ['Record-Route', '<sip:p3.example:5060;lr>', ...CONTACT]
    says(first, 200, answer, SDP_ANSWER)
    await goesOut(() => call.ack())
    says(first, 200, answer, SDP_ANSWER)
    assert.deepEqual(first.summaries, ['INVITE'])
    assert.deepEqual(proxy.summaries, ['ACK', 'ACK'])
  })
})

describe('a dialog whose Contact is a name with several addresses (RFC 3263 §4.3)', () => {
  const DESK = ['Contact', '<sip:phone@desk.example:5060>']

  it('has its ACK sent to the next one when copies of the 2xx show that it does not arrive', async (t) => {
    const { bench, peer, located, goesOut, says, invite } = await open(t)
    const [first, silent, next] = [peer(1), peer(2), peer(3)]
    const call = invite()
    await located()
    says(first, 200, DESK, SDP_ANSWER)
    await goesOut(() => call.ack())
    for (let i = 0; i < 2; i++) says(first, 200, DESK, SDP_ANSWER)
    assert.deepEqual([silent.summaries, next.summaries], [['ACK', 'ACK', 'ACK'], []])
    says(first, 200, DESK, SDP_ANSWER)
    says(first, 200, DESK, SDP_ANSWER)
    assert.deepEqual([silent.summaries.length, next.summaries], [3, ['ACK', 'ACK']])
    assert.notEqual(branch(silent.lastRequest('ACK')), branch(next.lastRequest('ACK')))
    call.bye()
    bench.clock.advance(2)
    assert.equal(next.summaries.at(-1), 'BYE')
  })

  it('has its requests sent to the next one on a time-out or a 503, and all that come after', async (t) => {
    const { bench, peer, located, goesOut, says, invite } = await open(t)
    const [first, silent, next] = [peer(1), peer(2), peer(3)]
    const call = invite()
    await located()
    says(first, 200, DESK, SDP_ANSWER)
    await goesOut(() => call.ack())
    let status = 0
    call.sendRequest('INFO', {}, (answer) => void (status = answer.status))
    bench.clock.advance(32_010)
    const [one, other] = [silent, next].map((at) => at.lastRequest('INFO')) as [SipRequest, SipRequest]
    assert.notEqual(branch(one), branch(other))
    assert.deepEqual(other.headers.slice(2), one.headers.slice(2))
    next.send(response(other, 200), { ...SERVER, transport: 'udp' })
    bench.clock.advance(2)
    assert.equal(status, 200)
    call.bye()
    bench.clock.advance(2)
    assert.equal(next.summaries.at(-1), 'BYE')
    next.send(response(next.lastRequest('BYE'), 503), { ...SERVER, transport: 'udp' })
    assert.ok(leavesNothing(bench), 'the last one has no other behind it')
  })
})

describe('an INVITE to a name with several hops (RFC 3263 §4.3)', () => {
  it('goes to the next one on a 503, with a branch of its own and otherwise the same', async (t) => {
    const { bench, peer, located, says, invite } = await open(t)
    const [first, second] = [peer(1), peer(2)]
    invite()
    await located()
    says(first, 100)
    says(first, 503)
    const [one, other] = [first, second].map((at) => at.lastRequest('INVITE')) as [SipRequest, SipRequest]
    assert.notEqual(branch(one), branch(other))
    assert.deepEqual(other.headers.slice(2), one.headers.slice(2))
    assert.deepEqual(other.body, one.body)
    says(second, 200, CONTACT, SDP_ANSWER)
    assert.deepEqual(bench.events, ['onAnswer b1'])
  })

  it('goes to the next one when one has said nothing for four seconds; the last one has Timer B', async (t) => {
    const { bench, peer, located, invite } = await open(t)
    const [, second, third] = [peer(1), peer(2), peer(3)]
    invite()
    await located()
    bench.clock.advance(3_990)
    assert.deepEqual(second.inbox, [])
    bench.clock.advance(10)
    assert.deepEqual(second.summaries, ['INVITE'])
    bench.clock.advance(4_000)
    assert.deepEqual(third.summaries.slice(0, 1), ['INVITE'])
    bench.clock.advance(31_900)
    assert.deepEqual(bench.events, [])
    bench.clock.advance(200)
    assert.deepEqual(bench.events, ['onFailure 408 local'])
    assert.ok(leavesNothing(bench))
  })

  it('leaves the last one too where that is wanted, after the time that is wanted', async (t) => {
    const { bench, peer, located, invite } = await open(t)
    const peers = [peer(1), peer(2), peer(3)]
    invite({ silence: { limitMs: 1_000, atLastHop: true } })
    await located()
    bench.clock.advance(2_900)
    assert.deepEqual(bench.events, [])
    bench.clock.advance(200)
    assert.deepEqual(bench.events, ['onFailure 408 local'])
    assert.ok(peers.every(({ inbox }) => inbox.length > 0))
    assert.ok(leavesNothing(bench))
  })

  for (const status of [100, 401] as const)
    it(`stays with one that has said ${status}, for as long as Timer B and C let it`, async (t) => {
      const { bench, peer, located, says, invite } = await open(t)
      const [first, second] = [peer(1), peer(2)]
      invite({ credentials: { username: 'u', password: 'p' } })
      await located()
      says(first, status, ['WWW-Authenticate', 'Digest realm="carrier.example", nonce="n"'])
      bench.clock.advance(30_000)
      assert.deepEqual(second.inbox, [])
      assert.deepEqual(bench.events, [])
    })

  it('gives up the look-up as it does a hop, where the last hop is not waited for either', async (t) => {
    const dns = createSocket('udp4')
    t.after(() => dns.close())
    dns.bind(0, '127.0.0.1')
    await once(dns, 'listening')
    const asked = once(dns, 'message')
    const bench = await openBench({
      stack: { dns: { servers: [`127.0.0.1:${dns.address().port}`], hostsFile: '/nowhere/hosts' } },
    })
    t.after(() => bench.close())
    const party = 'sip:carrier.example'
    const options = { uri: party, from: party, to: party, silence: { atLastHop: true } }
    bench.stack.invite(options, bench.handlers)
    await asked
    bench.clock.advance(4_000)
    assert.deepEqual(bench.events, ['onFailure 408 local'])
  })

  it('ends what a hop that was left says after all: a response by CANCEL, an answer by ACK and BYE', async (t) => {
    const { bench, peer, located, says, invite } = await open(t)
    const [first, second] = [peer(1), peer(2)]
    const call = invite()
    await located()
    bench.clock.advance(4_000)
    says(second, 180)
    says(first, 180)
    says(first, 180)
    assert.equal(first.summaries.filter((one) => one === 'CANCEL').length, 1)
    assert.ok(!second.summaries.includes('CANCEL'))
    says(first, 200, CONTACT_OF_FIRST, SDP_ANSWER)
    says(first, 200, CONTACT_OF_FIRST, SDP_ANSWER)
    assert.deepEqual(first.summaries.slice(-3), ['ACK', 'BYE', 'ACK'])
    says(second, 200, CONTACT, SDP_ANSWER)
    call.ack()
    assert.deepEqual(bench.events, ['onProvisional 180 b1', 'onAnswer b1'])
    call.bye()
    bench.clock.advance(2)
    assert.equal(second.summaries.at(-1), 'BYE')
    assert.ok(leavesNothing(bench))
  })

  it('forgets a hop that was left when that refuses, or is never heard of again', async (t) => {
    const { bench, peer, located, says, invite } = await open(t)
    const [first, second] = [peer(1), peer(2)]
    invite()
    await located()
    bench.clock.advance(4_000)
    says(first, 503)
    assert.equal(first.summaries.at(-1), 'ACK')
    says(second, 486)
    assert.deepEqual(bench.events, ['onFailure 486'])
    bench.clock.advance(60_000)
    invite()
    await located()
    bench.clock.advance(4_000)
    says(first, 100)
    says(second, 486)
    assert.ok(leavesNothing(bench), 'the CANCEL of the one that said 100 was never answered')
  })

  it('goes to one of another transport when the connection does not come about', async (t) => {
    const { bench, peer, located, says, invite } = await open(t, ['tcp', 'udp'])
    const [one, two, three] = [peer(1), peer(2), peer(3)]
    invite()
    await located()
    for (const at of [one, two, three]) says(at, 503)
    // 192.0.2.14 takes no connection.
    bench.clock.advance(2)
    assert.deepEqual(bench.events, ['onFailure 503 local'])
    assert.equal(bench.network.carried.at(-1)?.to.transport, 'tcp')
  })

  it('stays where a provisional response but 100 came from', async (t) => {
    const { bench, peer, located, says, invite } = await open(t)
    const [first, second] = [peer(1), peer(2)]
    invite()
    await located()
    says(first, 180)
    says(first, 503)
    assert.deepEqual(bench.events, ['onProvisional 180 b1', 'onFailure 503'])
    assert.deepEqual(second.inbox, [])
  })

  it('stays on any other refusal, and once it is given up', async (t) => {
    const { bench, peer, located, says, invite } = await open(t)
    const [first, second] = [peer(1), peer(2)]
    invite()
    await located()
    says(first, 500)
    const call = invite()
    await located()
    call.cancel()
    says(first, 100)
    says(first, 503)
    assert.deepEqual(bench.events, ['onFailure 500', 'onFailure 487'])
    assert.deepEqual(second.inbox, [])
  })

  it('begins with another one where one was silent or asked for rest', async (t) => {
    const { bench, peer, located, says, invite } = await open(t)
    const [first, second, third] = [peer(1), peer(2), peer(3)]
    invite()
    await located()
    says(first, 503, ['Retry-After', '120'])
    bench.clock.advance(32_000)
    says(third, 486)
    const before = [first, second].map(({ inbox }) => inbox.length)
    invite()
    await located()
    says(third, 486)
    assert.deepEqual(
      [first, second].map(({ inbox }) => inbox.length),
      before,
    )
    bench.clock.advance(60_000)
    invite()
    await located()
    assert.ok(second.inbox.length > before[1]!, 'the silent one is tried again after a minute')
    assert.equal(first.inbox.length, before[0])
  })

  it('begins with another one where one had said nothing for two seconds when the call was given up', async (t) => {
    const { bench, peer, located, invite } = await open(t)
    const [first, second] = [peer(1), peer(2)]
    const early = invite()
    await located()
    bench.clock.advance(1_000)
    early.cancel()
    const late = invite()
    await located()
    assert.equal(second.inbox.length, 0, 'a second is not enough')
    bench.clock.advance(2_000)
    late.cancel()
    const before = first.inbox.length
    invite()
    await located()
    assert.equal(first.inbox.length, before)
    assert.equal(second.inbox.length, 1)
  })

  it('fails with 503 when the name has no address', async (t) => {
    const { bench } = await open(t)
    const failed = new Promise<void>((resolve) => {
      bench.handlers.onFailure = (_call, status, given) => {
        assert.deepEqual([status, given], [503, undefined])
        resolve()
      }
    })
    const party = '<sip:none.example>'
    bench.stack.invite({ uri: 'sip:none.example', from: party, to: party }, bench.handlers)
    await failed
    assert.ok(leavesNothing(bench))
  })
})

describe('another request to a name with several hops', () => {
  it('goes to the next one on a 503 and when nobody answers', async (t) => {
    const { bench, peer, located, ask } = await open(t)
    const [first, , third] = [peer(1), peer(2), peer(3)]
    first.onMessage = (request) =>
      first.send(response(request as SipRequest, 503), { ...SERVER, transport: 'udp' })
    third.onMessage = (request) =>
      third.send(response(request as SipRequest, 200, { toTag: 'p' }), { ...SERVER, transport: 'udp' })
    const answer = ask()
    await located()
    bench.clock.advance(4_010)
    assert.equal((await answer).status, 200)
    assert.deepEqual(third.summaries, ['OPTIONS'])
    assert.ok(leavesNothing(bench))
  })

  it('gives the last answer when all refuse', async (t) => {
    const { bench, peer, located, ask } = await open(t)
    for (const at of [peer(1), peer(2), peer(3)])
      at.onMessage = (request) =>
        at.send(response(request as SipRequest, 503, { toTag: at.hop.address }), {
          ...SERVER,
          transport: 'udp',
        })
    const answer = ask()
    await located()
    bench.clock.advance(10)
    assert.match(header(await answer, 'To') ?? '', /192\.0\.2\.13/)
  })
})
