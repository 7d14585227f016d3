import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { header } from '../message/headers.ts'
import type { SipMessage } from '../message/message.ts'
import { serializeMessage } from '../message/serialize.ts'
import { freshRequest, openFort, register } from '../testkit/fort.ts'
import type { Fort } from '../testkit/fort.ts'
import { summaryOf } from '../testkit/memory-network.ts'
import type { Hop } from '../transport/address.ts'

const DAY_MS = 24 * 3600_000

type Attack = (from: Hop) => SipMessage | string

const textOf = (message: SipMessage): string => serializeMessage(message).toString('latin1')
const broken = (from: Hop, method: string): string =>
  textOf(freshRequest(from, method)).replace('Content-Length: 0', 'Content-Length: 99')

/** Everything that strangers send, and how many answers one datagram may get. */
const ATTACKS: Readonly<Record<string, readonly [Attack, 0 | 1]>> = {
  INVITE: [(from) => freshRequest(from, 'INVITE'), 1],
  'INVITE in a dialog that there is not': [(from) => freshRequest(from, 'INVITE', { toTag: 'none' }), 1],
  ACK: [(from) => freshRequest(from, 'ACK', { toTag: 'none' }), 0],
  BYE: [(from) => freshRequest(from, 'BYE', { toTag: 'none' }), 1],
  CANCEL: [(from) => freshRequest(from, 'CANCEL'), 1],
  OPTIONS: [(from) => freshRequest(from, 'OPTIONS'), 1],
  REGISTER: [(from) => freshRequest(from, 'REGISTER', { uri: 'sip:maskline.example' }), 1],
  'REGISTER with a wrong password': [
    (from) =>
      freshRequest(from, 'REGISTER', {
        uri: 'sip:maskline.example',
        headers: [
          'Authorization',
          'Digest username="alice", realm="maskline.example", nonce="n", uri="sip:maskline.example", response="00000000000000000000000000000000", algorithm=MD5, qop=auth, nc=00000001, cnonce="c"',
        ],
      }),
    1,
  ],
  MESSAGE: [(from) => freshRequest(from, 'MESSAGE'), 1],
  SUBSCRIBE: [(from) => freshRequest(from, 'SUBSCRIBE', { headers: ['Event', 'presence'] }), 1],
  'a method nobody knows': [(from) => freshRequest(from, 'DANCE'), 1],
  'an option nobody knows': [(from) => freshRequest(from, 'INVITE', { headers: ['Require', 'dance'] }), 1],
  'a response': [
    (from) => textOf(freshRequest(from, 'OPTIONS')).replace(/^OPTIONS .*$/m, 'SIP/2.0 200 OK'),
    0,
  ],
  'a broken response': [(from) => broken(from, 'OPTIONS').replace(/^OPTIONS .*$/m, 'SIP/2.0 200 OK'), 0],
  'a broken ACK': [(from) => broken(from, 'ACK'), 0],
  'a broken request': [(from) => broken(from, 'OPTIONS'), 1],
  'a request without Via': [(from) => textOf(freshRequest(from, 'OPTIONS')).replace(/^Via:.*\r\n/m, ''), 0],
  noise: [() => `${'\0'.repeat(20)}noise`, 0],
  'half a message': [() => 'INVITE sip:+8617000000001@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP', 0],
}

/** What the stack sent to an address. */
const sentTo = ({ bench }: Fort, address: string) =>
  bench.network.carried.filter(({ from, to }) => from.address === '192.0.2.2' && to.address === address)

/** A call of the trusted peer, from INVITE to BYE; gives what it heard. */
function goodCall({ bench }: Fort): string[] {
  const heard = bench.peer.inbox.length
  const invite = freshRequest(bench.peer.hop, 'INVITE')
  bench.deliver(invite)
  bench.clock.advance(2)
  const answer = bench.peer.inbox.slice(heard).findLast(({ kind }) => kind === 'response')
  const toTag = /tag=(\w+)/.exec((answer && header(answer, 'To')) ?? '')?.[1]
  const callId = header(invite, 'Call-ID')!
  const fromTag = callId
  for (const method of ['ACK', 'BYE'])
    bench.deliver(
      freshRequest(bench.peer.hop, method, { callId, fromTag, toTag, seq: method === 'ACK' ? 1 : 2 }),
    )
  bench.clock.advance(2)
  return bench.peer.inbox.slice(heard).map(summaryOf)
}

