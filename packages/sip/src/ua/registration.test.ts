import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { challengeHeader, parseCredentials } from '../auth/digest.ts'
import { response } from '../message/build.ts'
import { header } from '../message/headers.ts'
import type { SipRequest } from '../message/message.ts'
import { parseMessage } from '../message/parse.ts'
import { serializeMessage } from '../message/serialize.ts'
import { createRegistrar } from '../registrar/registrar.ts'
import type { Registrar } from '../registrar/registrar.ts'
import { openBench } from '../testkit/bench.ts'
import type { Bench, BenchOptions } from '../testkit/bench.ts'
import { openDnsServer } from '../testkit/dns-server.ts'
import { ManualClock } from '../testkit/manual-clock.ts'
import { MemoryNetwork } from '../testkit/memory-network.ts'
import { leavesNothing } from '../testkit/scripted-call.ts'
import { createRegistration } from './registration.ts'
import type { OutboundRegistration, OutboundState, RegistrationOptions } from './registration.ts'
import { createSipStack } from './stack.ts'

const OPTIONS: RegistrationOptions = {
  registrar: 'sip:192.0.2.1',
  aor: 'sip:trunk@carrier.example',
  username: 'trunk',
  password: 'secret',
  contactUser: 'line1',
  expiresSec: 600,
  chance: () => 1,
}
const HOUR = 3_600_000

const written = (state: OutboundState): string => {
  if (state.kind === 'failed') return `failed: ${state.why}, again in ${state.retryMs / 1000} s`
  return state.kind === 'registered' ? `registered for ${state.expiresSec} s` : state.kind
}

const seqOf = (request: SipRequest): number => Number.parseInt(header(request, 'CSeq')!, 10)

type Scripted = { bench: Bench; registration: OutboundRegistration; states: string[]; answer: Answer }
/** Answers the last REGISTER; 200 binds what it asks for. */
type Answer = (status: number, ...headers: readonly string[]) => void

/** A registration with a registrar that says what it is told to. */
async function scripted(
  t: TestContext,
  more: Partial<RegistrationOptions> = {},
  benchOptions: BenchOptions = {},
): Promise<Scripted> {
  const bench = await openBench(benchOptions)
  t.after(() => bench.close())
  const states: string[] = []
  const registration = createRegistration(bench.stack, {
    ...OPTIONS,
    ...more,
    onState: (state) => void states.push(written(state)),
  })
  bench.clock.advance(1)
  const answer: Answer = (status, ...headers) => {
    const request = bench.peer.lastRequest('REGISTER')
    const contact = status === 200 ? ['Contact', header(request, 'Contact')!] : []
    bench.deliver(response(request, status, { toTag: 'r', headers: [...contact, ...headers] }))
    bench.clock.advance(1)
  }
  return { bench, registration, states, answer }
}

/** REGISTERs that came, without their copies. */
const registers = ({ peer }: Bench): SipRequest[] => {
  const all = peer.inbox.filter((one) => one.kind === 'request')
  return all.filter((one, i) => i === all.findIndex((other) => seqOf(other) === seqOf(one)))
}

