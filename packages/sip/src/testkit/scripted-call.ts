import { response } from '../message/build.ts'
import { header } from '../message/headers.ts'
import type { SipRequest, SipResponse } from '../message/message.ts'
import { tagOf } from '../message/name-addr.ts'
import type { ClientCall, InviteOptions, ServerCall } from '../core/types.ts'
import { SDP_ANSWER, SDP_OFFER, openBench, toTagOf } from './bench.ts'
import type { Bench, BenchOptions } from './bench.ts'
import { testRequest } from './requests.ts'
import type { TestRequestParts } from './requests.ts'

type Parts = Omit<TestRequestParts, 'from'>

export type ScriptedCallee = {
  readonly bench: Bench
  readonly call: ClientCall
  /** The INVITE that came last. */
  readonly invite: SipRequest
  /** A response of the callee to the INVITE, its Contact with it. */
  says(status: number, fork?: string, parts?: { headers?: readonly string[]; body?: Uint8Array }): void
  /** A request of the callee in the dialog of a fork. */
  asks(method: string, seq: number, parts?: Parts & { fork?: string }): void
}

/** A call of the stack to a callee that says what it is told to. */
export async function callOut(
  options: Partial<InviteOptions> = {},
  benchOptions: BenchOptions = {},
): Promise<ScriptedCallee> {
  const bench = await openBench(benchOptions)
  const call = bench.stack.invite(
    {
      uri: 'sip:+8613800000021@192.0.2.1:5060',
      from: '<sip:+8617000000001@192.0.2.2>',
      to: '<sip:+8613800000021@192.0.2.1>',
      body: SDP_OFFER,
      ...options,
    },
    bench.handlers,
  )
  bench.clock.advance(1)
  return {
    bench,
    call,
    get invite() {
      return bench.peer.lastRequest('INVITE')
    },
    says(status, fork = 'b1', parts = {}) {
      const { headers = [], body } = parts
      bench.deliver(
        response(bench.peer.lastRequest('INVITE'), status, {
          toTag: fork,
          headers: ['Contact', '<sip:phone@192.0.2.1:5060>', ...headers],
          ...(body !== undefined && { body }),
        }),
      )
      bench.clock.advance(1)
    },
    asks(method, seq, { fork = 'b1', ...parts } = {}) {
      const toTag = tagOf(header(bench.peer.lastRequest('INVITE'), 'From')!)
      bench.deliver(
        testRequest({
          from: bench.peer.hop,
          method,
          seq,
          branch: `z9hG4bK-${fork}-${method}-${seq}`,
          fromTag: fork,
          toTag,
          callId: call.callId,
          ...parts,
        }),
      )
      bench.clock.advance(1)
    },
  }
}

/** The same, answered and acknowledged. */
export async function talkingOut(
  answerHeaders: readonly string[] = [],
  benchOptions: BenchOptions = {},
): Promise<ScriptedCallee> {
  const callee = await callOut({}, benchOptions)
  callee.says(200, 'b1', { headers: answerHeaders, body: SDP_ANSWER })
  callee.call.ack()
  callee.bench.clock.advance(1)
  return callee
}

export type ScriptedCaller = {
  readonly bench: Bench
  readonly call: ServerCall
  /** A request of the caller in the call. */
  asks(method: string, seq: number, parts?: Parts): void
}

/** A call to the stack of a caller that says what it is told to. */
export async function callIn(parts: Parts = {}, benchOptions: BenchOptions = {}): Promise<ScriptedCaller> {
  const bench = await openBench(benchOptions)
  bench.deliver(testRequest({ from: bench.peer.hop, body: SDP_OFFER, ...parts }))
  bench.clock.advance(1)
  return {
    bench,
    call: bench.incoming[0]!,
    asks(method, seq, asked = {}) {
      const tagged = bench.peer.inbox.find(
        (message): message is SipResponse => message.kind === 'response' && message.status > 100,
      )
      bench.deliver(
        testRequest({
          from: bench.peer.hop,
          method,
          seq,
          toTag: tagged === undefined ? undefined : toTagOf(tagged),
          ...asked,
        }),
      )
      bench.clock.advance(1)
    },
  }
}

/** The same, answered and acknowledged. */
export async function talkingIn(parts: Parts = {}, benchOptions: BenchOptions = {}): Promise<ScriptedCaller> {
  const caller = await callIn(parts, benchOptions)
  caller.call.answer({ body: SDP_ANSWER })
  caller.bench.clock.advance(1)
  caller.asks('ACK', 1)
  return caller
}

/** How often a message came to the scripted side: `PRACK`, `200 INVITE`. */
export function count(bench: Bench, summary: string): number {
  return bench.peer.summaries.filter((one) => one === summary).length
}

/** How many requests of a method came, copies left out. */
export function tries(bench: Bench, method: string): number {
  const requests = bench.peer.inbox.filter((one) => one.kind === 'request' && one.method === method)
  return new Set(requests.map((request) => header(request, 'CSeq'))).size
}

/** Everything has ended: no transaction, dialog or timer is left once the longest of them has passed. */
export function leavesNothing(bench: Bench): boolean {
  bench.clock.advance(200_000)
  const { transactions, dialogs } = bench.stack.stats()
  return transactions === 0 && dialogs === 0 && bench.clock.pending === 0
}
