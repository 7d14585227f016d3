import type { TestContext } from 'node:test'
import { endpointAnswer, endpointOffer } from '@maskline/media'
import { startEngine } from '@maskline/media/testkit'
import {
  createSipStack,
  header,
  response,
  type SipClock,
  type SipMessage,
  type SipRequest,
  type SipResponse,
  type SipStack,
  tagOf,
} from '@maskline/sip'
import { MemoryNetwork, type ScriptedPeer, summaryOf, testRequest } from '@maskline/sip/testkit'
import type { Connect } from '../bindings/route.ts'
import { silentLog } from '../shared/log.ts'
import { systemClock } from '../shared/time.ts'
import { createCallController } from './call-controller.ts'
import { createCallIds } from './call-ids.ts'
import type { CallFact } from './call-record.ts'
import { CONNECT, REF, wayOver, X } from './call-test-kit.ts'
import type { Admission, Outbound } from './ports.ts'

/**
 * The controller on the real SIP stack and the real media engine, between a caller and a callee whose every message a test
 * writes. SIP goes over a network in memory, RTP over loopback.
 */
export type Wire = {
  readonly caller: WirePeer
  readonly callee: WirePeer
  readonly stack: SipStack
  readonly facts: readonly CallFact[]
  readonly faults: readonly object[]
  /** The end of the call, once it is told. */
  ended(): Promise<NonNullable<CallFact['record']['end']>>
  /** Takes the caller's INVITE back. */
  cancel(headers?: readonly string[]): void
  /** Another server of the callee's side, at this port. */
  serverAt(port: number): WirePeer
  /** Sends the caller's INVITE for X. */
  invite(parts?: { readonly headers?: readonly string[]; readonly body?: Uint8Array }): void
}

export type WireOptions = {
  readonly decide?: Partial<Connect>
  readonly way?: Partial<Outbound>
  /** Ports of the callee's side that are tried before the callee's own. */
  readonly before?: readonly number[]
  readonly admission?: Partial<Extract<Admission, { kind: 'trunk' }>>
}

/** RTP of all comes from loopback; in the memory SIP has its ports to itself. */
const HOST = '127.0.0.1'
const OURS = { address: HOST, port: 5060, transport: 'udp' } as const
const CALLER_PORT = 5061
const CALLEE_PORT = 5062

/** Real time. What a dialog that ended still waits for on the wire does not keep the test waiting. */
const clock: SipClock = {
  now: Date.now,
  setTimer: (delayMs, run) => setTimeout(run, delayMs).unref(),
  clearTimer: (handle) => clearTimeout(handle as NodeJS.Timeout),
}

export async function openWire(test: TestContext, options: WireOptions = {}): Promise<Wire> {
  const network = new MemoryNetwork({ clock })
  const media = await startEngine(test)
  const facts: CallFact[] = []
  const faults: object[] = []
  const endings: ((end: NonNullable<CallFact['record']['end']>) => void)[] = []
  const decision: Connect = { ...CONNECT, ...options.decide }
  const controller = createCallController({
    router: {
      route: async () => decision,
      digits: async () => ({ kind: 'wrong' }),
      answered: () => decision,
      note: async () => {},
    } as never,
    journal: {
      append(fact) {
        facts.push(fact)
        const { end } = fact.record
        if (fact.event === 'disconnect' && end !== undefined) for (const tell of endings.splice(0)) tell(end)
      },
      flush: async () => {},
      openCalls: async () => [],
    },
    media,
    sip: { host: OURS.address, stack: () => stack },
    trunks: {
      admit: () => ({ kind: 'trunk', trunk: 't', ended() {}, ...options.admission }),
      waysTo: () =>
        [...(options.before ?? []), CALLEE_PORT].map((port) =>
          wayOver('t', [], {
            uri: `sip:+8613800000022@${HOST}:${port}`,
            hop: { address: HOST, port, transport: 'udp' },
            ...options.way,
          }),
        ),
    },
    announcements: { find: () => undefined },
    recordings: { begin: () => ({ ref: REF, file: '/nowhere' }), finish: async () => true },
    customers: { ask: async () => ({ kind: 'failed', why: 'nobody is asked' }) },
    clock: systemClock,
    policy: { connectTimeoutMs: 90_000 },
    alertOn183: false,
    log: { ...silentLog, error: (fields) => void faults.push(fields) },
    ids: createCallIds('pn.example'),
    hostName: 'pn.example',
    countryCode: '86',
  })
  const stack = await createSipStack({
    listen: [OURS],
    clock,
    openTransport: network.open,
    handlers: {
      onInvite: (call) => controller.onInvite(call),
      onFault: (error, where) => void faults.push({ err: error, where }),
    },
  })
  test.after(async () => {
    await controller.drain(0)
    await stack.close()
  })
  const caller = new WirePeer(network.peer(HOST, CALLER_PORT), 'caller')
  return {
    caller,
    callee: new WirePeer(network.peer(HOST, CALLEE_PORT), 'b1'),
    serverAt: (port) => new WirePeer(network.peer(HOST, port), `s${port}`),
    stack,
    facts,
    faults,
    ended: () =>
      new Promise((resolve) => {
        const end = facts.find(({ event }) => event === 'disconnect')?.record.end
        if (end === undefined) endings.push(resolve)
        else resolve(end)
      }),
    cancel(headers = []) {
      caller.sends(
        testRequest({
          from: caller.peer.hop,
          method: 'CANCEL',
          uri: `sip:${X}@${OURS.address}`,
          callId: caller.callId,
          branch: 'z9hG4bK-INVITE-1',
          headers,
        }),
      )
    },
    invite({ headers = [], body } = {}) {
      caller.sends(
        testRequest({
          from: caller.peer.hop,
          uri: `sip:${X}@${OURS.address}`,
          callId: caller.callId,
          headers,
          ...(body && { body }),
        }),
      )
    },
  }
}

