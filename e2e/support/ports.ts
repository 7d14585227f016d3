import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'

/**
 * Below the kernel's ephemeral range (32768 and up), so that no passing client socket takes one in between, and below the
 * default range of media ports (20000 and up): a platform binds some of those before it binds the port it was given.
 */
const FIRST = 13_000
const LAST = 19_998
const HERD = 62
let next = FIRST + ((process.pid * 64) % (LAST - FIRST))

/**
 * The first of `count` neighbouring ports on `host` that are free for UDP and for TCP. Peers that cannot bind port 0
 * need their ports named beforehand. Even, as RTP likes it (RFC 3550 §11).
 */
export async function freePorts(host: string, count = 1): Promise<number> {
  const step = count + (count % 2)
  for (let tries = 0; tries < 500; tries++) {
    const first = next
    next += step
    if (next + step > LAST) next = FIRST
    if (await allFree(host, first, count)) return first
    // Taken ports come in herds (the RTP ports of a platform): leap, do not creep.
    next += HERD
    if (next + step > LAST) next = FIRST + ((tries % HERD) & ~1)
  }
  throw new Error(`no ${count} free neighbouring ports on ${host} between ${FIRST} and ${LAST}`)
}

async function allFree(host: string, first: number, count: number): Promise<boolean> {
  for (let port = first; port < first + count; port++) {
    // Some peers bind every address for RTP, so a UDP port must be free on all of them.
    if (!(await udpFree('0.0.0.0', port)) || !(await tcpFree(host, port))) return false
  }
  return true
}

function udpFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.once('error', () => socket.close(() => resolve(false)))
    socket.bind(port, host, () => socket.close(() => resolve(true)))
  })
}

function tcpFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, host, () => server.close(() => resolve(true)))
  })
}

/** Whether some process of this machine is bound to the IPv4 address (Linux: /proc/net). */
export function isBound(transport: 'udp' | 'tcp', host: string, port: number): boolean {
  const local = `${hexAddress(host)}:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return readFileSync(`/proc/net/${transport}`, 'latin1')
    .split('\n')
    .some((line) => {
      const [, bound, , state] = line.trim().split(/\s+/)
      // A TCP socket counts when it listens (0A); connections on the same port do not.
      return bound === local && (transport === 'udp' || state === '0A')
    })
}

/** /proc/net prints the address as one little-endian word. */
function hexAddress(host: string): string {
  return host
    .split('.')
    .reverse()
    .map((octet) => Number(octet).toString(16).toUpperCase().padStart(2, '0'))
    .join('')
}
