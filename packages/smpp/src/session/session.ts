import type { Socket } from 'node:net'
import { decodePdu, encodePdu } from '../pdu/codec.ts'
import { PduFramer } from '../pdu/framer.ts'
import {
  isResponse,
  nextSequence,
  type BodyOf,
  type RequestBodies,
  type RequestCommand,
  type RequestPdu,
  type ResponseBodies,
  type ResponsePdu,
} from '../pdu/pdu.ts'
import { STATUS, statusName } from '../pdu/status.ts'
import type { SmppClock } from '../shared/clock.ts'
import { type AnswerFate, AnswerWatch } from './answer-watch.ts'

export type SessionOptions = {
  readonly clock: SmppClock
  /** How long a response is waited for. */
  readonly responseTimeoutMs: number
  /** After so long a silence enquire_link is sent; without its answer the connection is closed. */
  readonly enquireLinkMs: number
  /** Requests of the peer that may wait for their answers; more are refused with ESME_RMSGQFUL. */
  readonly maxHandling: number
  /** For tests: the sequence number before the first. */
  readonly lastSequence?: number
}

/** What a session asks of its owner, and tells it. */
export type SessionHandlers = {
  /** Answers a request, other than enquire_link and unbind. A rejection is ESME_RSYSERR. */
  answer(pdu: RequestPdu): Promise<Answer> | Answer
  /** The peer unbinds: no further request will be sent. */
  onUnbind(): void
  /** Once, when the socket has closed and every request has its reply. */
  onClosed(reason: string): void
  /** The peer did something that cannot be understood, or a handler failed; the session goes on. No number, no text in it. */
  onFault(detail: string): void
}

/** `silent` sends nothing. `onFate` is told once whether the peer has read the answer. */
export type Answer =
  | {
      readonly status: number
      readonly body?: { readonly message_id?: string; readonly system_id?: string }
      readonly onFate?: (fate: AnswerFate) => void
    }
  | 'silent'

/** What became of a request. */
export type Reply =
  | { readonly kind: 'response'; readonly pdu: ResponsePdu }
  /** Nothing of it was written. */
  | { readonly kind: 'unsent' }
  /** It was written, and no response came in time or before the connection closed. */
  | { readonly kind: 'lost' }

type Pending = {
  readonly command: RequestCommand
  readonly settle: (reply: Reply) => void
  readonly onLate: ((pdu: ResponsePdu) => void) | undefined
  readonly timer: unknown
}

/** Bytes that a peer may leave unread before it is taken for dead. */
const MAX_UNREAD_OCTETS = 1 << 20
/** Requests whose time is over and whose response is still told when it comes. */
const MAX_LATE = 1000

/**
 * One SMPP connection, either side: correlates responses, answers enquire_link and unbind, asks after a silent peer, closes
 * on garbage. Memory is bounded: one unfinished PDU, `maxHandling` requests, 1 MiB of unread answers.
 */
export class Session {
  readonly #socket: Socket
  readonly #options: SessionOptions
  readonly #handlers: SessionHandlers
  readonly #framer = new PduFramer()
  readonly #pending = new Map<number, Pending>()
  readonly #late = new Map<number, Pending>()
  readonly #answers: AnswerWatch
  #sequence: number
  #handling = 0
  #heardAt: number
  #idleTimer: unknown
  /** Why the socket is about to close; the first reason counts. */
  #reason: string | undefined
  /** No request goes out any more: `finish` was called, or the peer has unbound. */
  #finishing = false
  #peerUnbound = false
  #unbindSent = false
  #closed = false

