import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'

/** Takes what comes to a pair that is in use. `packet` may be changed in place. */
export type PairReceiver = {
  onRtp(packet: Buffer, address: string, port: number): void
  onRtcp(packet: Buffer, address: string, port: number): void
}

/** RTP on an even port and RTCP on the next. Without a receiver it swallows what comes. */
export type SocketPair = {
  readonly port: number
  readonly rtp: Socket
  readonly rtcp: Socket
  receiver: PairReceiver | undefined
  restsSinceMs: number
  /** When the last packet came that nobody received; at first, when the rest began. */
  heardAtMs: number
}

export type SocketPairsOptions = {
  readonly host: string
  readonly portMin: number
  readonly portMax: number
  /** For how long no packet may have come before a pair is used again. */
  readonly restMs: number
  /** Milliseconds, never going back. */
  readonly now: () => number
}

/** A pair to which packets come without end is closed for a while and bound anew. */
export const MAX_REST_MS = 60_000
/** How long it stays closed: the sender is told by ICMP that nobody listens. */
export const CLOSED_MS = 2000

type LookupCallback = (error: Error | null, address: string, family: number) => void

/** Binds pairs of a port range upwards, skipping ports that other programs hold. */
export class SocketPairs {
  readonly #options: SocketPairsOptions
  readonly #pairs = new Map<number, SocketPair>()
  readonly #resting = new Set<SocketPair>()
  /** Ports closed for their noise, and when to bind them anew. */
  readonly #closed = new Map<number, number>()
  #next: number
  #exhausted: string | undefined

  constructor(options: SocketPairsOptions) {
    this.#options = options
    this.#next = options.portMin + (options.portMin & 1)
  }

  get(port: number): SocketPair | undefined {
    return this.#pairs.get(port)
  }

  /** Why there will be no more pairs; undefined while there may be. */
  get exhausted(): string | undefined {
    return this.#exhausted
  }

  /** Binds up to `count` more pairs and returns their RTP ports; fewer when the range ends. */
  async grow(count: number): Promise<number[]> {
    const ports: number[] = []
    while (ports.length < count && this.#exhausted === undefined) {
      const port = this.#next
      if (port + 1 > this.#options.portMax) {
        this.#exhausted = 'every port of the media range is in use'
        break
      }
      this.#next += 2
      try {
        this.#pairs.set(port, await this.#bindPair(port))
        ports.push(port)
      } catch (error) {
        // A port of another program is skipped; a limit or a wrong address ends the growth.
        const code = (error as NodeJS.ErrnoException).code
        if (code !== 'EADDRINUSE' && code !== 'EACCES') {
          this.#exhausted = `media sockets cannot be bound on ${this.#options.host}: ${(error as Error).message}`
        }
      }
    }
    return ports
  }

  /** Begins the rest of a pair after a call. */
  rest(port: number): void {
    const pair = this.#pairs.get(port)
    if (pair === undefined) return
    pair.restsSinceMs = pair.heardAtMs = this.#options.now()
    this.#resting.add(pair)
  }

  /** Ports whose rest is over; call a few times per second, one call at a time. */
  async wake(): Promise<number[]> {
    const { restMs } = this.#options
    const now = this.#options.now()
    const rested: number[] = []
    for (const pair of this.#resting) {
      if (now - pair.heardAtMs >= restMs) rested.push(pair.port)
      else if (now - pair.restsSinceMs >= MAX_REST_MS) this.#shut(pair, now)
      else continue
      this.#resting.delete(pair)
    }
    for (const [port, untilMs] of this.#closed) {
      if (now >= untilMs && (await this.#reopen(port, now))) rested.push(port)
    }
    return rested
  }

  #shut(pair: SocketPair, now: number): void {
    pair.rtp.close()
    pair.rtcp.close()
    this.#pairs.delete(pair.port)
    this.#closed.set(pair.port, now + CLOSED_MS)
  }

  /** False when another program took the port meanwhile: it is tried again later. */
  async #reopen(port: number, now: number): Promise<boolean> {
    try {
      this.#pairs.set(port, await this.#bindPair(port))
      this.#closed.delete(port)
      return true
    } catch {
      this.#closed.set(port, now + CLOSED_MS)
      return false
    }
  }

  close(): void {
    for (const pair of this.#pairs.values()) {
      pair.rtp.close()
      pair.rtcp.close()
    }
    this.#pairs.clear()
  }

  async #bindPair(port: number): Promise<SocketPair> {
    const rtp = await this.#bind(port)
    try {
      const rtcp = await this.#bind(port + 1)
      const { now } = this.#options
      const pair: SocketPair = { port, rtp, rtcp, receiver: undefined, restsSinceMs: 0, heardAtMs: 0 }
      rtp.on('message', (packet, from) => {
        if (pair.receiver) pair.receiver.onRtp(packet, from.address, from.port)
        else pair.heardAtMs = now()
      })
      rtcp.on('message', (packet, from) => {
        if (pair.receiver) pair.receiver.onRtcp(packet, from.address, from.port)
        else pair.heardAtMs = now()
      })
      return pair
    } catch (error) {
      rtp.close()
      throw error
    }
  }

  #bind(port: number): Promise<Socket> {
    const family = isIPv6(this.#options.host) ? 6 : 4
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      // Addresses are literal: a look-up in the resolver's queue would delay every packet.
      lookup: ((address: string, _options: unknown, done: LookupCallback) => {
        done(null, address, family)
      }) as never,
    })
    return new Promise((resolve, reject) => {
      socket.once('error', (error) => {
        socket.close()
        reject(error)
      })
      socket.bind({ port, address: this.#options.host, exclusive: true }, () => {
        socket.removeAllListeners('error')
        // An unreachable party (ICMP, no route) must not end the engine; the media time-out tells of it.
        socket.on('error', () => undefined)
        resolve(socket)
      })
    })
  }
}
