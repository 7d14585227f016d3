import { isIP } from 'node:net'
import type { SipUri } from '../message/uri.ts'
import type { Hop, TransportName } from '../transport/address.ts'
import { defaultPortOf } from '../transport/default-port.ts'
import type { Naptr } from './records.ts'

/** Where a URI leads to before DNS is asked (RFC 3263 §4.1, §4.2). */
export type Plan =
  /** A literal address: nothing to ask. */
  | { readonly kind: 'hop'; readonly hop: Hop }
  /** A name with a port: its addresses alone (§4.2). */
  | { readonly kind: 'host'; readonly host: HostTarget }
  /** A name whose transport is said: the SRV records of that transport, and without any the host on its default port. */
  | { readonly kind: 'srv'; readonly services: readonly Service[]; readonly otherwise: HostTarget }
  /** A bare name: NAPTR says the transports; without any the SRV records of all we speak, then the host (§4.1). */
  | {
      readonly kind: 'naptr'
      readonly domain: string
      readonly isSecure: boolean
      /** Host of the URI, which differs from `domain` where the URI has a maddr. */
      readonly uriHost: string
      readonly services: readonly Service[]
      readonly otherwise: HostTarget
    }

/** A name whose addresses are asked for. */
export type HostTarget = {
  readonly host: string
  readonly port: number
  readonly transport: TransportName
  /** What a TLS server's certificate must name: the domain of the URI, not what DNS made of it (RFC 5922 §7). */
  readonly serverName?: string
}

/** SRV records to be asked for. */
export type Service = {
  readonly name: string
  readonly transport: TransportName
  readonly serverName?: string
}

/** By transport, our favourite first: NAPTR service (RFC 3263 §4.1, RFC 7118 §6) and prefix of the SRV name. */
const SERVICES: readonly {
  readonly transport: TransportName
  readonly naptr: string
  readonly srv: string
}[] = [
  { transport: 'udp', naptr: 'SIP+D2U', srv: '_sip._udp' },
  { transport: 'tcp', naptr: 'SIP+D2T', srv: '_sip._tcp' },
  { transport: 'tls', naptr: 'SIPS+D2T', srv: '_sips._tcp' },
  { transport: 'ws', naptr: 'SIP+D2W', srv: '_sip._ws' },
  { transport: 'wss', naptr: 'SIPS+D2W', srv: '_sips._ws' },
]

/**
 * What to ask DNS for. Undefined when the URI is no SIP URI, has an empty `maddr`, or leads only over transports that are not in `spoken`: a
 * `sips:` call never goes out in the clear (RFC 3261 §26.2.2).
 */
export function planOf(uri: SipUri, spoken: ReadonlySet<TransportName>): Plan | undefined {
  if (uri.scheme === 'tel') return undefined
  const isSecure = uri.scheme === 'sips'
  const given = uri.params['transport']?.toLowerCase()
  const target = uri.params['maddr'] ?? uri.host
  if (target === '') return undefined
  const transport = given === undefined ? (isSecure ? 'tls' : 'udp') : transportNamed(given, isSecure)
  const isSpoken = transport !== undefined && spoken.has(transport)
  if (isIP(target) !== 0)
    return isSpoken ? { kind: 'hop', hop: hopAt(target, targetOf(uri, target, transport)) } : undefined
  if (given === undefined && uri.port === undefined) {
    const services = servicesOf(target, uri.host, isSecure, spoken)
    const [favourite] = services
    if (favourite === undefined) return undefined
    // Without a record the default transport is meant; where that is not spoken, the first one that is.
    const otherwise = targetOf(uri, target, isSpoken ? transport : favourite.transport)
    return { kind: 'naptr', domain: target, isSecure, uriHost: uri.host, services, otherwise }
  }
  if (!isSpoken) return undefined
  const host = targetOf(uri, target, transport)
  if (uri.port !== undefined) return { kind: 'host', host }
  const srv = SERVICES.find((one) => one.transport === transport)!.srv
  const service = { name: `${srv}.${target}`, transport, ...serverNameFor(transport, uri.host) }
  return { kind: 'srv', services: [service], otherwise: host }
}

/** For a hop that is given by name: its addresses alone, port and transport being said. */
export function planOfHop({ address, port, transport, serverName }: Hop): Plan {
  const host = { host: address, port, transport, ...(serverName !== undefined && { serverName }) }
  return { kind: 'host', host }
}

/**
 * The services that NAPTR records name, in order of preference; those we do not speak are passed over, and so are all that are
 * not secure for a `sips:` URI. Of the rest only the lowest order counts (RFC 3403 §4.1). Empty: nothing here is of use.
 */
export function servicesNamed(
  records: readonly Naptr[],
  plan: Plan & { readonly kind: 'naptr' },
  spoken: ReadonlySet<TransportName>,
): Service[] {
  const usable = records
    .flatMap((record) => {
      const known = SERVICES.find(({ naptr }) => naptr === record.service.toUpperCase())
      const isOfUse =
        known !== undefined &&
        spoken.has(known.transport) &&
        (!plan.isSecure || isSecured(known.transport)) &&
        record.flags.toLowerCase() === 's' &&
        record.replacement !== ''
      return isOfUse ? [{ record, transport: known.transport }] : []
    })
    .sort((a, b) => a.record.order - b.record.order || a.record.preference - b.record.preference)
  const order = usable[0]?.record.order
  return usable
    .filter(({ record }) => record.order === order)
    .map(({ record, transport }) => ({
      name: record.replacement,
      transport,
      ...serverNameFor(transport, plan.uriHost),
    }))
}

/** The hop at an address of a target. */
export function hopAt(address: string, { port, transport, serverName }: HostTarget): Hop {
  return serverName === undefined ? { address, port, transport } : { address, port, transport, serverName }
}

function targetOf(uri: SipUri, host: string, transport: TransportName): HostTarget {
  const port = uri.port ?? defaultPortOf(transport)
  return isSecured(transport) && isIP(uri.host) === 0
    ? { host, port, transport, serverName: uri.host }
    : { host, port, transport }
}

/** `sips` means TLS, also where the URI says TCP or WS (RFC 3261 §26.2.2, RFC 7118 §5.2). */
function transportNamed(given: string, isSecure: boolean): TransportName | undefined {
  const named = SERVICES.find(({ transport }) => transport === given)?.transport
  if (!isSecure) return named
  if (named === 'tcp') return 'tls'
  if (named === 'ws') return 'wss'
  return named === 'udp' ? undefined : named
}

function servicesOf(
  target: string,
  domain: string,
  isSecure: boolean,
  spoken: ReadonlySet<TransportName>,
): Service[] {
  return SERVICES.filter(({ transport }) => spoken.has(transport) && (!isSecure || isSecured(transport))).map(
    ({ transport, srv }) => ({ name: `${srv}.${target}`, transport, ...serverNameFor(transport, domain) }),
  )
}

const isSecured = (transport: TransportName): boolean => transport === 'tls' || transport === 'wss'

function serverNameFor(transport: TransportName, domain: string): { readonly serverName?: string } {
  return isSecured(transport) && isIP(domain) === 0 ? { serverName: domain } : {}
}