  /** The socket must be connected. */
  constructor(socket: Socket, options: SessionOptions, handlers: SessionHandlers) {
    this.#socket = socket
    this.#options = options
    this.#handlers = handlers
    this.#sequence = options.lastSequence ?? 0
    this.#heardAt = options.clock.now()
    this.#answers = new AnswerWatch(options.clock, () => this.#isHeard())
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('error', (error) => (this.#reason ??= error.message))
    socket.on('close', () => this.#onClose())
    this.#watchSilence(options.enquireLinkMs)
  }

  /** Whether a request would be written. */
  get isOpen(): boolean {
    return !this.#finishing && this.#canWrite()
  }

  /** Requests that wait for a response. */
  get inFlight(): number {
    return this.#pending.size
  }

  /**
   * Sends a request and waits for its response. `onLate` is told of a response after the time was over and the reply was
   * `lost`.
   * @throws {RangeError} when the body cannot be written
   */
  request<C extends RequestCommand>(
    command: C,
    body: RequestBodies[C],
    onLate?: (pdu: ResponsePdu) => void,
  ): Promise<Reply> {
    if (!this.isOpen) return Promise.resolve({ kind: 'unsent' })
    return this.#send(command, body, onLate)
  }

  /** Waits for what is in flight, unbinds, closes. `onClosed` tells the end. */
  finish(): void {
    this.#finishing = true
    this.#finishIfDone()
  }

  /** Closes now. */
  destroy(reason: string): void {
    this.#reason ??= reason
    this.#socket.destroy()
  }

  #canWrite(): boolean {
    return !this.#closed && this.#reason === undefined && this.#socket.writable
  }

  #send<C extends RequestCommand>(
    command: C,
    body: RequestBodies[C],
    onLate?: (pdu: ResponsePdu) => void,
  ): Promise<Reply> {
    const isTaken = (one: number) => this.#pending.has(one) || this.#late.has(one)
    const sequence = nextSequence(this.#sequence, isTaken)
    const bytes = encodePdu(command, sequence, body as BodyOf[C])
    this.#sequence = sequence
    return new Promise((resolve) => {
      const timer = this.#options.clock.setTimer(this.#options.responseTimeoutMs, () =>
        this.#onTimeout(sequence),
      )
      this.#pending.set(sequence, { command, settle: resolve, onLate, timer })
      this.#write(bytes)
    })
  }

  /** What is written in one turn of the event loop leaves in one piece. */
  #write(bytes: Buffer): void {
    if (this.#socket.writableCorked === 0) {
      this.#socket.cork()
      process.nextTick(() => this.#socket.uncork())
    }
    this.#socket.write(bytes)
    if (this.#socket.writableLength > MAX_UNREAD_OCTETS) this.destroy('the peer does not read')
  }

  #onData(chunk: Buffer): void {
    this.#heardAt = this.#options.clock.now()
    try {
      const fault = this.#framer.push(chunk, (bytes) => {
        if (this.#reason === undefined) this.#onPdu(bytes)
      })
      if (fault !== undefined) this.destroy(`garbage: ${fault}`)
    } catch (error) {
      // Not of what a peer may send; should it ever be, one connection falls and not the process.
      this.destroy(`fault: ${nameOf(error)}`)
    }
  }

