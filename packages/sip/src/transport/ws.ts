import { isUtf8 } from 'node:buffer'
import { STATUS_CODES, createServer } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { WebSocketServer } from 'ws'
import type { WebSocket } from 'ws'
import { DEFAULT_LIMITS, parseMessage } from '../message/parse.ts'
import type { Timers } from '../shared/timers.ts'
import type { Hop, ListenOptions, WebSocketOptions } from './address.ts'
import { ConnectionTransport } from './connection-transport.ts'
import { openGate } from './gate.ts'
import type { Gate, Guest } from './gate.ts'
import { INBOUND_LIMITS } from './inbound-limits.ts'
import type { InboundLimits } from './inbound-limits.ts'
import { receiveParsed } from './receive.ts'
import { Reminder } from './reminder.ts'
import { secureGate } from './tls.ts'
import { domainsOf, verifiedCertificate } from './tls-names.ts'
import type { TlsSource } from './tls-source.ts'
import type { Transport, TransportSink } from './transport.ts'
import type { Wire } from './wire.ts'
import { FrameFollower } from './ws-frames.ts'

const SUBPROTOCOL = 'sip'
/** Browsers cannot ping; proxies on the way close what says nothing for a minute. */
const PING_EVERY_MS = 25_000
/** Of one message; proxies on the way may cut it. */
const MAX_FRAGMENTS = 64
const MAX_MESSAGE_BYTES = DEFAULT_LIMITS.maxHeadBytes + DEFAULT_LIMITS.maxBodyBytes

type WsListen = Extract<ListenOptions, { transport: 'ws' | 'wss' }>

/** SIP over WebSocket (RFC 7118): one message a WebSocket message, over connections that clients open; a server opens none. */
export async function openWebSocket(
  options: WsListen,
  sink: TransportSink,
  timers: Timers,
  limits: InboundLimits = INBOUND_LIMITS,
): Promise<Transport> {
  const gate = await openGate(options, timers, limits, sink)
  const http = handshakeServer(limits)
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    maxFragments: MAX_FRAGMENTS,
    autoPong: false,
    clientTracking: false,
    handleProtocols: () => SUBPROTOCOL,
  })
  const stopSecuring = options.transport === 'wss' ? serveSecured(gate, options.tls, http, limits) : undefined
  if (stopSecuring === undefined) gate.onGuest = ({ socket }) => void http.emit('connection', socket)
  const transport = new ConnectionTransport(options.transport, gate, sink, undefined, stopSecuring)
  http.on('upgrade', (request, stream: Duplex, head) => {
    const socket = request.socket
    const refusal = refusalOf(request, options.ws)
    const guest = gate.guestOf(socket)
    if (guest === undefined) socket.destroy()
    else if (refusal !== undefined) refuse(socket, refusal)
    else
      sockets.handleUpgrade(request, stream, head, (client) =>
        carry(transport, client, socket, guest, timers),
      )
  })
  return transport
}

/** An HTTP server that is there for handshakes alone, and never listens by itself. */
function handshakeServer(limits: InboundLimits): Server {
  const http = createServer({ headersTimeout: limits.messageTimeoutMs }, (_request, response) => {
    response.writeHead(426, { upgrade: 'websocket', connection: 'close' }).end()
  })
  http.on('clientError', (_error, socket) => void socket.destroy())
  return http
}

function serveSecured(gate: Gate, tls: TlsSource, http: Server, limits: InboundLimits): () => void {
  const secured = secureGate(gate, tls, limits)
  secured.onSecure = (socket) => void http.emit('connection', socket)
  return secured.close
}

/** The HTTP status that refuses a handshake; undefined lets it in. */
function refusalOf(request: IncomingMessage, options: WebSocketOptions = {}): number | undefined {
  const { path = '/', origins } = options
  const { origin, 'sec-websocket-protocol': offered = '' } = request.headers
  if ((request.url ?? '').split('?', 1)[0] !== path) return 404
  if (origins !== undefined && (origin === undefined || !origins.includes(origin))) return 403
  const names = offered.split(',').map((name) => name.trim())
  return names.includes(SUBPROTOCOL) ? undefined : 400
}

function refuse(socket: Socket, status: number): void {
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

function carry(
  transport: ConnectionTransport,
  client: WebSocket,
  socket: Socket,
  { peer: address, watch }: Guest,
  timers: Timers,
): void {
  const { sink, name } = transport
  const peer: Hop = { ...address, transport: name, ...tlsNamesOf(socket) }
  const wire: Wire = {
    // Text where it can be (RFC 7118 §5 allows both): not every script reads binary messages.
    write: (bytes) => client.send(bytes, { binary: !isUtf8(bytes) }),
    get unsentBytes() {
      return client.bufferedAmount
    },
    cut: () => client.terminate(),
    end: () => client.close(),
  }
  const connection = transport.adopt(wire, watch, peer, false)
  // That the peer is dead shows by the limit on silence.
  const pinger = new Reminder(timers, PING_EVERY_MS, () => client.ping())
  // It may register when its user wants to.
  watch.onHandshake()
  client.on('message', (data: Buffer) => {
    try {
      const admission = sink.admits?.(peer) ?? 'read'
      if (admission === 'cut') wire.cut()
      else if (isPing(data)) connection.pong(() => wire.write(PONG))
      else if (admission === 'read' && data.length > PONG.length)
        receiveParsed(parseMessage(data), peer, transport, sink)
    } catch (error) {
      sink.onThrown(error, name)
    }
  })
  // Beside the one that reads it: of a message begun nothing else tells.
  const frames = new FrameFollower()
  socket.on('data', (chunk: Buffer) => watch.onRead(frames.push(chunk), frames.isUnfinished))
  client.on('ping', (data: Buffer) => connection.pong(() => client.pong(data)))
  client.on('error', () => {})
  client.on('close', () => {
    pinger.close()
    transport.drop(connection)
  })
}

/** RFC 5626 §3.5.1 over WebSocket (RFC 7118 §6). */
const PONG = Buffer.from('\r\n')
const isPing = (data: Buffer): boolean => data.length === 4 && data.toString('latin1') === '\r\n\r\n'

function tlsNamesOf(socket: Socket): { tlsNames?: readonly string[] } {
  const certificate = 'authorized' in socket ? verifiedCertificate(socket as TLSSocket) : undefined
  return certificate === undefined ? {} : { tlsNames: domainsOf(certificate) }
}
