import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { BindBody, BindRole, MessageBody, RequestPdu, ResponsePdu } from '../pdu/pdu.ts'
import { STATUS, isThrottled, statusName } from '../pdu/status.ts'
import { Session, type Answer, type Reply } from '../session/session.ts'
import type { SmppClock } from '../shared/clock.ts'
import { BackOff } from './back-off.ts'
import type { ConnectionState, EsmeEvent, EsmeTls } from './types.ts'

export type ConnectionOptions = {
  /** From 1. */
  readonly number: number
  readonly role: BindRole
  readonly hosts: readonly { readonly host: string; readonly port: number }[]
  readonly tls: EsmeTls | undefined
  readonly bindBody: BindBody
  readonly window: number
  readonly connectTimeoutMs: number
  readonly responseTimeoutMs: number
  readonly enquireLinkMs: number
  readonly retryMs: readonly [number, number]
  readonly throttleMs: readonly [number, number]
  readonly maxIncoming: number
  readonly clock: SmppClock
  readonly random: () => number
}

export type ConnectionHandlers = {
  answer(pdu: RequestPdu): Promise<Answer> | Answer
  /** It can send again, or can do so no more: whoever has something to send looks again. */
  onChange(): void
  onEvent(event: EsmeEvent): void
}

/** A connection that stood so long was a good one: the next attempt comes soon. */
const GOOD_AFTER_MS = 10_000

/** One bind: connects, binds, and does so again when it is lost, until it is closed. */
export class Connection {
  readonly #options: ConnectionOptions
  readonly #handlers: ConnectionHandlers
  readonly #retry: BackOff
  readonly #throttle: BackOff
  #state: ConnectionState['state'] = 'waiting'
  #attempt: number
  #socket: Socket | undefined
  #session: Session | undefined
  #boundAt = 0
  #reason: string | undefined
  /** Connecting again, or the end of a pause. */
  #retryTimer: unknown
  #pauseTimer: unknown
  /** The window for now: halved when the SMSC asks for less, one more with each message that it takes. */
  #allowance: number
  #closing = false
  #onClosed: (() => void) | undefined

  constructor(options: ConnectionOptions, handlers: ConnectionHandlers) {
    this.#options = options
    this.#handlers = handlers
    this.#retry = new BackOff(options.retryMs, options.random)
    this.#throttle = new BackOff(options.throttleMs, options.random)
    this.#attempt = options.number - 1
    this.#allowance = options.window
    this.#connect()
  }

  /** Whether messages can go out on it, now or after a pause. */
  get isUp(): boolean {
    return this.#state === 'bound' && this.#session!.isOpen && this.#options.role !== 'receiver'
  }