  #onPdu(bytes: Buffer): void {
    const decoded = decodePdu(bytes)
    switch (decoded.kind) {
      case 'unknown':
        this.#handlers.onFault(`unknown command 0x${decoded.commandId.toString(16).padStart(8, '0')}`)
        if (!decoded.isResponse) this.#respond('generic_nack', decoded.sequence, STATUS.ESME_RINVCMDID)
        return
      case 'malformed':
        this.#handlers.onFault(`malformed ${decoded.command}: ${decoded.detail}`)
        this.#respond(`${decoded.command}_resp`, decoded.sequence, STATUS.ESME_RINVCMDLEN)
        return
      case 'pdu':
        if (isResponse(decoded.pdu)) this.#onResponse(decoded.pdu)
        else this.#onRequest(decoded.pdu as RequestPdu)
    }
  }

  #onResponse(pdu: ResponsePdu): void {
    const pending = this.#pending.get(pdu.sequence) ?? this.#late.get(pdu.sequence)
    const fits = pdu.command === 'generic_nack' || pdu.command === `${pending?.command}_resp`
    if (pending === undefined || !fits) {
      this.#handlers.onFault(`${pdu.command} (${statusName(pdu.status)}) answers no request`)
      return
    }
    if (this.#late.delete(pdu.sequence)) {
      pending.onLate?.(pdu)
      return
    }
    this.#settle(pdu.sequence, pending, { kind: 'response', pdu })
  }

  #settle(sequence: number, pending: Pending, reply: Reply): void {
    this.#pending.delete(sequence)
    this.#options.clock.clearTimer(pending.timer)
    pending.settle(reply)
    this.#finishIfDone()
  }

  #onTimeout(sequence: number): void {
    const pending = this.#pending.get(sequence)
    if (pending === undefined) return
    if (pending.command === 'enquire_link') this.#reason ??= 'enquire_link was not answered'
    if (pending.command === 'unbind') this.#reason ??= 'unbind was not answered'
    this.#late.set(sequence, pending)
    if (this.#late.size > MAX_LATE) this.#late.delete(this.#late.keys().next().value!)
    this.#settle(sequence, pending, { kind: 'lost' })
    if (this.#reason !== undefined) this.#socket.destroy()
  }

  #onRequest(pdu: RequestPdu): void {
    if (pdu.command === 'enquire_link') {
      this.#respond('enquire_link_resp', pdu.sequence, STATUS.ESME_ROK)
      return
    }
    if (pdu.command === 'unbind') {
      this.#respond('unbind_resp', pdu.sequence, STATUS.ESME_ROK)
      this.#peerUnbound = true
      this.#handlers.onUnbind()
      this.finish()
      return
    }
    if (this.#handling >= this.#options.maxHandling) {
      this.#respond(`${pdu.command}_resp`, pdu.sequence, STATUS.ESME_RMSGQFUL)
      return
    }
    void this.#answer(pdu)
  }

  /** Never rejects. */
  async #answer(pdu: Exclude<RequestPdu, { command: 'enquire_link' | 'unbind' }>): Promise<void> {
    this.#handling++
    try {
      const answer = await this.#handlers.answer(pdu)
      if (answer !== 'silent') {
        const isWritten = this.#respond(`${pdu.command}_resp`, pdu.sequence, answer.status, answer.body)
        if (answer.onFate && isWritten) this.#answers.add(answer.onFate)
        else answer.onFate?.('lost')
      }
    } catch (error) {
      this.#handlers.onFault(`${pdu.command} failed: ${nameOf(error)}`)
      this.#respond(`${pdu.command}_resp`, pdu.sequence, STATUS.ESME_RSYSERR)
    }
    this.#handling--
    this.#finishIfDone()
  }

  #respond(
    command: keyof ResponseBodies,
    sequence: number,
    status: number,
    body: BodyOf[keyof ResponseBodies] = {},
  ): boolean {
    if (!this.#canWrite()) return false
    this.#write(encodePdu(command, sequence, body, status))
    return true
  }

  /** Whether the peer has read what was written so far. */
  async #isHeard(): Promise<boolean> {
    return this.#canWrite() && (await this.#send('enquire_link', {})).kind === 'response'
  }

  async #unbind(): Promise<void> {
    const reply = await this.#send('unbind', {})
    if (reply.kind === 'response') this.#answers.end('read')
  }

  /** Wakes when a silence could be long enough, not with every byte. */
  #watchSilence(delayMs: number): void {
    const { clock, enquireLinkMs } = this.#options
    this.#idleTimer = clock.setTimer(delayMs, () => {
      const silentMs = clock.now() - this.#heardAt
      const isDue = silentMs >= enquireLinkMs
      if (isDue && this.#canWrite()) void this.#send('enquire_link', {})
      this.#watchSilence(isDue ? enquireLinkMs : enquireLinkMs - silentMs)
    })
  }

  /** Ends the connection once nothing is awaited by either side. */
  #finishIfDone(): void {
    if (!this.#finishing || this.#closed || this.#pending.size > 0 || this.#handling > 0) return
    if (this.#peerUnbound || this.#unbindSent) {
      this.#reason ??= this.#peerUnbound ? 'the peer has unbound' : 'unbound'
      this.#socket.destroySoon()
      return
    }
    this.#unbindSent = true
    if (this.#canWrite()) void this.#unbind()
    else this.destroy('closed')
  }

  #onClose(): void {
    if (this.#closed) return
    this.#closed = true
    this.#options.clock.clearTimer(this.#idleTimer)
    this.#late.clear()
    for (const [sequence, pending] of this.#pending) this.#settle(sequence, pending, { kind: 'lost' })
    this.#answers.end('lost')
    this.#handlers.onClosed(this.#reason ?? 'the peer closed the connection')
  }
}

/** Its kind alone: a message could quote what was sent. */
const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error)
