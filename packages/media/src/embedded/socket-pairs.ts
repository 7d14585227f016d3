import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'

/** Takes what comes to a pair that is in use. `packet` may be changed in place. */
export type PairReceiver = {
  onRtp(packet: Buffer, address: string, port: number): void
  onRtcp(packet: Buffer, address: string, port: number): void
}

/** RTP on an even port and RTCP on the next. Without a receiver it swallows what comes: it rests. */
export type SocketPair = {
  readonly port: number
  readonly rtp: Socket
  readonly rtcp: Socket
  receiver: PairReceiver | undefined
}

type LookupCallback = (error: Error | null, address: string, family: number) => void

/** Binds pairs of a port range upwards, skipping ports that other programs hold. */
export class SocketPairs {
  readonly #host: string
  readonly #portMax: number
  readonly #pairs = new Map<number, SocketPair>()
  #next: number
  #exhausted: string | undefined

  constructor(host: string, portMin: number, portMax: number) {
    this.#host = host
    this.#next = portMin + (portMin & 1)
    this.#portMax = portMax
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
      if (port + 1 > this.#portMax) {
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
          this.#exhausted = `media sockets cannot be bound on ${this.#host}: ${(error as Error).message}`
        }
      }
    }
    return ports
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
      const pair: SocketPair = { port, rtp, rtcp, receiver: undefined }
      rtp.on('message', (packet, from) => pair.receiver?.onRtp(packet, from.address, from.port))
      rtcp.on('message', (packet, from) => pair.receiver?.onRtcp(packet, from.address, from.port))
      return pair
    } catch (error) {
      rtp.close()
      throw error
    }
  }

  #bind(port: number): Promise<Socket> {
    const family = isIPv6(this.#host) ? 6 : 4
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
      socket.bind({ port, address: this.#host, exclusive: true }, () => {
        socket.removeAllListeners('error')
        // An unreachable party (ICMP, no route) must not end the engine; the media time-out tells of it.
        socket.on('error', () => undefined)
        resolve(socket)
      })
    })
  }
}
