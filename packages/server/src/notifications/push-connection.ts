import { connect as connectTcp, isIP } from 'node:net'
import type { LookupFunction, Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Clock, EpochMs, Timer } from '../shared/time.ts'
import { AnswerReader } from './http-answer.ts'
import type { AnswerProgress } from './http-answer.ts'
import type { Post, PostOutcome } from './post.ts'
import { signingHeaders } from './signing.ts'

/** Idle connections are closed before common servers do it, so that few POSTs meet a closed one. */
const IDLE_MS = 4_000

/** What the kernel hands over, for every connection in turn: an answer is read before the next one comes. */
const received = Buffer.allocUnsafeSlow(64 * 1024)

/** Where connections of one origin lead, and what they share. */
export type Endpoint = {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  readonly verify: boolean
  /** `host[:port]` as the Host header carries it. */
  readonly authority: string
  /** TLS session to resume: spares the next connection a handshake. */
  session: Buffer | undefined
}

export function endpointOf(origin: string, verify: boolean): Endpoint {
  const { protocol, hostname, port, host } = new URL(origin)
  const tls = protocol === 'https:'
  return {
    // An IPv6 address stands in brackets in a URL, not in a socket address.
    host: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
    port: port === '' ? (tls ? 443 : 80) : Number(port),
    tls,
    verify,
    authority: host,
    session: undefined,
  }
}

export type ConnectionOwner = {
  readonly clock: Clock
  readonly connectTimeoutMs: number
  readonly lookup: LookupFunction
  /** A POST begins and may not take for ever. */
  started(connection: Connection): void
  /** The POST is over and the connection free. `answered`: at least one byte of an answer came. */
  finished(connection: Connection, post: Post, outcome: PostOutcome, answered: boolean): void
}

/**
 * A place for one POST at a time: it connects when needed, keeps the connection for the next POST and makes a new one
 * when it broke. A POST that meets a kept connection which the server has closed meanwhile, before any byte of an
 * answer, is sent once more on a fresh one: that is not the customer's failure (docs/adr/0004-push-connections.md).
 */
export class Connection {
  readonly #endpoint: Endpoint
  readonly #owner: ConnectionOwner
  readonly #answer = new AnswerReader()
  #socket: Socket | undefined
  #connectTimer: Timer | undefined
  #post: Post | undefined
  #startedAt: EpochMs = 0
  /** POSTs answered on the present socket. */
  #served = 0
  #idleSince: EpochMs = 0
  #idleMs = IDLE_MS

  constructor(endpoint: Endpoint, owner: ConnectionOwner) {
    this.#endpoint = endpoint
    this.#owner = owner
  }

  get startedAt(): EpochMs {
    return this.#startedAt
  }

  get isOpen(): boolean {
    return this.#socket !== undefined
  }