/** Where a party of a test says it listens. */
export const PARTY = { host: HOST, port: 40_000 } as const

/** A talk, the caller's leg answered with `answer` and the callee's made by `invite`. */
export type WireTalk = { readonly wire: Wire; readonly invite: SipRequest; readonly answer: SipResponse }

export async function openTalk(
  test: TestContext,
  options: WireOptions & {
    readonly callerHeaders?: readonly string[]
    readonly calleeHeaders?: readonly string[]
  } = {},
): Promise<WireTalk> {
  const wire = await openWire(test, options)
  wire.invite({ body: endpointOffer(PARTY), headers: options.callerHeaders ?? [] })
  const invite = await wire.callee.gets<SipRequest>('INVITE')
  const { sdp } = endpointAnswer(invite.body, PARTY)
  wire.callee.says(invite, 200, { body: sdp, headers: options.calleeHeaders ?? [] })
  const answer = await wire.caller.gets<SipResponse>('200 INVITE')
  wire.caller.asks(answer, 'ACK')
  await wire.callee.gets('ACK')
  return { wire, invite, answer }
}

type Parts = { readonly headers?: readonly string[]; readonly body?: Uint8Array }

/** One party: says what it is told to, and waits for what comes. */
export class WirePeer {
  readonly peer: ScriptedPeer
  readonly callId = 'wire-1'
  readonly #tag: string
  #seq = 1
  /** How often each kind of message was waited for. */
  readonly #seen = new Map<string, number>()
  #waiting: (() => void)[] = []

  constructor(peer: ScriptedPeer, tag: string) {
    this.peer = peer
    this.#tag = tag
    peer.onMessage = () => {
      for (const look of this.#waiting.splice(0)) look()
    }
  }

  /** The next message of a kind that has not been waited for: `INVITE`, `200 INVITE`. Copies count once. */
  async gets<T extends SipMessage>(summary: string): Promise<T> {
    const index = this.#seen.get(summary) ?? 0
    this.#seen.set(summary, index + 1)
    for (;;) {
      const found = this.#distinct(summary)[index]
      if (found !== undefined) return found as T
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  /** The message of a kind that comes after `before` others of it. */
  async nth<T extends SipMessage>(summary: string, before: number): Promise<T> {
    this.#seen.set(summary, before)
    return this.gets<T>(summary)
  }

  /** How many messages of a kind came, copies left out. */
  count(summary: string): number {
    return this.#distinct(summary).length
  }

  sends(message: SipMessage): void {
    this.peer.send(message, OURS)
  }

  /** Answers a request with a tag of ours, or of a fork. */
  says(
    request: SipRequest,
    status: number,
    { fork = this.#tag, headers = [], body }: Parts & { fork?: string } = {},
  ): void {
    const { address, port } = this.peer.hop
    this.sends(
      response(request, status, {
        toTag: fork,
        headers: ['Contact', `<sip:phone@${address}:${port}>`, ...headers],
        ...(body && { body }),
      }),
    )
  }

  /** A request in the dialog that an INVITE of the platform's has made; in that of a fork. */
  asksOf(
    invite: SipRequest,
    method: string,
    { fork = this.#tag, headers = [], body, seq }: Parts & { fork?: string; seq?: number } = {},
  ): void {
    this.#send(method, header(invite, 'Call-ID')!, fork, tagOf(header(invite, 'From')!), headers, body, seq)
  }

  /** A request in the dialog that an INVITE of its own has made: `answer` has its tag. */
  asks(
    answer: SipResponse,
    method: string,
    { headers = [], body, seq }: Parts & { seq?: number } = {},
  ): void {
    this.#send(method, this.callId, this.#tag, tagOf(header(answer, 'To')!), headers, body, seq)
  }

  #send(
    method: string,
    callId: string,
    fromTag: string,
    toTag: string | undefined,
    headers: readonly string[],
    body: Uint8Array | undefined,
    seq = method === 'ACK' || method === 'CANCEL' ? this.#seq : ++this.#seq,
  ): void {
    this.sends(
      testRequest({
        from: this.peer.hop,
        uri: `sip:${OURS.address}`,
        method,
        callId,
        fromTag,
        toTag,
        seq,
        // CANCEL is of the transaction of its INVITE.
        branch: `z9hG4bK-${method === 'CANCEL' ? 'INVITE' : method}-${seq}`,
        headers,
        ...(body && { body }),
      }),
    )
  }

  #distinct(summary: string): readonly SipMessage[] {
    const known = new Set<string>()
    return this.peer.inbox.filter((message) => {
      if (summaryOf(message) !== summary) return false
      const key = [
        header(message, 'Call-ID'),
        header(message, 'CSeq'),
        header(message, 'RSeq'),
        message.kind === 'request' ? header(message, 'Via') : message.body.toString(),
      ].join(' ')
      if (known.has(key)) return false
      known.add(key)
      return true
    })
  }
}
