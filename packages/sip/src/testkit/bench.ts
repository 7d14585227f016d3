import { header } from '../message/headers.ts'
import type { SipRequest, SipResponse } from '../message/message.ts'
import { tagOf } from '../message/name-addr.ts'
import type { Hop } from '../transport/address.ts'
import { createSipStack } from '../ua/stack.ts'
import type {
  ClientCall,
  ClientCallHandlers,
  DialogCall,
  IncomingRequest,
  ServerCall,
  ServerCallHandlers,
  SipStack,
  StackHandlers,
  StackOptions,
} from '../core/types.ts'
import { ManualClock } from './manual-clock.ts'
import { MemoryNetwork } from './memory-network.ts'
import type { MemoryNetworkOptions, ScriptedPeer } from './memory-network.ts'

export const SDP_OFFER = Buffer.from('v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n')
export const SDP_ANSWER = Buffer.from('v=0\r\no=- 2 2 IN IP4 192.0.2.2\r\ns=-\r\n')

/** One stack on a memory network, and a peer that the test scripts. */
export type Bench = {
  readonly clock: ManualClock
  readonly network: MemoryNetwork
  readonly stack: SipStack
  /** The stack's address. */
  readonly server: Hop
  readonly peer: ScriptedPeer
  /** What handlers were called, in order: `onBye`, `onFailure 487`, … */
  readonly events: string[]
  /** Calls that came in, in order. */
  readonly incoming: ServerCall[]
  /** Requests handed to handlers and not answered by the bench. */
  readonly requests: IncomingRequest[]
  readonly handlers: ClientCallHandlers & ServerCallHandlers
  /** Sends from the scripted peer and lets the message arrive. */
  deliver(message: SipRequest | SipResponse): void
  close(): Promise<void>
}

export type BenchOptions = {
  readonly network?: Omit<MemoryNetworkOptions, 'clock'>
  readonly stack?: Partial<StackOptions>
  readonly stackHandlers?: Partial<StackHandlers>
  /** In place of what the recorder does. */
  readonly handlers?: Partial<ClientCallHandlers & ServerCallHandlers>
  readonly transport?: 'udp' | 'tcp'
}

const SERVER = '192.0.2.2'
const PEER = '192.0.2.1'

export async function openBench(options: BenchOptions = {}): Promise<Bench> {
  const { transport = 'udp' } = options
  const clock = new ManualClock()
  const network = new MemoryNetwork({ clock, ...options.network })
  const peer = network.peer(PEER, 5060, transport)
  const server: Hop = { address: SERVER, port: 5060, transport }
  const events: string[] = []
  const incoming: ServerCall[] = []
  const requests: IncomingRequest[] = []
  const handlers = { ...recorder(events, requests), ...options.handlers }
  const stack = await createSipStack({
    listen: [{ address: SERVER, port: 5060, transport }],
    clock,
    openTransport: network.open,
    handlers: {
      onInvite(call) {
        call.handlers = handlers
        incoming.push(call)
      },
      ...options.stackHandlers,
    },
    ...options.stack,
  })
  const deliver = (message: SipRequest | SipResponse): void => {
    peer.send(message, server)
    clock.advance(1)
  }
  const close = (): Promise<void> => stack.close()
  return { clock, network, stack, server, peer, events, incoming, requests, handlers, deliver, close }
}

/** Handlers that write down what they are called with. */
export function recorder(
  events: string[],
  requests: IncomingRequest[],
): ClientCallHandlers & ServerCallHandlers {
  return {
    onCancel: () => void events.push('onCancel'),
    onAck: () => void events.push('onAck'),
    onBye: () => void events.push('onBye'),
    onReinvite(_call: DialogCall, request: IncomingRequest) {
      events.push('onReinvite')
      requests.push(request)
    },
    onReinviteCancelled: (_call: DialogCall, request: IncomingRequest) =>
      void events.push(`onReinviteCancelled ${requests.indexOf(request)}`),
    onReinviteAck: () => void events.push('onReinviteAck'),
    onRequest(_call: DialogCall, request: IncomingRequest) {
      events.push(`onRequest ${request.request.method}`)
      requests.push(request)
    },
    onUpdate(_call: DialogCall, request: IncomingRequest) {
      events.push('onUpdate')
      requests.push(request)
    },
    onPrack(_call: ServerCall, request: IncomingRequest) {
      events.push('onPrack')
      requests.push(request)
    },
    onLost: (_call: DialogCall, why: string) => void events.push(`onLost ${why}`),
    onProvisional: (_call: ClientCall, response: SipResponse, fork: string) =>
      void events.push(`onProvisional ${response.status} ${fork}`.trimEnd()),
    onForkEnded: (_call: ClientCall, _response: SipResponse, fork: string) =>
      void events.push(`onForkEnded ${fork}`),
    onAnswer: (_call: ClientCall, _response: SipResponse, fork: string) =>
      void events.push(`onAnswer ${fork}`),
    onFailure: (_call: ClientCall, status: number, response: SipResponse | undefined) =>
      void events.push(`onFailure ${status}${response === undefined ? ' local' : ''}`),
  }
}

export function toTagOf(message: SipRequest | SipResponse): string | undefined {
  return tagOf(header(message, 'To') ?? '')
}

/** The milliseconds at which copies of a message were sent, counted from the first. */
export function sendTimes(bench: Bench, summary: (message: SipRequest | SipResponse) => boolean): number[] {
  const times = bench.network.carried
    .filter(({ from, message }) => from.address === bench.server.address && summary(message))
    .map(({ at }) => at)
  return times.map((at) => at - times[0]!)
}
