import assert from 'node:assert/strict'
import { response } from '../message/build.ts'
import { parseCSeq } from '../message/cseq.ts'
import { header } from '../message/headers.ts'
import type { SipMessage, SipRequest, SipResponse } from '../message/message.ts'
import { parseMessage } from '../message/parse.ts'
import { serializeMessage } from '../message/serialize.ts'
import { SDP_OFFER, recorder, toTagOf } from '../testkit/bench.ts'
import { ManualClock } from '../testkit/manual-clock.ts'
import { testRequest } from '../testkit/requests.ts'
import type { Hop } from '../transport/address.ts'
import { receiveDatagram } from '../transport/receive.ts'
import type { OpenTransport, Transport, TransportSink } from '../transport/transport.ts'
import { createSipStack } from '../ua/stack.ts'
import type { ClientCall, IncomingRequest, ServerCall, SipStack } from '../core/types.ts'
import { below, mutate, pick } from './mutate.ts'
import type { Random } from './mutate.ts'

const SERVER = '192.0.2.2'
const PEER = { address: '192.0.2.1', port: 5060 }
const METHODS = [
  'INVITE',
  'ACK',
  'BYE',
  'CANCEL',
  'OPTIONS',
  'INFO',
  'UPDATE',
  'PRACK',
  'REGISTER',
  'REFER',
].concat(['SUBSCRIBE', 'NOTIFY', 'MESSAGE', 'PUBLISH', 'DANCE'])
/** Beyond this many open calls the oldest is hung up, as an application would. */
const MOST_CALLS = 40
/** Time enough for every timer of a call that is over, Timer C included. */
const ALL_TIMERS_MS = 400_000
/** What the stack remembers of traffic, to answer and to repeat. */
const MEMORY = 30

/**
 * A stack in memory with calls going on in both directions, to which anything is sent. After each datagram it is checked that
 * nothing threw, that no response was answered with a response, and that a request got one final response at most.
 */
export class FuzzWorld {
  readonly clock = new ManualClock()
  readonly faults: { error: unknown; where: string }[] = []
  readonly #random: Random
  /** Half of the worlds are reliable: other timers, other repetitions. */
  readonly #peer: Hop
  readonly #corpus: readonly Buffer[]
  #stack!: SipStack
  #sink!: TransportSink
  #transport!: Transport
  /** Sent since the current datagram came in. */
  #sent: Buffer[] = []
  #recentlySent: SipMessage[] = []
  #recentlyIn: Buffer[] = []
  #incoming: ServerCall[] = []
  #outgoing: ClientCall[] = []
  #requests: IncomingRequest[] = []
  #steps = 0

  private constructor(random: Random, corpus: readonly Buffer[]) {
    this.#random = random
    this.#peer = { ...PEER, transport: random() < 0.5 ? 'udp' : 'tcp' }
    this.#corpus = corpus
  }

