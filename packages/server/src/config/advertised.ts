import { networkInterfaces } from 'node:os'

/**
 * The address that peers are told (SIP Contact and Via, SDP) when the listener is a wildcard and nothing was
 * configured: the first IPv4 address of this machine that is no loopback, else 127.0.0.1.
 */
export function advertisedHost(listenHost: string, publicHost: string | undefined): string {
  if (publicHost !== undefined) return publicHost
  if (listenHost !== '0.0.0.0' && listenHost !== '::') return listenHost
  for (const addresses of Object.values(networkInterfaces()))
    for (const address of addresses ?? [])
      if (address.family === 'IPv4' && !address.internal) return address.address
  return '127.0.0.1'
}
