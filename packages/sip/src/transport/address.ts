export type TransportName = 'udp' | 'tcp'

/** A peer or a local socket address; IPv6 without brackets. */
export type Endpoint = { readonly address: string; readonly port: number }

/** Where a message came from, or goes to. */
export type Hop = Endpoint & { readonly transport: TransportName }

/** Where to listen; port 0 lets the system choose. */
export type ListenOptions = Endpoint & { readonly transport: TransportName }
