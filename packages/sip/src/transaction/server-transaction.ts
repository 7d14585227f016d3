import { response as responseTo } from '../message/build.ts'
import { serializeMessage } from '../message/serialize.ts'
import type { SipRequest, SipResponse } from '../message/message.ts'
import type { Hop } from '../transport/address.ts'
import { bytesOf, keepBytes } from '../transport/kept-bytes.ts'
import type { KeptBytes } from '../transport/kept-bytes.ts'
import type { Transport } from '../transport/transport.ts'
import type { TimerHandle, Timers, Waiter } from '../shared/timers.ts'
import { ownText } from './own-text.ts'
import { GIVE_UP_MS, T1, T2, T4, TRYING_AFTER_MS } from './timing.ts'

/** Who answers an INVITE; asked only while no final response was sent. */
export type InviteUser = { onCancel(request: SipRequest): void }

export type ServerTransactionOwner = {
  readonly timers: Timers
  sent(message: SipResponse | undefined, bytes: Uint8Array, hop: Hop, transport: Transport): void
  serverEnded(transaction: ServerTransaction): void
}

/**
 * A server transaction (RFC 3261 §17.2, RFC 6026). States and what wakes them:
 *
 *     INVITE      proceeding -2xx-> accepted -L->            (retransmitted INVITEs are absorbed)
 *                 proceeding -3xx..6xx-> completed (G, H) -ACK-> confirmed -I->
 *     the others  trying -1xx-> proceeding -2xx..6xx-> completed -J->
 *
 * After the final response only its bytes are kept, and only where a retransmission may need them.
 */
export class ServerTransaction implements Waiter {
  readonly method: string
  readonly key: string
  /** RFC 3261 §8.2.2.2: equal for the copies of one request that arrived over several paths. */
  readonly mergeKey: string | undefined
  readonly transport: Transport
  readonly source: Hop
  /** Until a final response is sent. */
  user: InviteUser | undefined
  /** To-tag of our responses; a CANCEL's answer carries the same. */
  toTag: string | undefined
  #owner: ServerTransactionOwner
  #replyTo: Hop
  #replyPort: number
  #state: 'proceeding' | 'accepted' | 'completed' | 'confirmed' | 'ended' = 'proceeding'
  #last: KeptBytes | undefined
  /** An INVITE that nobody answered yet: what its 100 is made of. */
  #unanswered: SipRequest | undefined
  #timer: TimerHandle
  #intervalMs = 0
  #waitedMs = 0

  constructor(
    owner: ServerTransactionOwner,
    method: string,
    key: string,
    mergeKey: string | undefined,
    transport: Transport,
    source: Hop,
    replyTo: Hop,
    replyPort: number,
  ) {
    this.#owner = owner
    this.method = method
    this.key = ownText(key)
    this.mergeKey = mergeKey === undefined ? undefined : ownText(mergeKey)
    this.transport = transport
    this.source = source
    this.#replyTo = replyTo
    this.#replyPort = replyPort
    // A request nobody answers is forgotten when its sender has given up (Timer F); INVITE may ring for long.
    if (method !== 'INVITE') this.#wait(GIVE_UP_MS)
  }

  get isAnswered(): boolean {
    return this.#state !== 'proceeding'
  }

  /** Sends a response; anything after a final one is ignored. Returns the bytes sent. */
  respond(response: SipResponse): Uint8Array | undefined {
    if (this.#state !== 'proceeding') return undefined
    const bytes = serializeMessage(response)
    this.#send(response, bytes)
    this.#answered()
    if (response.status < 200) {
      this.#last = keepBytes(bytes)
      return bytes
    }
    this.user = undefined
    const reliable = this.transport.reliable
    if (this.method !== 'INVITE') {
      this.#state = 'completed'
      this.#last = keepBytes(bytes)
      if (reliable) this.end()
      else this.#wait(GIVE_UP_MS)
    } else if (response.status < 300) {
      this.#state = 'accepted'
      this.#last = undefined
      this.#wait(GIVE_UP_MS)
    } else {
      this.#state = 'completed'
      this.#last = keepBytes(bytes)
      this.#intervalMs = T1
      this.#wait(reliable ? GIVE_UP_MS : T1)
    }
    return bytes
  }

  /**
   * An INVITE that was handed on: 100 (Trying) goes out unless something else is answered soon (RFC 3261 §17.2.1), for most
   * calls never, or at once when the INVITE comes again.
   */
  awaitAnswer(invite: SipRequest): void {
    if (this.#state !== 'proceeding' || this.#last !== undefined) return
    this.#unanswered = invite
    this.#timer = this.#owner.timers.set(TRYING_AFTER_MS, this)
  }

  /**
   * Sends a final response once and ends: no repetition, no wait for an ACK. The request again is a new request, answered
   * again, so that a stranger gets no more out of us than it puts in (RFC 3261 §8.2.7).
   */
  refuse(response: SipResponse): void {
    if (this.#state !== 'proceeding') return
    this.#send(response, serializeMessage(response))
    this.end()
  }

  /** Sends bytes where this transaction's responses go: the 2xx again, which its user repeats until the ACK. */
  repeat(bytes: Uint8Array): void {
    this.#send(undefined, bytes)
  }

  /** The same request again. */
  onDuplicate(): void {
    if (this.#unanswered !== undefined) this.#try(this.#unanswered)
    else if (this.#last !== undefined && (this.#state === 'proceeding' || this.#state === 'completed')) {
      this.#send(undefined, bytesOf(this.#last))
    }
  }

  /** An ACK with the INVITE's branch; true when it acknowledged a 3xx–6xx and nobody else needs it. */
  onAck(): boolean {
    if (this.#state === 'accepted') return false
    if (this.#state === 'completed') {
      this.#state = 'confirmed'
      this.#last = undefined
      if (this.transport.reliable) this.end()
      else this.#wait(T4)
    }
    return true
  }

  onTimer(): void {
    this.#timer = undefined
    if (this.#unanswered !== undefined) {
      this.#try(this.#unanswered)
      return
    }
    if (this.#state === 'completed' && this.method === 'INVITE' && !this.transport.reliable) {
      this.#waitedMs += this.#intervalMs
      if (this.#waitedMs < GIVE_UP_MS) {
        this.#send(undefined, bytesOf(this.#last!))
        this.#intervalMs = Math.min(this.#intervalMs * 2, T2, GIVE_UP_MS - this.#waitedMs)
        this.#timer = this.#owner.timers.set(this.#intervalMs, this)
        return
      }
    }
    this.end()
  }

  end(): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#last = undefined
    this.#unanswered = undefined
    this.user = undefined
    this.#owner.timers.clear(this.#timer)
    this.#owner.serverEnded(this)
  }

  #try(invite: SipRequest): void {
    this.respond(responseTo(invite, 100))
  }

  #answered(): void {
    if (this.#unanswered === undefined) return
    this.#unanswered = undefined
    this.#owner.timers.clear(this.#timer)
    this.#timer = undefined
  }

  #wait(delayMs: number): void {
    this.#owner.timers.clear(this.#timer)
    this.#timer = this.#owner.timers.set(delayMs, this)
  }

  #send(response: SipResponse | undefined, bytes: Uint8Array): void {
    let hop = this.#replyTo
    if (this.transport.reliable && !this.transport.isConnected(hop)) {
      hop = { address: hop.address, port: this.#replyPort, transport: hop.transport }
    }
    this.transport.send(bytes, hop)
    this.#owner.sent(response, bytes, hop, this.transport)
  }
}
