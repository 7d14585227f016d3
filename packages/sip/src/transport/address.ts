import type { TlsSource } from './tls-source.ts'

export type TransportName = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss'

/** A peer or a local socket address; IPv6 without brackets. */
export type Endpoint = { readonly address: string; readonly port: number }

/** Where a message came from, or goes to. */
export type Hop = Endpoint & {
  readonly transport: TransportName
  /** The domain that the address was found for: SNI, and what a TLS server's certificate must name (RFC 5922 §7). */
  readonly serverName?: string
  /** Domains that the peer's verified certificate names, lower case; absent: it showed none, or none that is trusted. */
  readonly tlsNames?: readonly string[]
}

/** Whether two hops are one place, whatever names they were found for. */
export const isSamePlace = (one: Omit<Hop, 'serverName' | 'tlsNames'>, other: typeof one): boolean =>
  one.address === other.address && one.port === other.port && one.transport === other.transport

/** Which WebSockets are let in (RFC 7118). */
export type WebSocketOptions = {
  /** Path of the handshake; default `/`. */
  readonly path?: string
  /** Origins of the pages whose scripts may connect, such as `https://app.example`; default: any, and none. */
  readonly origins?: readonly string[]
}

/** Where to listen; port 0 lets the system choose. */
export type ListenOptions =
  | (Endpoint & { readonly transport: 'udp' | 'tcp' })
  | (Endpoint & { readonly transport: 'tls'; readonly tls: TlsSource })
  | (Endpoint & { readonly transport: 'ws'; readonly ws?: WebSocketOptions })
  | (Endpoint & { readonly transport: 'wss'; readonly tls: TlsSource; readonly ws?: WebSocketOptions })