describe('a registration with a carrier (RFC 3261 §10.2)', () => {
  it('asks for its time with our address, and for the next before it is over', async (t) => {
    const { bench, states, answer } = await scripted(t)
    const [first] = registers(bench)
    assert.equal(first!.uri, 'sip:192.0.2.1')
    assert.equal(header(first!, 'Contact'), '<sip:line1@192.0.2.2:5060>;expires=600')
    assert.equal(header(first!, 'Expires'), '600')
    assert.equal(header(first!, 'To'), '<sip:trunk@carrier.example>')
    answer(200, 'Service-Route', '<sip:edge.example;lr>')
    assert.deepEqual(states, ['registered for 600 s'])
    bench.clock.advance(564_000)
    assert.equal(registers(bench).length, 1)
    bench.clock.advance(2_000)
    const [, second] = registers(bench)
    assert.equal(header(second!, 'Call-ID'), header(first!, 'Call-ID'))
    assert.equal(seqOf(second!), seqOf(first!) + 1)
  })

  it('can have a name with an @ in it', async (t) => {
    const { bench } = await scripted(t, { contactUser: 'trunk@carrier.example' })
    const contact = '<sip:trunk%40carrier.example@192.0.2.2:5060>;expires=600'
    assert.equal(header(bench.peer.lastRequest('REGISTER'), 'Contact'), contact)
  })

  it('answers a challenge with the next CSeq, and brings credentials along from then on', async (t) => {
    const { bench, states, answer } = await scripted(t)
    const challenge = (nonce: string, stale = false): void =>
      answer(
        401,
        'WWW-Authenticate',
        challengeHeader({ realm: 'carrier.example', nonce, algorithm: 'MD5', qop: 'auth', stale }),
      )
    challenge('n1')
    answer(200)
    bench.clock.advance(565_000)
    challenge('n2', true)
    answer(200)
    const sent = registers(bench).map((request) => {
      const value = header(request, 'Authorization')
      const given = value === undefined ? undefined : parseCredentials(value)!
      return `${seqOf(request)} ${given === undefined ? '' : `${given.nonce} ${given.nc}`}`.trimEnd()
    })
    assert.deepEqual(sent, ['1', '2 n1 00000001', '3 n1 00000002', '4 n2 00000001'])
    assert.deepEqual(states, ['registered for 600 s', 'registered for 600 s'])
  })

  it('says what is wrong with a password, and asks again after half an hour alone', async (t) => {
    const { bench, states, answer } = await scripted(t)
    for (const nonce of ['n1', 'n2'])
      answer(
        401,
        'WWW-Authenticate',
        challengeHeader({ realm: 'carrier.example', nonce, algorithm: 'MD5', qop: 'auth' }),
      )
    assert.deepEqual(states, ['failed: 401 Unauthorized, again in 1800 s'])
    bench.clock.advance(1_799_000)
    assert.equal(registers(bench).length, 2)
    bench.clock.advance(2_000)
    assert.equal(registers(bench).length, 3)
    assert.equal(header(bench.peer.lastRequest('REGISTER'), 'Authorization'), undefined)
    answer(200)
    assert.deepEqual(states.slice(1), ['registered for 600 s'])
  })

  it('asks for as long as the registrar wants at least (423), and keeps to it', async (t) => {
    const { bench, states, answer } = await scripted(t)
    answer(423, 'Min-Expires', '1800')
    assert.equal(header(bench.peer.lastRequest('REGISTER'), 'Expires'), '1800')
    answer(200)
    bench.clock.advance(1_766_000)
    assert.equal(header(bench.peer.lastRequest('REGISTER'), 'Expires'), '1800')
    assert.deepEqual(states, ['registered for 1800 s'])
  })

  it('does not go on for ever with a registrar that always wants more', async (t) => {
    const { bench, states, answer } = await scripted(t)
    for (let least = 700; states.length === 0; least += 100) answer(423, 'Min-Expires', String(least))
    assert.deepEqual(states, ['failed: 423 again and again, again in 1800 s'])
    assert.equal(registers(bench).length, 5)
  })

  it('waits longer after each failure, and as long as it is asked to (RFC 5626 §4.5)', async (t) => {
    const { bench, states, answer } = await scripted(t)
    answer(500)
    bench.clock.advance(30_001)
    answer(500)
    bench.clock.advance(60_001)
    answer(500, 'Retry-After', '600')
    bench.clock.advance(630_001)
    answer(200)
    bench.clock.advance(565_001)
    answer(500, 'Retry-After', '60')
    assert.deepEqual(states, [
      'failed: 500 Server Internal Error, again in 30 s',
      'failed: 500 Server Internal Error, again in 60 s',
      'failed: 500 Server Internal Error, again in 630 s',
      'registered for 600 s',
      'failed: 500 Server Internal Error, again in 90 s',
    ])
  })

  it('is still good while a failed refresh can be made up for in time', async (t) => {
    const { bench, states, answer } = await scripted(t, { expiresSec: 3600, chance: () => 0 })
    answer(200)
    bench.clock.advance(2_853_000)
    const before = registers(bench).length
    answer(500)
    assert.deepEqual(states, ['registered for 3600 s'])
    bench.clock.advance(15_001)
    assert.equal(registers(bench).length, before + 1)
    bench.clock.advance(HOUR)
    assert.equal(states[1], 'failed: the registrar did not answer, again in 480 s')
  })

  it('names its flow (RFC 5626 §4.2), and does without where the first hop cannot (439)', async (t) => {
    const instanceId = 'urn:uuid:00000000-0000-1000-8000-000000000001'
    const { bench, states, answer } = await scripted(t, { outbound: { instanceId, regId: 1 } })
    const [first] = registers(bench)
    assert.match(
      header(first!, 'Contact')!,
      new RegExp(`>;reg-id=1;\\+sip\\.instance="<${instanceId}>";expires`),
    )
    assert.equal(header(first!, 'Supported'), 'path, outbound')
    answer(439)
    const again = bench.peer.lastRequest('REGISTER')
    assert.equal(header(again, 'Contact'), '<sip:line1@192.0.2.2:5060>;expires=600')
    assert.equal(header(again, 'Supported'), undefined)
    answer(200)
    assert.deepEqual(states, ['registered for 600 s'])
  })
})