  static async open(random: Random, corpus: readonly Buffer[]): Promise<FuzzWorld> {
    const world = new FuzzWorld(random, corpus)
    const handlers = world.#handlers
    world.#stack = await createSipStack({
      listen: [{ address: SERVER, port: 5060, transport: world.#peer.transport === 'tcp' ? 'tcp' : 'udp' }],
      clock: world.clock,
      openTransport: world.#open,
      // A look-up by the system cannot be taken back, and worlds come by the thousand.
      dns: { askSystem: () => Promise.resolve([]) },
      handlers: {
        onInvite(call) {
          call.handlers = handlers
          world.#incoming.push(call)
          if (world.#incoming.length > MOST_CALLS) world.#incoming.shift()?.bye()
        },
        onRequest: (request) => world.#keep(request),
        onFault: (error, where) => void world.faults.push({ error, where }),
      },
    })
    return world
  }

  /** The datagram that came last. */
  get lastIn(): Buffer {
    return this.#recentlyIn.at(-1) ?? Buffer.alloc(0)
  }

  /** One datagram that a peer could send, of this moment, or broken; and what time and the application do meanwhile. */
  step(): void {
    const bytes = this.#next()
    this.inject(bytes)
    this.#act()
    this.#sent = []
    this.clock.advance(below(this.#random, pick(this.#random, [2, 50, 600, 5000])))
    this.#check()
  }

  /** One datagram in, and what must hold of the answers. */
  inject(bytes: Uint8Array): void {
    this.#steps++
    this.#sent = []
    const before = this.#stack.stats()
    this.#recentlyIn.push(Buffer.from(bytes))
    if (this.#recentlyIn.length > MEMORY) this.#recentlyIn.shift()
    receiveDatagram(bytes, this.#peer, this.#transport, this.#sink)
    this.#check()
    const parsed = parseMessage(bytes)
    const answers = this.#sent.map(messageOf)
    const finals = answers.filter((one) => one?.kind === 'response' && one.status >= 200)
    const isResponse = parsed.ok && parsed.message.kind === 'response'
    if (isResponse || Buffer.from(bytes.subarray(0, 4)).toString('latin1') === 'SIP/')
      assert.ok(!answers.some((one) => one?.kind === 'response'), 'a response was answered with a response')
    // BYE and CANCEL also end the INVITE; each request has its own CSeq method.
    const methods = finals.map((one) => parseCSeq(header(one!, 'CSeq') ?? '')?.method)
    assert.equal(
      new Set(methods).size,
      methods.length,
      `${methods.join(', ')}: two final responses to one request`,
    )
    if (parsed.ok) return
    assert.ok(this.#sent.length <= 1, 'a broken datagram was answered more than once')
    assert.deepEqual(this.#stack.stats(), before, 'a broken datagram left something behind')
  }

  /** Hangs everything up and lets time pass: nothing may be left. */
  end(): void {
    for (let round = 0; round < 2; round++) {
      for (const call of [...this.#incoming, ...this.#outgoing]) call.bye()
      for (const request of this.#requests) request.respond(500)
      this.clock.advance(ALL_TIMERS_MS)
    }
    this.#check()
    assert.deepEqual(
      this.#stack.stats(),
      { transactions: 0, dialogs: 0 },
      'something is left when all is over',
    )
    assert.equal(this.clock.pending, 0, 'a timer is left when all is over')
  }

  #check(): void {
    const [fault] = this.faults
    if (fault !== undefined) throw new Error(`onFault: ${fault.where}`, { cause: fault.error })
    const { transactions, dialogs } = this.#stack.stats()
    // A few for each datagram of the last half minute, and no more.
    assert.ok(
      dialogs <= this.#steps + 10 && transactions <= 4 * this.#steps + 10,
      'state grows faster than traffic',
    )
    for (const bytes of this.#sent) {
      const parsed = parseMessage(bytes)
      // A broken request's CSeq is copied into its answer, and so are more Via values than we would take ourselves.
      assert.ok(
        parsed.ok || /^(?:BAD_CSEQ|TOO_)/.test(parsed.fault.code),
        parsed.ok ? '' : `sent: ${parsed.fault.text}`,
      )
    }
  }

  readonly #open: OpenTransport = (options, sink) => {
    this.#sink = sink
    this.#transport = {
      name: options.transport,
      local: { address: options.address, port: options.port },
      family: 4,
      reliable: this.#peer.transport === 'tcp',
      send: (bytes) => {
        this.#sent.push(Buffer.from(bytes))
        const message = messageOf(bytes)
        if (message !== undefined) this.#recentlySent.push(message)
        if (this.#recentlySent.length > MEMORY) this.#recentlySent.shift()
      },
      isConnected: () => this.#peer.transport === 'tcp',
      keep: () => () => {},
      close: () => Promise.resolve(),
    }
    return Promise.resolve(this.#transport)
  }

  #next(): Buffer {
    const random = this.#random
    const choice = random()
    const bytes =
      choice < 0.3
        ? pick(random, this.#corpus)
        : choice < 0.4
          ? this.#again()
          : serializeMessage(this.#live())
    const isWhole = random() < (choice < 0.3 ? 0.1 : 0.5)
    return isWhole ? Buffer.from(bytes) : mutate(bytes, random, () => Buffer.from(this.#other()))
  }

  #other(): Uint8Array {
    return this.#random() < 0.5 ? this.#again() : pick(this.#random, this.#corpus)
  }

  /** A datagram that came before. */
  #again(): Buffer {
    return this.#recentlyIn.length === 0 ? this.#corpus[0]! : pick(this.#random, this.#recentlyIn)
  }

  /** A message that fits what is going on: a response to a request of ours, or a request, perhaps within a dialog. */
  #live(): SipMessage {
    const random = this.#random
    const ours = this.#recentlySent.filter((one) => one.kind === 'request')
    if (ours.length > 0 && random() < 0.45) return this.#responseTo(pick(random, ours))
    const theirs = this.#recentlySent.filter((one) => one.kind === 'response')
    const tags = [undefined, 'unknown', ...theirs.map(toTagOf)]
    const calls = this.#recentlySent.map((one) => header(one, 'Call-ID') ?? '')
    const reliable = theirs.find((one) => header(one, 'RSeq') !== undefined)
    const method = pick(random, METHODS)
    const headers: string[] = []
    if (random() < 0.2)
      headers.push('Supported', '100rel, timer', 'Session-Expires', String(below(random, 2000)))
    if (random() < 0.1) headers.push('Require', pick(random, ['100rel', 'timer', 'x']))
    if (method === 'PRACK') headers.push('RAck', `${(reliable && header(reliable, 'RSeq')) ?? '1'} 1 INVITE`)
    return testRequest({
      from: this.#peer,
      method,
      seq: below(random, 5),
      branch: `z9hG4bK${below(random, 200)}`,
      callId: random() < 0.5 || calls.length === 0 ? `call-${below(random, 8)}` : pick(random, calls),
      toTag: random() < 0.4 ? undefined : pick(random, tags),
      headers,
      ...(random() < 0.4 && { body: SDP_OFFER }),
    })
  }

  #responseTo(request: SipRequest): SipResponse {
    const random = this.#random
    const status =
      random() < 0.5 ? pick(random, [100, 180, 183, 200, 401, 422, 487, 491]) : 100 + below(random, 600)
    const headers = ['Contact', '<sip:b@192.0.2.1>']
    if (random() < 0.3) headers.push('Require', '100rel', 'RSeq', String(below(random, 4)))
    if (status === 401 || status === 407)
      headers.push('WWW-Authenticate', `Digest realm="r", nonce="${below(random, 3)}", qop="auth"`)
    if (status === 422) headers.push('Min-SE', String(below(random, 4000)))
    if (random() < 0.2)
      headers.push('Session-Expires', `${below(random, 2000)};refresher=${pick(random, ['uac', 'uas'])}`)
    const body = random() < 0.4 ? { body: SDP_OFFER } : {}
    return response(request, status, { toTag: `t${below(random, 3)}`, headers, ...body })
  }

  /** What an application does now and then. */
  #act(): void {
    const random = this.#random
    const call = this.#incoming[below(random, this.#incoming.length)]
    const act = random()
    if (act < 0.1) call?.progress(pick(random, [180, 183]), random() < 0.5 ? { body: SDP_OFFER } : {})
    else if (act < 0.2) call?.answer({ body: SDP_OFFER })
    else if (act < 0.23) call?.reject(486)
    else if (act < 0.26) call?.bye()
    else if (act < 0.3) call?.reinvite({ body: SDP_OFFER }, () => {})
    else if (act < 0.33) call?.sendRequest('INFO', {}, () => {})
    else if (act < 0.4)
      this.#requests[below(random, this.#requests.length)]?.respond(pick(random, [200, 488, 500]))
    else if (act < 0.46) this.#dial()
  }

  #dial(): void {
    const random = this.#random
    const call = this.#stack.invite(
      {
        uri: `sip:b@192.0.2.1;transport=${this.#peer.transport}`,
        from: '<sip:a@192.0.2.2>',
        to: '<sip:b@192.0.2.1>',
        body: SDP_OFFER,
        credentials: { username: 'a', password: 'b' },
      },
      { ...this.#handlers, onAnswer: (answered) => answered.ack() },
    )
    this.#outgoing.push(call)
    if (this.#outgoing.length > MOST_CALLS) this.#outgoing.shift()?.bye()
    this.clock.setTimer(below(random, 30_000), () => (random() < 0.5 ? call.cancel() : call.bye()))
  }

  #keep(request: IncomingRequest): void {
    this.#requests.push(request)
    if (this.#requests.length > MOST_CALLS) this.#requests.shift()?.respond(500)
  }

  readonly #handlers = {
    ...recorder([], []),
    onReinvite: (_call: unknown, request: IncomingRequest) => this.#keep(request),
    onRequest: (_call: unknown, request: IncomingRequest) => this.#keep(request),
  }
}

function messageOf(bytes: Uint8Array): SipMessage | undefined {
  const parsed = parseMessage(bytes)
  return parsed.ok ? parsed.message : undefined
}
