import type { SipRequest } from '../message/message.ts'
import { branchOf } from '../message/via.ts'
import type { Timers } from '../shared/timers.ts'
import type { Hop } from '../transport/address.ts'
import type { Transport } from '../transport/transport.ts'

/** RFC 3261 §18.1.1, for a path whose MTU is not known. */
export const MAX_UDP_REQUEST_BYTES = 1300

/** How long a peer that refused a connection is asked by UDP at once. */
const REFUSAL_KEPT_MS = 600_000
const MAX_REFUSALS = 1000

/** A request and the way it goes. */
export type Sending = { readonly request: SipRequest; readonly transport: Transport; readonly hop: Hop }

/** TCP beside UDP; `via` is the Via value up to the branch. */
export type StreamWay = { readonly transport: Transport; readonly via: string }

/** Sends requests that are too large for a datagram by TCP, where we have it and the peer has (RFC 3261 §18.1.1). */
export class LargeRequests {
  readonly #timers: Timers
  readonly #besideUdp: (udp: Transport) => StreamWay | undefined
  /** Until when, by the address and port that refused. */
  readonly #refusals = new Map<string, number>()

  constructor(timers: Timers, besideUdp: (udp: Transport) => StreamWay | undefined) {
    this.#timers = timers
    this.#besideUdp = besideUdp
  }

  /** The same request by TCP; undefined when it must go by UDP all the same. */
  byStream({ request, transport, hop }: Sending): Sending | undefined {
    const way = this.#besideUdp(transport)
    if (way === undefined || this.#hasRefused(hop)) return undefined
    const [name, line = ''] = request.headers
    const branch = branchOf(line)
    if (name !== 'Via' || branch === undefined) return undefined
    const headers = ['Via', way.via + branch, ...request.headers.slice(2)]
    return { request: { ...request, headers }, transport: way.transport, hop: { ...hop, transport: 'tcp' } }
  }

  /** No connection came about. */
  onRefused(hop: Hop): void {
    if (this.#refusals.size >= MAX_REFUSALS) this.#refusals.clear()
    this.#refusals.set(keyOf(hop), this.#timers.now() + REFUSAL_KEPT_MS)
  }

  #hasRefused(hop: Hop): boolean {
    const until = this.#refusals.get(keyOf(hop))
    if (until === undefined) return false
    if (until > this.#timers.now()) return true
    this.#refusals.delete(keyOf(hop))
    return false
  }
}

const keyOf = ({ address, port }: Hop): string => `${address} ${port}`