describe('the flow of a registration', () => {
  it('is pinged as often as the registrar wants it (RFC 5626 §4.4.1), and as is usual where it says nothing', async (t) => {
    const { bench, answer } = await scripted(t, { chance: () => 0.5 })
    const kept = () => [...bench.network.kept].map(({ hop, pingAfterMs }) => [hop.address, pingAfterMs])
    assert.deepEqual(kept(), [])
    answer(200)
    assert.deepEqual(kept(), [['192.0.2.1', undefined]])
    for (const [flowTimer, pingAfterMs] of [
      ['60', 54_000],
      ['60', 54_000],
      ['0', undefined],
      ['1', 4_500],
      ['soon', undefined],
    ] as const) {
      bench.clock.advance(509_000)
      answer(200, 'Flow-Timer', flowTimer)
      assert.deepEqual(kept(), [['192.0.2.1', pingAfterMs]])
    }
  })
})

describe('the end of a registration', () => {
  it('takes the contact back, once', async (t) => {
    const { bench, registration, answer } = await scripted(t)
    answer(200)
    const closed = registration.close()
    assert.equal(registration.close(), closed)
    bench.clock.advance(1)
    const last = bench.peer.lastRequest('REGISTER')
    assert.equal(header(last, 'Contact'), '<sip:line1@192.0.2.2:5060>;expires=0')
    assert.equal(header(last, 'Expires'), '0')
    assert.equal(registers(bench).length, 2)
    bench.deliver(response(last, 200, { toTag: 'r' }))
    await closed
    assert.ok(leavesNothing(bench))
  })

  it('waits for a registrar that says nothing four seconds at most', async (t) => {
    const { bench, registration, answer } = await scripted(t)
    answer(200)
    let isClosed = false
    const closed = registration.close().then(() => (isClosed = true))
    bench.clock.advance(3_999)
    await Promise.resolve()
    assert.equal(isClosed, false)
    bench.clock.advance(1)
    await closed
  })

  it('comes after the answer to a REGISTER that is under way', async (t) => {
    const { bench, registration, states, answer } = await scripted(t)
    const closed = registration.close()
    bench.clock.advance(100)
    assert.equal(registers(bench).length, 1)
    answer(200)
    assert.equal(header(bench.peer.lastRequest('REGISTER'), 'Expires'), '0')
    answer(200)
    await closed
    assert.deepEqual(states, [])
  })

  it('sends nothing where nothing was granted', async (t) => {
    const { bench, registration, answer } = await scripted(t)
    answer(403)
    await registration.close()
    bench.clock.advance(HOUR)
    assert.equal(registers(bench).length, 1)
    assert.ok(leavesNothing(bench))
  })
})

it('a registration goes to the next hop of the name when the first is dead (RFC 3263 §4.3)', async (t) => {
  const srv = (priority: number, name: string) => ({ priority, weight: 0, port: 5060, name })
  const dns = await openDnsServer({
    srv: { '_sip._udp.reg.example': [srv(1, 'a.example'), srv(2, 'b.example')] },
    addresses: { 'a.example': ['192.0.2.8'], 'b.example': ['192.0.2.1'] },
  })
  t.after(() => dns.close())
  const sent = Promise.withResolvers<void>()
  const { bench, states, answer } = await scripted(
    t,
    { registrar: 'sip:reg.example' },
    {
      stack: { dns: { servers: [dns.address], hostsFile: '/nowhere/hosts' } },
      stackHandlers: { onMessage: () => sent.resolve() },
    },
  )
  await sent.promise
  assert.deepEqual(
    bench.network.carried.map(({ to }) => to.address),
    ['192.0.2.8'],
  )
  bench.clock.advance(32_001)
  answer(200)
  assert.deepEqual(states, ['registered for 600 s'])
})

it('a registration whose registrar has no address says so and tries again', async (t) => {
  const dns = await openDnsServer({})
  t.after(() => dns.close())
  const bench = await openBench({ stack: { dns: { servers: [dns.address], hostsFile: '/nowhere/hosts' } } })
  t.after(() => bench.close())
  const failed = Promise.withResolvers<string>()
  createRegistration(bench.stack, {
    ...OPTIONS,
    registrar: 'sip:reg.example',
    onState: (state) => failed.resolve(written(state)),
  })
  assert.equal(await failed.promise, 'failed: the registrar cannot be reached, again in 30 s')
})