  send(post: Post): void {
    this.#post = post
    this.#startedAt = this.#owner.clock.now()
    this.#owner.started(this)
    if (this.#socket) this.#write(post, this.#socket)
    else this.#connect()
  }

  /** The answer takes too long: the attempt failed. */
  expire(): void {
    this.#fail('no whole answer in time')
  }

  closeIfIdle(now: EpochMs): void {
    if (this.#post === undefined && now - this.#idleSince >= this.#idleMs) this.#drop()
  }

  /** Breaks what is in flight. */
  close(): void {
    if (this.#post) this.#fail('the platform closed the connection')
    this.#drop()
  }

  #connect(): void {
    const { host, port, tls, verify } = this.#endpoint
    const { lookup } = this.#owner
    const socket = tls
      ? connectTls({
          host,
          port,
          lookup,
          rejectUnauthorized: verify,
          ALPNProtocols: ['http/1.1'],
          ...(isIP(host) === 0 && { servername: host }),
          ...(this.#endpoint.session && { session: this.#endpoint.session }),
        })
      : connectTcp({
          host,
          port,
          lookup,
          // Without a stream's queue and a buffer of its own for each answer of some hundred bytes.
          onread: {
            buffer: received,
            callback: (size) => {
              if (this.#socket === socket) this.#received(received.subarray(0, size))
              return true
            },
          },
        })
    this.#socket = socket
    this.#served = 0
    this.#connectTimer = this.#owner.clock.setTimer(this.#owner.connectTimeoutMs, () =>
      this.#fail('no connection in time'),
    )
    socket.setNoDelay(true)
    // A socket that was given up may still speak: it is not ours any more.
    socket.on(tls ? 'secureConnect' : 'connect', () => {
      if (this.#socket === socket) this.#connected(socket)
    })
    if (tls)
      socket.on('data', (chunk: Buffer) => {
        if (this.#socket === socket) this.#received(chunk)
      })
    socket.on('end', () => {
      if (this.#socket === socket) this.#progress(this.#answer.close())
    })
    socket.on('error', (error) => {
      if (this.#socket === socket) this.#lost(describe(error))
    })
    socket.on('close', () => {
      if (this.#socket === socket) this.#lost('the connection was closed')
    })
    if (tls) {
      socket.on('session', (session: Buffer) => {
        this.#endpoint.session = session
      })
    }
  }

  #connected(socket: Socket): void {
    this.#connectTimer?.cancel()
    this.#connectTimer = undefined
    if (this.#post) this.#write(this.#post, socket)
  }

  /** One write of head and body, so that small pushes leave in one packet. */
  #write(post: Post, socket: Socket): void {
    const headers = signingHeaders(post.app, this.#owner.clock.now())
    let head = `POST ${post.target.path} HTTP/1.1\r\nHost: ${this.#endpoint.authority}\r\n`
    for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`
    head += `Content-Type: application/json;charset=UTF-8\r\nContent-Length: ${Buffer.byteLength(post.body)}\r\n\r\n`
    this.#answer.expect()
    socket.write(head + post.body)
  }

  #received(chunk: Buffer): void {
    this.#progress(this.#post ? this.#answer.feed(chunk) : 'broken')
  }

  #progress(progress: AnswerProgress): void {
    if (progress === 'more') return
    if (progress === 'broken')
      return this.#lost(this.#answer.began ? 'the answer is not HTTP or breaks off' : 'no answer')
    const { status, reusable, keepAliveSec } = this.#answer
    this.#served++
    const now = this.#owner.clock.now()
    if (reusable) {
      this.#idleSince = now
      this.#idleMs = keepAliveSec === undefined ? IDLE_MS : Math.min(IDLE_MS, keepAliveSec * 1_000 - 1_000)
    }
    if (!reusable || this.#idleMs <= 0) this.#drop()
    const latencyMs = now - this.#startedAt
    if (status >= 200 && status < 300) this.#finish({ kind: 'delivered', status, latencyMs }, true)
    else this.#finish({ kind: 'failed', status, error: `HTTP ${status}`, latencyMs }, true)
  }

  /** The socket is gone, by an error, its end or nonsense on it. */
  #lost(error: string): void {
    const wasStale = this.#served > 0 && !this.#answer.began
    if (this.#post && wasStale) {
      // Once only: the fresh connection has served nothing.
      this.#drop()
      this.#connect()
    } else if (this.#post) this.#fail(error)
    else this.#drop()
  }

  #fail(error: string): void {
    const sent = this.#connectTimer === undefined
    const answered = sent && this.#answer.began
    const status = answered ? this.#answer.status : 0
    this.#drop()
    const latencyMs = this.#owner.clock.now() - this.#startedAt
    this.#finish({ kind: 'failed', status, error, latencyMs }, answered)
  }

  #finish(outcome: PostOutcome, answered: boolean): void {
    const post = this.#post
    if (post === undefined) return
    this.#post = undefined
    this.#owner.finished(this, post, outcome, answered)
  }

  #drop(): void {
    this.#connectTimer?.cancel()
    this.#connectTimer = undefined
    const socket = this.#socket
    this.#socket = undefined
    this.#served = 0
    socket?.destroy()
  }
}

/** What went wrong, for the delivery log: never a payload. */
function describe(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}