  /** How many more messages may go out now. */
  get room(): number {
    if (!this.isUp || this.#pauseTimer !== undefined) return 0
    return this.#allowance - this.#session!.inFlight
  }

  state(): ConnectionState {
    return {
      connection: this.#options.number,
      role: this.#options.role,
      state: this.#state,
      peer: this.#peer(),
      inFlight: this.#session?.inFlight ?? 0,
      ...(this.#reason === undefined ? {} : { reason: this.#reason }),
    }
  }

  /** Sends a message. Ask for `room` first, and let `heed` know the status of the response. */
  submit(body: MessageBody, onLate: (pdu: ResponsePdu) => void): Promise<Reply> {
    return this.#session?.request('submit_sm', body, onLate) ?? Promise.resolve({ kind: 'unsent' })
  }

  /** Slows down when the SMSC asks for that, goes faster again with each message that it takes. */
  heed(status: number): void {
    if (isThrottled(status)) this.#pause(status)
    if (status !== STATUS.ESME_ROK) return
    this.#throttle.reset()
    this.#allowance = Math.min(this.#allowance + 1, this.#options.window)
  }

  /** Waits for responses, unbinds, and is fulfilled when the socket has closed. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#closing = true
      this.#onClosed = resolve
      this.#options.clock.clearTimer(this.#retryTimer)
      this.#endPause()
      if (this.#state === 'bound' || this.#state === 'unbinding') this.#session!.finish()
      else if (this.#socket === undefined) this.#end()
      else this.#drop()
    })
  }

  #host(): { readonly host: string; readonly port: number } {
    return this.#options.hosts[this.#attempt % this.#options.hosts.length]!
  }

  #peer(): string {
    const { host, port } = this.#host()
    return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
  }

  #connect(): void {
    const { tls, clock, connectTimeoutMs } = this.#options
    this.#state = 'connecting'
    const socket = tls === undefined ? connectTcp(this.#host()) : this.#connectTls(tls)
    this.#socket = socket
    let reason: string | undefined
    const timer = clock.setTimer(connectTimeoutMs, () => {
      reason = `no connection within ${connectTimeoutMs} ms`
      socket.destroy()
    })
    const onError = (error: Error) => (reason ??= error.message)
    const onClose = () => {
      clock.clearTimer(timer)
      this.#lost(reason ?? 'closed')
    }
    socket.on('error', onError)
    socket.on('close', onClose)
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => {
      clock.clearTimer(timer)
      socket.off('error', onError)
      socket.off('close', onClose)
      void this.#bind(socket)
    })
  }

  #connectTls({ ca, cert, key, serverName, verify = true }: EsmeTls): Socket {
    const { host, port } = this.#host()
    const name = serverName ?? (isIP(host) === 0 ? host : undefined)
    return connectTls({
      host,
      port,
      minVersion: 'TLSv1.2',
      rejectUnauthorized: verify,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(name === undefined ? {} : { servername: name }),
    })
  }

  async #bind(socket: Socket): Promise<void> {
    const { role, number, bindBody, clock } = this.#options
    this.#state = 'binding'
    const session = new Session(
      socket,
      {
        clock,
        responseTimeoutMs: this.#options.responseTimeoutMs,
        enquireLinkMs: this.#options.enquireLinkMs,
        maxHandling: this.#options.maxIncoming,
      },
      {
        answer: (pdu) => this.#handlers.answer(pdu),
        onUnbind: () => {
          this.#state = 'unbinding'
          this.#handlers.onChange()
        },
        onClosed: (reason) => this.#lost(reason),
        onFault: (detail) => this.#handlers.onEvent({ kind: 'fault', connection: number, detail }),
      },
    )
    this.#session = session
    const reply = await session.request(`bind_${role}`, bindBody)
    if (reply.kind !== 'response') return session.destroy('the bind was not answered')
    const { status } = reply.pdu
    if (status !== STATUS.ESME_ROK) return session.destroy(`the bind was refused: ${statusName(status)}`)
    if (this.#session !== session) return
    this.#state = 'bound'
    this.#boundAt = clock.now()
    this.#handlers.onEvent({ kind: 'bound', connection: number, role, peer: this.#peer() })
    this.#handlers.onChange()
  }

  #pause(status: number): void {
    if (this.#pauseTimer !== undefined || !this.isUp) return
    const pauseMs = this.#throttle.next()
    this.#allowance = Math.max(1, this.#allowance >> 1)
    this.#pauseTimer = this.#options.clock.setTimer(pauseMs, () => {
      this.#endPause()
      this.#handlers.onChange()
    })
    this.#handlers.onEvent({ kind: 'throttled', connection: this.#options.number, status, pauseMs })
  }

  #endPause(): void {
    this.#options.clock.clearTimer(this.#pauseTimer)
    this.#pauseTimer = undefined
  }

  #drop(): void {
    if (this.#session === undefined) this.#socket?.destroy()
    else this.#session.destroy('closed')
  }

  #lost(reason: string): void {
    const { number, role, clock } = this.#options
    const peer = this.#peer()
    if (this.#boundAt !== 0 && clock.now() - this.#boundAt >= GOOD_AFTER_MS) this.#retry.reset()
    this.#boundAt = 0
    this.#allowance = this.#options.window
    this.#session = undefined
    this.#socket = undefined
    this.#reason = reason
    this.#endPause()
    this.#state = 'waiting'
    if (this.#closing) {
      this.#handlers.onEvent({ kind: 'lost', connection: number, role, peer, reason })
      this.#end()
      return
    }
    const retryInMs = this.#retry.next()
    this.#attempt++
    this.#retryTimer = clock.setTimer(retryInMs, () => this.#connect())
    this.#handlers.onEvent({ kind: 'lost', connection: number, role, peer, reason, retryInMs })
    this.#handlers.onChange()
  }

  #end(): void {
    this.#state = 'closed'
    this.#onClosed?.()
  }
}
