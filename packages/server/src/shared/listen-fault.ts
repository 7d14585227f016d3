import { AppError } from './app-error.ts'

/** A place that a part of the platform listens at. */
export type ListenPlace = {
  /** `the API (HTTP)` */
  readonly who: string
  readonly address: string
  readonly port: number
  /** The settings of the two: `api.host (MASKLINE_API_HOST)`. */
  readonly addressSetting: string
  readonly portSetting: string
  /** What else can be done: `switch it off with …`. */
  readonly orElse?: string
}

/** That a place cannot be listened at, for whoever configured it: who, where, why, and what to do. */
export function listenFault(code: string, place: ListenPlace, cause: unknown): AppError {
  const { who, address, port, orElse } = place
  const what = `${reasonFor(cause as NodeJS.ErrnoException, place)}${orElse === undefined ? '' : `, or ${orElse}`}`
  return new AppError(code, `${who} cannot listen on ${address} port ${port}: ${what}`, { cause })
}

function reasonFor(
  { code, message }: NodeJS.ErrnoException,
  { addressSetting, portSetting }: ListenPlace,
): string {
  switch (code) {
    case 'EADDRINUSE':
      return `another program uses it (EADDRINUSE); stop that program, or choose another port with ${portSetting}`
    case 'EADDRNOTAVAIL':
      return `this machine has no such address (EADDRNOTAVAIL); choose one of its own, or 0.0.0.0, with ${addressSetting}`
    case 'EACCES':
      return `the operating system does not allow it (EACCES), as it may not a port below 1024; choose another with ${portSetting}`
    default:
      return `${code ?? message}; choose another place with ${addressSetting} and ${portSetting}`
  }
}
