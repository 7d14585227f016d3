import { X509Certificate } from 'node:crypto'
import { connect, createServer } from 'node:tls'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import type { Timers } from '../shared/timers.ts'
import type { Hop, ListenOptions } from './address.ts'
import { ConnectionTransport } from './connection-transport.ts'
import { FLOW_LIMITS } from './flow-watch.ts'
import type { FlowLimits } from './flow-watch.ts'
import { openGate } from './gate.ts'
import type { Gate, Guest } from './gate.ts'
import { INBOUND_LIMITS } from './inbound-limits.ts'
import type { InboundLimits } from './inbound-limits.ts'
import { carry, carryOurs, connectOptions } from './socket-connection.ts'
import { certifies, domainsOf, verifiedCertificate } from './tls-names.ts'
import type { TlsSource } from './tls-source.ts'
import type { Transport, TransportSink } from './transport.ts'

/** SIP over TLS (RFC 3261 §26, RFC 5922). */
export async function openTls(
  options: ListenOptions & { readonly tls: TlsSource },
  sink: TransportSink,
  timers: Timers,
  limits: InboundLimits = INBOUND_LIMITS,
  flowLimits: FlowLimits = FLOW_LIMITS,
): Promise<Transport> {
  const { tls } = options
  const gate = await openGate(options, timers, limits, sink)
  const secured = secureGate(gate, tls, limits)
  const dial = (hop: Hop, transport: ConnectionTransport) => {
    const socket = connect(clientOptions(hop, transport, tls))
    socket.setNoDelay(true)
    const connection = carryOurs(transport, socket, hop, timers, flowLimits)
    socket.once('secureConnect', () => {
      connection.certificate = verifiedCertificate(socket)
      connection.peer = named(hop, socket)
      socket.setTimeout(0)
    })
    return connection
  }
  const transport = new ConnectionTransport('tls', gate, sink, dial, secured.close)
  secured.onSecure = (socket, { peer, watch }) => {
    const connection = carry(transport, socket, watch, named({ ...peer, transport: 'tls' }, socket), false)
    connection.certificate = verifiedCertificate(socket)
  }
  return transport
}

/** The connections of a gate, once their handshake is done. */
export type SecuredGate = { onSecure: (socket: TLSSocket, guest: Guest) => void; readonly close: () => void }

/** Does the server's part of the handshake for each guest, with the certificates of the moment. */
export function secureGate(gate: Gate, tls: TlsSource, limits: InboundLimits): SecuredGate {
  const server = createServer({
    requestCert: tls.clientCert !== 'none',
    rejectUnauthorized: tls.clientCert === 'required',
    handshakeTimeout: limits.messageTimeoutMs,
    // Asked for every connection whose client names a host; the server's own context serves the others.
    SNICallback: (name, done) => done(null, tls.contextFor(name)),
    ...tls.contextOptions(),
  })
  const secured: SecuredGate = {
    onSecure: (socket) => void socket.destroy(),
    close: tls.onReload(() => server.setSecureContext(tls.contextOptions())),
  }
  server.on('secureConnection', (socket) => {
    const guest = gate.guestOf(socket)
    if (guest === undefined) socket.destroy()
    else secured.onSecure(socket, guest)
  })
  // Whoever fails the handshake is hung up on by Node; its raw socket closes with it.
  server.on('tlsClientError', (_error, socket) => void socket.destroy())
  gate.onGuest = ({ socket }) => void server.emit('connection', socket)
  return secured
}

function clientOptions(hop: Hop, { local }: ConnectionTransport, tls: TlsSource): ConnectionOptions {
  const { serverName, address } = hop
  return {
    ...connectOptions(hop, local),
    secureContext: tls.contextFor(undefined),
    rejectUnauthorized: tls.verifyServers,
    ...(serverName !== undefined && { servername: serverName }),
    checkServerIdentity(_host, { raw }) {
      const name = serverName ?? address
      return certifies(new X509Certificate(raw), name)
        ? undefined
        : new Error(`the server's certificate is not one of ${name}`)
    },
  }
}

/** The hop with the domains that the peer has proved. */
function named(hop: Hop, socket: TLSSocket): Hop {
  const certificate = verifiedCertificate(socket)
  return certificate === undefined ? hop : { ...hop, tlsNames: domainsOf(certificate) }
}