describe('one datagram of a stranger', () => {
  for (const [name, [attack, answers]] of Object.entries(ATTACKS)) {
    it(`${name}: gets ${answers === 0 ? 'no answer' : 'one answer, not much larger'}, and leaves nothing`, async () => {
      const fort = await openFort()
      const stranger = fort.stranger('198.51.100.1')
      const message = attack(stranger.hop)
      stranger.send(message, fort.bench.server)
      fort.bench.clock.advance(2)
      const { transactions, dialogs } = fort.bench.stack.stats()
      assert.deepEqual([transactions, dialogs], [0, 0])
      fort.bench.clock.advance(40_000)
      const sent = sentTo(fort, '198.51.100.1')
      assert.equal(sent.length, answers)
      const size = typeof message === 'string' ? message.length : textOf(message).length
      for (const each of sent) assert.ok(textOf(each.message).length < size + 400)
      assert.equal(fort.bench.clock.pending, 0)
    })
  }
})

describe('a flood', () => {
  for (const [name, [attack]] of Object.entries(ATTACKS)) {
    it(`of ${name} from one address is cut to its rate, and a carrier's call goes through meanwhile`, async () => {
      const fort = await openFort()
      const { bench } = fort
      const stranger = fort.stranger('198.51.100.1')
      for (let i = 0; i < 2000; i++) {
        stranger.send(attack(stranger.hop), bench.server)
        if (i % 100 === 0) bench.clock.advance(10)
        if (i === 1000) assert.deepEqual(goodCall(fort), ['200 INVITE', '200 BYE'])
      }
      bench.clock.advance(2)
      assert.ok(sentTo(fort, '198.51.100.1').length <= 120)
      bench.clock.advance(40_000)
      assert.equal(bench.stack.stats().transactions, 0)
      bench.clock.advance(3 * DAY_MS)
      const { guard, transactions, dialogs } = bench.stack.stats()
      assert.deepEqual([transactions, dialogs, guard?.bans, guard?.offenders, guard?.known], [0, 0, 0, 0, 0])
      assert.equal(bench.clock.pending, 0)
    })

    it(`of ${name} from made-up addresses fills nothing, and calls and known phones get through`, async () => {
      const fort = await openFort()
      const { bench } = fort
      const phone = fort.stranger('203.0.113.5', 40_000)
      register(fort, phone, 'alice', 'wonder')
      assert.equal(fort.isRegistered('alice'), true)
      for (let i = 0; i < 5000; i++) {
        const from = { address: `198.51.${i >> 8}.${i & 255}`, port: 5060, transport: 'udp' } as const
        fort.spoof(from, attack(from))
        if (i % 200 === 0) bench.clock.advance(10)
      }
      assert.deepEqual(goodCall(fort), ['200 INVITE', '200 BYE'])
      phone.send(freshRequest(phone.hop, 'OPTIONS'), bench.server)
      bench.clock.advance(2)
      assert.equal(summaryOf(phone.inbox.at(-1)!), '200 OPTIONS')
      assert.equal(bench.stack.stats().dialogs, 0)
      const answers = bench.network.carried.filter(({ to }) => to.address.startsWith('198.51.'))
      // Two seconds' worth at once, and a quarter of a second.
      assert.ok(answers.length <= 2250, `${answers.length} answers`)
      bench.clock.advance(40_000)
      assert.equal(bench.stack.stats().transactions, 0)
    })
  }
})

describe('a scanner', () => {
  it('is banned by its first request, without an answer, and longer each time', async () => {
    const fort = await openFort()
    const { bench } = fort
    const scanner = fort.stranger('198.51.100.1')
    const probe = (): void => {
      scanner.send(
        freshRequest(scanner.hop, 'OPTIONS', { headers: ['User-Agent', 'friendly-scanner'] }),
        bench.server,
      )
      bench.clock.advance(2)
    }
    const knock = (): number => {
      scanner.send(freshRequest(scanner.hop, 'OPTIONS'), bench.server)
      bench.clock.advance(2)
      return scanner.inbox.length
    }
    probe()
    assert.equal(knock(), 0)
    bench.clock.advance(300_000)
    assert.equal(knock(), 1)
    probe()
    bench.clock.advance(300_000)
    assert.equal(knock(), 1)
    bench.clock.advance(300_000)
    assert.equal(knock(), 2)
    assert.deepEqual(
      fort.bans.map(({ source, why, times }) => [source, why, times]),
      [
        ['198.51.100.1', 'scanner', 1],
        ['198.51.100.1', 'scanner', 2],
      ],
    )
  })

  it('is let off by the operator', async () => {
    const fort = await openFort()
    fort.guard.offend({ address: '2001:db8::1', port: 5060, transport: 'udp' }, 'scanner')
    assert.equal(fort.guard.bans()[0]?.source, '2001:db8:0:0::/64')
    assert.equal(fort.guard.admits({ address: '2001:db8::2', port: 5060, transport: 'udp' }), 'cut')
    assert.equal(fort.guard.lift('2001:db8::3'), true)
    assert.equal(fort.guard.lift('2001:db8::3'), false)
    assert.equal(fort.guard.admits({ address: '2001:db8::2', port: 5060, transport: 'udp' }), 'read')
  })

  it('may be a carrier all the same, or nobody is banned at all', async () => {
    const fort = await openFort()
    fort.bench.deliver(
      freshRequest(fort.bench.peer.hop, 'OPTIONS', { headers: ['User-Agent', 'sipvicious'] }),
    )
    fort.bench.clock.advance(2)
    assert.deepEqual(fort.bench.peer.summaries, ['200 OPTIONS'])
    const lenient = await openFort({ banMs: 0 })
    lenient.guard.offend({ address: '198.51.100.1', port: 5060, transport: 'udp' }, 'scanner')
    assert.deepEqual(lenient.guard.bans(), [])
  })
})

