import { type ListenOptions, type TlsSource, type TransportName, createTlsSource } from '@maskline/sip'
import type { Config } from './config/config.ts'
import { loadCertificate, readPem } from './open-api/certificate.ts'
import { listenFault } from './shared/listen-fault.ts'
import type { Clock } from './shared/time.ts'

export type SipListeners = {
  readonly listen: readonly ListenOptions[]
  /** The certificates of SIP, when it listens for TLS at all. */
  readonly tls: TlsSource | undefined
}

/** Where SIP listens. Throws AppError `TLS_FILE_UNREADABLE` or `TLS_FILE_INVALID`. */
export async function sipListeners(config: Config, clock: Clock): Promise<SipListeners> {
  const { host, port, tls, ws, wss } = config.sip
  const source = tls.enabled || wss.enabled ? await tlsSourceOf(config, clock) : undefined
  const origins = ws.origins?.split(',').map((origin) => origin.trim())
  const webSocket = { path: ws.path, ...(origins !== undefined && { origins }) }
  const listen: ListenOptions[] = []
  for (const address of addressesOf(host)) {
    listen.push({ transport: 'udp', address, port }, { transport: 'tcp', address, port })
    if (source !== undefined && tls.enabled)
      listen.push({ transport: 'tls', address, port: tls.port, tls: source })
    if (ws.enabled) listen.push({ transport: 'ws', address, port: ws.port, ws: webSocket })
    if (source !== undefined && wss.enabled)
      listen.push({ transport: 'wss', address, port: wss.port, tls: source, ws: webSocket })
  }
  return { listen, tls: source }
}

/** Every address of this machine is two wildcards: each family has its own sockets, and its own host in Via and Contact. */
const addressesOf = (host: string): readonly string[] => (host === '::' ? ['0.0.0.0', '::'] : [host])

function tlsSourceOf(config: Config, clock: Clock): Promise<TlsSource> {
  const { certFile, keyFile, caFile, clientCert, verifyServers } = config.sip.tls
  const own = certFile !== undefined && keyFile !== undefined
  const source = { ...config, api: own ? { tlsCertFile: certFile, tlsKeyFile: keyFile } : config.api }
  const load = async () => {
    const pair = await loadCertificate(source, clock.now())
    return [caFile === undefined ? pair : { ...pair, ca: await readPem(caFile) }]
  }
  return createTlsSource(load, { clientCert, verifyServers })
}

/** A port that is taken or an address that is not ours is the operator's to mend; anything else stays a bug. */
export function sipListenFault(cause: unknown): unknown {
  const { code, transport, address, port } = cause as Partial<ListenOptions> & { readonly code?: string }
  if (!code || transport === undefined || address === undefined || port === undefined) return cause
  const place = {
    who: `SIP (${NAMED[transport]})`,
    address,
    port,
    addressSetting: 'sip.host (MASKLINE_SIP_HOST)',
    portSetting: PORT_SETTINGS[transport],
  }
  return listenFault('SIP_LISTEN', place, cause)
}

const NAMED: Readonly<Record<TransportName, string>> = {
  udp: 'UDP',
  tcp: 'TCP',
  tls: 'TLS',
  ws: 'WebSocket',
  wss: 'secure WebSocket',
}

const PORT_SETTINGS: Readonly<Record<TransportName, string>> = {
  udp: 'sip.port (MASKLINE_SIP_PORT)',
  tcp: 'sip.port (MASKLINE_SIP_PORT)',
  tls: 'sip.tls.port (MASKLINE_SIP_TLS_PORT)',
  ws: 'sip.ws.port (MASKLINE_SIP_WS_PORT)',
  wss: 'sip.wss.port (MASKLINE_SIP_WSS_PORT)',
}
