import { header } from '../message/headers.ts'
import type { SipMessage, SipRequest, SipResponse } from '../message/message.ts'
import { parseMessage } from '../message/parse.ts'
import { serializeMessage } from '../message/serialize.ts'
import type { Endpoint, Hop, ListenOptions, TransportName } from '../transport/address.ts'
import { receiveDatagram } from '../transport/receive.ts'
import type { OpenTransport, SendFailure, Transport, TransportSink } from '../transport/transport.ts'
import type { SipClock } from '../shared/timers.ts'
import { seededRandom } from './random.ts'

export type MemoryNetworkOptions = {
  readonly clock: SipClock
  /** Share of datagrams that vanish, 0–1; TCP loses nothing. Default 0. */
  readonly loss?: number
  /** Least and greatest delay, milliseconds; default 1 and 1. A spread reorders datagrams. */
  readonly delayMs?: readonly [number, number]
  readonly seed?: number
}

/** What the network carried. */
export type Carried = {
  readonly at: number
  readonly from: Endpoint
  readonly to: Hop
  readonly message: SipMessage
  readonly isLost: boolean
}

type Receiver = { receive(bytes: Uint8Array, from: Hop): void }

/** A network in memory: datagrams with loss, delay and reordering, the same for the same seed. Records all it carries. */
export class MemoryNetwork {
  readonly carried: Carried[] = []
  /** Flows that are kept now, and after what silence they are pinged. */
  readonly kept = new Set<{ readonly hop: Hop; readonly pingAfterMs: number | undefined }>()
  /** Decides for each datagram whether to drop it, besides `loss`. */
  drop: (message: SipMessage, from: Endpoint, to: Hop) => boolean = () => false
  readonly #options: MemoryNetworkOptions
  readonly #random: () => number
  readonly #receivers = new Map<string, Receiver>()
  #nextPort = 40_000

  constructor(options: MemoryNetworkOptions) {
    this.#options = options
    this.#random = seededRandom(options.seed ?? 1)
  }

  /** For `StackOptions.openTransport`. */
  readonly open: OpenTransport = (options, sink) => Promise.resolve(this.#attach(options, sink))

  /** A peer that says only what the test tells it to. */
  peer(address: string, port = 5060, transport: TransportName = 'udp'): ScriptedPeer {
    const hop: Hop = { address, port, transport }
    const peer = new ScriptedPeer(this, hop)
    this.#receivers.set(keyOf(hop), peer)
    return peer
  }

  /** Hands bytes to the network. */
  send(bytes: Uint8Array, from: Hop, to: Hop, failure?: SendFailure): void {
    const { clock, loss = 0, delayMs = [1, 1] } = this.#options
    const parsed = parseMessage(bytes)
    const isReliable = to.transport !== 'udp'
    const isLost =
      !isReliable && (this.#random() < loss || (parsed.ok && this.drop(parsed.message, from, to)))
    if (parsed.ok) this.carried.push({ at: clock.now(), from, to, message: parsed.message, isLost })
    if (isLost) return
    // A stream keeps its order.
    const delay = isReliable
      ? delayMs[0]
      : delayMs[0] + Math.floor(this.#random() * (delayMs[1] - delayMs[0] + 1))
    const copy = Uint8Array.from(bytes)
    clock.setTimer(delay, () => {
      const receiver = this.#receivers.get(keyOf(to))
      if (receiver !== undefined) receiver.receive(Buffer.from(copy.buffer), from)
      else if (isReliable) failure?.onSendFailed()
    })
  }

  /** Hands over a message that bears the address of somebody else, or of nobody. */
  forge(message: SipMessage | string, from: Hop, to: Hop): void {
    this.send(bytesOf(message), from, to)
  }

  isOpen(hop: Hop): boolean {
    return this.#receivers.has(keyOf(hop))
  }

  /** What was sent between two addresses, as start lines: `INVITE`, `180`, `200 INVITE`. For comparing whole flows. */
  flow(filter: (carried: Carried) => boolean = () => true): string[] {
    return this.carried.filter(filter).map(({ message }) => summaryOf(message))
  }

  #attach(options: ListenOptions, sink: TransportSink): Transport {
    const port = options.port === 0 ? this.#nextPort++ : options.port
    const own: Hop = { address: options.address, port, transport: options.transport }
    const key = keyOf(own)
    if (this.#receivers.has(key)) throw new Error(`the address ${key} of the memory network is taken`)
    const transport: Transport = {
      name: options.transport,
      local: { address: options.address, port },
      family: options.address.includes(':') ? 6 : 4,
      reliable: options.transport !== 'udp',
      send: (bytes, hop, failure) => this.send(bytes, own, hop, failure),
      isConnected: (hop) => options.transport !== 'udp' && this.isOpen(hop),
      keep: (hop, _onLost, pingAfterMs) => {
        const flow = { hop, pingAfterMs }
        this.kept.add(flow)
        return () => void this.kept.delete(flow)
      },
      close: () => {
        this.#receivers.delete(key)
        return Promise.resolve()
      },
    }
    this.#receivers.set(key, { receive: (bytes, from) => receiveDatagram(bytes, from, transport, sink) })
    return transport
  }
}

/** One end of the memory network without a stack: sends what it is given, keeps what it gets. */
export class ScriptedPeer implements Receiver {
  readonly hop: Hop
  readonly inbox: SipMessage[] = []
  /** Called on every message. */
  onMessage: (message: SipMessage, from: Hop) => void = () => {}
  readonly #network: MemoryNetwork

  constructor(network: MemoryNetwork, hop: Hop) {
    this.#network = network
    this.hop = hop
  }

  send(message: SipMessage | string, to: Hop): void {
    this.#network.send(bytesOf(message), this.hop, to)
  }

  receive(bytes: Uint8Array, from: Hop): void {
    const parsed = parseMessage(bytes)
    if (!parsed.ok) return
    this.inbox.push(parsed.message)
    this.onMessage(parsed.message, from)
  }

  /** Start lines of everything received. */
  get summaries(): string[] {
    return this.inbox.map(summaryOf)
  }

  /** The last request of a method, or fails. */
  lastRequest(method: string): SipRequest {
    const found = this.inbox.findLast((message) => message.kind === 'request' && message.method === method)
    if (found?.kind !== 'request')
      throw new Error(`no ${method} came; there were ${this.summaries.join(', ')}`)
    return found
  }

  /** The last response of a status, or fails. */
  lastResponse(status: number): SipResponse {
    const found = this.inbox.findLast((message) => message.kind === 'response' && message.status === status)
    if (found?.kind !== 'response')
      throw new Error(`no ${status} came; there were ${this.summaries.join(', ')}`)
    return found
  }
}

/** `INVITE` for a request, `200 INVITE` for a response. */
export function summaryOf(message: SipMessage): string {
  if (message.kind === 'request') return message.method
  return `${message.status} ${(header(message, 'CSeq') ?? '').split(' ')[1] ?? ''}`
}

const bytesOf = (message: SipMessage | string): Uint8Array =>
  typeof message === 'string' ? Buffer.from(message, 'latin1') : serializeMessage(message)

const keyOf = (hop: Hop): string => `${hop.transport}:${hop.address}:${hop.port}`