describe('a guesser of passwords', () => {
  it('is banned after some, and not heard any more', async () => {
    const fort = await openFort()
    const guesser = fort.stranger('198.51.100.1')
    for (let i = 0; i < 30; i++) register(fort, guesser, 'alice', `guess ${i}`)
    assert.deepEqual(fort.bans.map(({ why }) => why).slice(0, 1), ['digest'])
    assert.ok(guesser.inbox.length < 20)
    register(fort, guesser, 'alice', 'wonder')
    assert.equal(fort.isRegistered('alice'), false)
  })

  it('does not get further from many addresses: the name rests, but not where its owner is known', async () => {
    const fort = await openFort()
    const owner = fort.stranger('203.0.113.5', 40_000)
    register(fort, owner, 'alice', 'wonder')
    for (let i = 0; i < 60; i++) {
      const guesser = fort.stranger(`198.51.100.${i}`)
      register(fort, guesser, 'alice', 'guess')
      assert.equal(summaryOf(guesser.inbox.at(-1)!), '401 REGISTER')
    }
    const lucky = fort.stranger('198.51.101.1')
    register(fort, lucky, 'alice', 'wonder')
    assert.equal(summaryOf(lucky.inbox.at(-1)!), '401 REGISTER')
    register(fort, lucky, 'bob', 'builder')
    assert.equal(summaryOf(lucky.inbox.at(-1)!), '200 REGISTER')
    register(fort, owner, 'alice', 'wonder')
    assert.equal(summaryOf(owner.inbox.at(-1)!), '200 REGISTER')
    fort.bench.clock.advance(600_000)
    register(fort, fort.stranger('198.51.102.1'), 'alice', 'wonder')
    assert.equal(fort.guard.stats().offenders, 0)
  })

  it('with a forgotten password now and then is no guesser', async () => {
    const fort = await openFort()
    const phone = fort.stranger('203.0.113.5')
    for (let i = 0; i < 50; i++) {
      register(fort, phone, 'alice', 'forgotten')
      fort.bench.clock.advance(30_000)
    }
    assert.deepEqual(fort.bans, [])
  })
})

describe('a flood of strangers together', () => {
  const at = (i: number, transport: 'udp' | 'tcp'): Hop => ({
    address: `198.51.${100 + (i >> 8)}.${i & 255}`,
    port: 5060,
    transport,
  })

  it('of datagrams leaves those alone who connect', async () => {
    const { guard } = await openFort({ rateOfStrangers: 10 })
    const flood = Array.from({ length: 1000 }, (_, i) => guard.admits(at(i, 'udp')))
    assert.equal(flood.filter((admission) => admission === 'read').length, 20)
    assert.equal(guard.admits(at(0, 'tcp')), 'read')
  })

  it('of connections costs messages and no connection, but for who says too much alone', async () => {
    const { guard } = await openFort({ rateOfStrangers: 10, ratePerSource: 5 })
    for (let i = 0; i < 20; i++) guard.admits(at(i, 'tcp'))
    const more = Array.from({ length: 10 }, () => guard.admits(at(1000, 'tcp')))
    assert.deepEqual(new Set(more), new Set(['drop']))
    assert.equal(guard.admits(at(1000, 'tcp')), 'cut')
  })
})

