import type { TransportName } from './address.ts'

/** RFC 3261 §19.1.2 for `sip:` and TLS; RFC 7118 §5.5 leaves the ports of WebSockets to HTTP. */
const DEFAULT_PORTS: Readonly<Record<TransportName, number>> = {
  udp: 5060,
  tcp: 5060,
  tls: 5061,
  ws: 80,
  wss: 443,
}

export const defaultPortOf = (transport: TransportName): number => DEFAULT_PORTS[transport]
