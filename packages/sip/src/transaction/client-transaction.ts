import { serializeMessage } from '../message/serialize.ts'
import type { SipRequest, SipResponse } from '../message/message.ts'
import type { Hop } from '../transport/address.ts'
import { bytesOf, keepBytes } from '../transport/kept-bytes.ts'
import type { KeptBytes } from '../transport/kept-bytes.ts'
import type { SendFailure, Transport } from '../transport/transport.ts'
import type { TimerHandle, Timers, Waiter } from '../shared/timers.ts'
import { ackOfFailure } from './derived-requests.ts'
import type { LargeRequests, Sending } from './large-requests.ts'
import { GIVE_UP_MS, T1, T2, T4 } from './timing.ts'

/** Who sent the request. Exactly one of: a final response, `onTimeout`, `onSendFailed`. */
export type ClientUser = {
  /** Every provisional and final response; of an INVITE also each further 2xx until Timer M. */
  onResponse(transaction: ClientTransaction, response: SipResponse): void
  /** Timer B or F. */
  onTimeout(transaction: ClientTransaction): void
  onSendFailed(transaction: ClientTransaction): void
}

/**
 * Nobody: a transaction that only waits for retransmissions holds on to no one, and a CANCEL is answered by the next hop; what
 * becomes of it shows in the INVITE's final response.
 */
export const IGNORE_RESPONSES: ClientUser = { onResponse() {}, onTimeout() {}, onSendFailed() {} }

export type ClientTransactionOwner = {
  readonly timers: Timers
  readonly maxUdpRequestBytes: number
  readonly largeRequests: LargeRequests
  sent(message: SipRequest | undefined, bytes: Uint8Array, hop: Hop, transport: Transport): void
  clientEnded(transaction: ClientTransaction): void
  onThrown(error: unknown, where: string): void
}

/**
 * A client transaction (RFC 3261 §17.1, RFC 6026). States and what wakes them:
 *
 *     INVITE      calling (A, B) -1xx-> proceeding -2xx-> accepted -M->
 *                                              \ -3xx..6xx-> completed, ACK sent -D->
 *     the others  calling (E, F) -1xx-> proceeding (E, F) -2xx..6xx-> completed -K->
 */
export class ClientTransaction implements Waiter, SendFailure {
  readonly method: string
  readonly key: string
  transport: Transport
  hop: Hop
  user: ClientUser
  waitsAmong: Set<SendFailure> | undefined
  #owner: ClientTransactionOwner
  /** Until the final response: what is sent again, and what ACK and CANCEL are made of. */
  #request: SipRequest | undefined
  /** The ACK of a failed INVITE. */
  #ack: KeptBytes | undefined
  #state: 'calling' | 'proceeding' | 'accepted' | 'completed' | 'ended' = 'calling'
  #timer: TimerHandle
  #intervalMs = T1
  #waitedMs = 0
  /** How a request goes that was too large for UDP, should its connection not come about. */
  #fallback: Sending | undefined

  constructor(
    owner: ClientTransactionOwner,
    key: string,
    request: SipRequest,
    transport: Transport,
    hop: Hop,
    user: ClientUser,
  ) {
    this.#owner = owner
    this.key = key
    this.method = request.method
    this.transport = transport
    this.hop = hop
    this.user = user
    const bytes = serializeMessage(request)
    if (bytes.length > owner.maxUdpRequestBytes && !transport.reliable) this.#beginLarge(request, bytes)
    else this.#begin(request, bytes)
  }

  /** The request, while no final response has come. */
  get pendingRequest(): SipRequest | undefined {
    return this.#request
  }

  get hasProvisional(): boolean {
    return this.#state === 'proceeding'
  }

