import type { Endpoint, ListenOptions, TransportName } from './address.ts'

const WHY: Record<string, string> = {
  EADDRINUSE: 'another program already uses it; stop that program or choose another port',
  EADDRNOTAVAIL: 'this machine has no such address; choose one of its own addresses or 0.0.0.0',
  EACCES: 'the operating system does not allow it; ports below 1024 need a privilege',
}

/** A sentence for the person who wrote the listen address; with the system's code and the place. */
export function listenError(
  options: ListenOptions,
  cause: Error,
): Error & Endpoint & { readonly code: string; readonly transport: TransportName } {
  const code = (cause as NodeJS.ErrnoException).code ?? ''
  const where = `${options.address} port ${options.port} (${options.transport.toUpperCase()})`
  return Object.assign(
    new Error(`cannot listen for SIP on ${where}: ${WHY[code] ?? cause.message}`, { cause }),
    { code, transport: options.transport, address: options.address, port: options.port },
  )
}
