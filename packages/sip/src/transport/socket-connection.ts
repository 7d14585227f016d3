import { connect } from 'node:net'
import type { Socket, TcpNetConnectOpts } from 'node:net'
import { StreamFramer } from '../message/framing.ts'
import type { FramedItem } from '../message/framing.ts'
import type { Timers } from '../shared/timers.ts'
import type { Endpoint, Hop } from './address.ts'
import { noteAlias } from './alias.ts'
import type { Connection } from './connection.ts'
import type { ConnectionTransport } from './connection-transport.ts'
import { FlowWatch } from './flow-watch.ts'
import type { FlowLimits } from './flow-watch.ts'
import { receiveParsed } from './receive.ts'
import type { Heard, Wire, WireWatch } from './wire.ts'

/** For the connection, and over TLS for the handshake too. */
const CONNECT_TIMEOUT_MS = 5000
const PING = Buffer.from('\r\n\r\n')
const PONG = Buffer.from('\r\n')

/** Carries SIP over a byte stream, framed by Content-Length (RFC 3261 §18.3). */
export function carry(
  transport: ConnectionTransport,
  socket: Socket,
  watch: WireWatch,
  peer: Hop,
  isOurs: boolean,
): Connection {
  const wire: Wire = {
    write: (bytes) => void socket.write(bytes),
    get unsentBytes() {
      return socket.writableLength
    },
    cut: () => void socket.destroy(),
    end: () => socket.destroySoon(),
  }
  const connection = transport.adopt(wire, watch, peer, isOurs)
  const framer = new StreamFramer()
  socket.on('data', (chunk: Buffer) => {
    const items = framer.push(chunk)
    watch.onRead(heardIn(items), framer.isUnfinished)
    for (const item of items) {
      if (socket.destroyed) return
      try {
        receive(transport, connection, item)
      } catch (error) {
        transport.sink.onThrown(error, transport.name)
      }
    }
  })
  socket.on('error', () => {})
  socket.on('close', () => transport.drop(connection))
  return connection
}

function heardIn(items: readonly FramedItem[]): Heard {
  if (items.length === 0) return 'nothing'
  return items.some(({ kind }) => kind === 'message') ? 'message' : 'ping'
}

function receive(transport: ConnectionTransport, connection: Connection, item: FramedItem): void {
  const { sink } = transport
  const { peer, wire } = connection
  if (item.kind === 'keepalive') {
    // RFC 5626 §3.5.1: a double CRLF is a ping and is answered by one CRLF.
    connection.pong(() => wire.write(PONG))
    return
  }
  const admission = sink.admits?.(peer) ?? 'read'
  if (admission === 'cut') wire.cut()
  // Of what ends the stream the rest cannot be read either.
  else if (admission === 'drop' && item.kind === 'fatal') wire.end()
  if (admission !== 'read') return
  if (item.kind === 'message') {
    if (item.result.ok) noteAlias(transport.table, connection, item.result.message)
    receiveParsed(item.result, peer, transport, sink)
  } else {
    try {
      if (item.answerable !== undefined) sink.onFault(item.answerable, item.fault, peer, transport)
    } finally {
      wire.end()
    }
  }
}

/**
 * Carries SIP over a connection that we open. No local port: a connection from the listening port could not be opened twice to
 * one peer.
 */
export function carryOurs(
  transport: ConnectionTransport,
  socket: Socket,
  hop: Hop,
  timers: Timers,
  limits: FlowLimits,
): Connection {
  const watch = new FlowWatch(
    timers,
    limits,
    () => void socket.write(PING),
    () => void socket.destroy(),
  )
  socket.setTimeout(CONNECT_TIMEOUT_MS, () => void socket.destroy())
  return carry(transport, socket, watch, hop, true)
}

/** Where to connect from and to; throws on an address or port that is none. */
export function connectOptions(hop: Endpoint, local: Endpoint): TcpNetConnectOpts {
  const { address } = local
  const isWildcard = address === '0.0.0.0' || address === '::'
  return {
    host: hop.address,
    port: hop.port,
    noDelay: true,
    keepAlive: true,
    ...(!isWildcard && { localAddress: address }),
  }
}

export const dialSocket = (hop: Endpoint, local: Endpoint): Socket => connect(connectOptions(hop, local))