it('a registration whose connection breaks is made anew by another, later each time (RFC 5626 §4.5)', async (t) => {
  const sockets: Socket[] = []
  let registered = Promise.withResolvers<void>()
  const carrier = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', (data) => {
      const parsed = parseMessage(data)
      assert.ok(parsed.ok && parsed.message.kind === 'request')
      const contact = header(parsed.message, 'Contact')!
      const headers = ['Contact', contact]
      socket.write(serializeMessage(response(parsed.message, 200, { toTag: 'r', headers })))
    })
  }).listen(0, '127.0.0.1')
  t.after(() => carrier.close())
  await once(carrier, 'listening')
  const { port } = carrier.address() as { port: number }
  const clock = new ManualClock()
  const stack = await createSipStack({
    listen: [{ address: '127.0.0.1', port: 0, transport: 'tcp' }],
    clock,
    handlers: { onInvite() {} },
  })
  t.after(() => stack.close())
  createRegistration(stack, {
    ...OPTIONS,
    registrar: `sip:127.0.0.1:${port};transport=tcp`,
    onState: ({ kind }) => void (kind === 'registered' && registered.resolve()),
  })
  await registered.promise
  for (const waitMs of [5100, 30_000, 60_000]) {
    registered = Promise.withResolvers()
    const before = clock.pending
    sockets.at(-1)!.destroy()
    // The break has come when nobody watches the connection any more.
    while (clock.pending === before) await new Promise((resolve) => setImmediate(resolve))
    const connections = sockets.length
    clock.advance(waitMs - 1)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(sockets.length, connections)
    clock.advance(1)
    await registered.promise
    assert.equal(sockets.length, connections + 1)
  }
  for (const socket of sockets) socket.destroy()
})

describe('a registration with our own registrar', () => {
  async function open(t: TestContext, loss: number, seed: number) {
    const clock = new ManualClock()
    const network = new MemoryNetwork({ clock, loss, delayMs: [1, 80], seed })
    const stackAt = (address: string, registrar?: Registrar) =>
      createSipStack({
        listen: [{ address, port: 5060, transport: 'udp' }],
        clock,
        openTransport: network.open,
        handlers: {
          onInvite: (call) => call.rejectStateless(403),
          onRequest: (request) =>
            registrar === undefined ? request.respond(405) : registrar.handle(request),
        },
      })
    const registrar = createRegistrar({ realm: 'carrier.example', findPassword: () => 'secret', clock })
    const [ours, carrier] = [await stackAt('192.0.2.2'), await stackAt('192.0.2.1', registrar)]
    t.after(() => Promise.all([ours.close(), carrier.close()]))
    return { clock, network, registrar, ours }
  }

  it('lasts, over a nonce that gets old, and is gone in the end', async (t) => {
    const { clock, network, registrar, ours } = await open(t, 0, 1)
    const registration = createRegistration(ours, OPTIONS)
    clock.advance(1_000)
    for (let minute = 0; minute < 120; minute++) {
      clock.advance(60_000)
      assert.equal(registrar.lookup('trunk')?.contact, 'sip:line1@192.0.2.2:5060')
    }
    assert.equal(registration.state.kind, 'registered')
    // Twelve times in two hours, each with its nonce renewed: the registrar's are good for five minutes.
    assert.ok(network.flow(({ message }) => message.kind === 'request').length <= 2 * 14)
    const closed = registration.close()
    clock.advance(1_000)
    await closed
    assert.equal(registrar.lookup('trunk'), undefined)
  })

  for (const loss of [0.1, 0.3])
    it(`holds for a day when ${loss * 100} % of the datagrams vanish`, async (t) => {
      const { clock, registrar, ours } = await open(t, loss, 7)
      const states: string[] = []
      const registration = createRegistration(ours, {
        ...OPTIONS,
        onState: ({ kind }) => void states.push(kind),
      })
      clock.advance(40_000)
      for (let minute = 0; minute < 24 * 60; minute++) {
        clock.advance(60_000)
        assert.notEqual(registrar.lookup('trunk'), undefined, `minute ${minute}`)
      }
      assert.deepEqual([...new Set(states)], ['registered'])
      const closed = registration.close()
      clock.advance(40_000)
      await closed
    })
})