describe('an office behind one address', () => {
  const at = (port: number): Hop => ({ address: '203.0.113.5', port, transport: 'tls' })

  it('may connect its phones one after the other, each asked for its password first', async () => {
    const fort = await openFort()
    for (let port = 40_000; port < 40_100; port++) {
      fort.guard.onWrong('alice', at(port))
      fort.guard.onRefused(at(port), 401)
      fort.guard.onRight('alice', at(port))
    }
    assert.deepEqual(fort.bans, [])
  })

  it('may connect all of them at once', async () => {
    const fort = await openFort()
    fort.guard.onRight('alice', at(40_000))
    for (let i = 1; i <= 100; i++) fort.guard.onRefused(at(40_000 + i), 401)
    assert.deepEqual(fort.bans, [])
  })
})

describe('a forged source address', () => {
  const scan = (from: Hop) => freshRequest(from, 'OPTIONS', { headers: ['User-Agent', 'friendly-scanner'] })

  it('bans no carrier, and no phone that is registered', async () => {
    const fort = await openFort()
    const { bench } = fort
    const phone = fort.stranger('203.0.113.5', 40_000)
    register(fort, phone, 'alice', 'wonder')
    for (const from of [bench.peer.hop, phone.hop, { ...phone.hop, port: 5060 }])
      for (let i = 0; i < 300; i++) fort.spoof(from, scan(from))
    bench.clock.advance(2)
    assert.deepEqual(fort.bans, [])
    bench.clock.advance(5000)
    assert.deepEqual(goodCall(fort), ['200 INVITE', '200 BYE'])
    register(fort, phone, 'alice', 'wonder')
    assert.equal(summaryOf(phone.inbox.at(-1)!), '200 REGISTER')
  })

  it('does not use up the rate of the phone behind it, unless its port is known', async () => {
    const fort = await openFort()
    const phone = fort.stranger('203.0.113.5', 40_000)
    register(fort, phone, 'alice', 'wonder')
    const other = { ...phone.hop, port: 5060 }
    for (let i = 0; i < 1000; i++) fort.spoof(other, freshRequest(other, 'OPTIONS'))
    register(fort, phone, 'alice', 'wonder')
    assert.equal(summaryOf(phone.inbox.at(-1)!), '200 REGISTER')
  })

  it('on wrong passwords bans nobody and locks no name: nobody there was asked for one', async () => {
    const fort = await openFort()
    const wrong = ATTACKS['REGISTER with a wrong password']![0]
    const victim = fort.stranger('203.0.113.5', 40_000)
    for (let i = 0; i < 20; i++) fort.spoof(victim.hop, wrong(victim.hop))
    // A nonce of ours, too, is good where it was sent alone.
    const spy = fort.stranger('198.51.100.1')
    register(fort, spy, 'alice', 'guess')
    const sent = fort.bench.network.carried.map(({ message }) => message)
    const asked = sent.findLast((message) => header(message, 'Authorization') !== undefined)!
    for (let i = 0; i < 60; i++) {
      const from: Hop = { address: `203.0.114.${i}`, port: 5060, transport: 'udp' }
      const headers = ['Authorization', header(asked, 'Authorization')!]
      fort.spoof(from, freshRequest(from, 'REGISTER', { uri: 'sip:maskline.example', headers }))
    }
    fort.bench.clock.advance(2)
    assert.deepEqual(fort.bans, [])
    register(fort, victim, 'alice', 'wonder')
    assert.equal(summaryOf(victim.inbox.at(-1)!), '200 REGISTER')
  })

  it('on datagrams shuts no connection; what comes over connections shuts both', async () => {
    const { guard } = await openFort()
    const at = (transport: 'udp' | 'tcp'): Hop => ({ address: '198.51.100.1', port: 5060, transport })
    guard.offend(at('udp'), 'scanner')
    assert.deepEqual([guard.admits(at('udp')), guard.admits(at('tcp'))], ['cut', 'read'])
    guard.offend(at('tcp'), 'scanner')
    assert.deepEqual([guard.admits(at('udp')), guard.admits(at('tcp'))], ['cut', 'cut'])
  })
})

describe('who we ask', () => {
  it('answers as much as it likes', async () => {
    const fort = await openFort({ ratePerSource: 1 })
    const { bench } = fort
    const carrier = fort.stranger('198.51.100.7')
    carrier.onMessage = (message, from) => {
      if (message.kind === 'request')
        carrier.send(textOf(message).replace(/^.*\r\n/, 'SIP/2.0 200 OK\r\n'), from)
    }
    let answered = 0
    for (let i = 0; i < 100; i++)
      bench.stack.request(
        {
          method: 'OPTIONS',
          uri: 'sip:198.51.100.7',
          from: '<sip:192.0.2.2>',
          to: '<sip:198.51.100.7>',
          hop: carrier.hop,
        },
        ({ status }) => void (answered += status === 200 ? 1 : 0),
      )
    bench.clock.advance(10)
    assert.equal(answered, 100)
  })
})