  onResponse(response: SipResponse): void {
    const status = response.status
    this.#waitNoMore()
    switch (this.#state) {
      case 'calling':
      case 'proceeding':
        if (status < 200) {
          if (this.#state === 'calling') {
            this.#fallback = undefined
            this.#state = 'proceeding'
            if (this.method === 'INVITE') this.#owner.timers.clear(this.#timer)
          }
        } else {
          const user = this.user
          this.#onFinal(response)
          if (this.method !== 'INVITE' || status >= 300) this.user = IGNORE_RESPONSES
          user.onResponse(this, response)
          return
        }
        this.user.onResponse(this, response)
        return
      case 'accepted':
        if (status >= 200 && status < 300) this.user.onResponse(this, response)
        return
      case 'completed':
        if (status >= 300 && this.#ack !== undefined) this.#repeat(bytesOf(this.#ack))
        return
      case 'ended':
        return
      default:
        this.#state satisfies never
    }
  }

  onTimer(): void {
    this.#timer = undefined
    if (this.#state !== 'calling' && this.#state !== 'proceeding') {
      this.end()
      return
    }
    this.#waitedMs += this.#intervalMs
    if (this.#waitedMs >= GIVE_UP_MS) {
      this.end()
      this.user.onTimeout(this)
      return
    }
    // Written anew, since most requests are never sent twice.
    if (this.#request !== undefined && !this.transport.reliable) this.#repeat(serializeMessage(this.#request))
    // Timer A doubles without bound; Timer E up to T2, and is T2 once a provisional response came.
    const doubled = this.#intervalMs * 2
    if (this.method === 'INVITE') this.#intervalMs = doubled
    else this.#intervalMs = this.#state === 'proceeding' ? T2 : Math.min(doubled, T2)
    this.#intervalMs = Math.min(this.#intervalMs, GIVE_UP_MS - this.#waitedMs)
    this.#timer = this.#owner.timers.set(this.#intervalMs, this)
  }

  onSendFailed(): void {
    if (this.#state !== 'calling') return
    if (this.#fallback !== undefined) {
      this.#beginAgain(this.#fallback)
      return
    }
    this.end()
    // Comes straight from a socket.
    try {
      this.user.onSendFailed(this)
    } catch (error) {
      this.#owner.onThrown(error, 'send failure')
    }
  }

  /** Ends the transaction silently. */
  end(): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#request = undefined
    this.#fallback = undefined
    this.#ack = undefined
    this.#owner.timers.clear(this.#timer)
    this.#waitNoMore()
    this.#owner.clientEnded(this)
  }

  /** Whoever has answered can do so again by another connection: a break is no failure any more. */
  #waitNoMore(): void {
    this.waitsAmong?.delete(this)
    this.waitsAmong = undefined
  }

  #begin(request: SipRequest, bytes: Uint8Array): void {
    const { transport, hop } = this
    this.#request = request
    // Asking for send errors costs a callback; what cannot be sent is noticed on a call's first message.
    transport.send(bytes, hop, transport.reliable || request.method === 'INVITE' ? this : undefined)
    this.#owner.sent(request, bytes, hop, transport)
    this.#intervalMs = transport.reliable ? GIVE_UP_MS : T1
    this.#timer = this.#owner.timers.set(this.#intervalMs, this)
  }

  #beginLarge(request: SipRequest, bytes: Uint8Array): void {
    const byUdp: Sending = { request, transport: this.transport, hop: this.hop }
    const byStream = this.#owner.largeRequests.byStream(byUdp)
    if (byStream === undefined) {
      this.#begin(request, bytes)
      return
    }
    this.#fallback = byUdp
    this.transport = byStream.transport
    this.hop = byStream.hop
    this.#begin(byStream.request, serializeMessage(byStream.request))
  }

  #beginAgain({ request, transport, hop }: Sending): void {
    this.#owner.largeRequests.onRefused(hop)
    this.#owner.timers.clear(this.#timer)
    this.#fallback = undefined
    this.transport = transport
    this.hop = hop
    this.#begin(request, serializeMessage(request))
  }

  #onFinal(response: SipResponse): void {
    const { timers } = this.#owner
    const { reliable } = this.transport
    const request = this.#request!
    this.#request = undefined
    this.#fallback = undefined
    timers.clear(this.#timer)
    if (this.method === 'INVITE' && response.status < 300) {
      this.#state = 'accepted'
      this.#timer = timers.set(GIVE_UP_MS, this)
      return
    }
    this.#state = 'completed'
    if (this.method === 'INVITE') {
      const ack = ackOfFailure(request, response)
      const bytes = serializeMessage(ack)
      this.transport.send(bytes, this.hop)
      this.#owner.sent(ack, bytes, this.hop, this.transport)
      this.#ack = keepBytes(bytes)
    }
    if (reliable) this.end()
    else this.#timer = timers.set(this.method === 'INVITE' ? GIVE_UP_MS : T4, this)
  }

  #repeat(bytes: Uint8Array): void {
    this.transport.send(bytes, this.hop)
    this.#owner.sent(undefined, bytes, this.hop, this.transport)
  }
}
