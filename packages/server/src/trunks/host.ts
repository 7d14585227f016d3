import { isIP } from 'node:net'

/** The host part of a URI: an IPv6 address stands in brackets. */
export const bracketed = (host: string): string => (isIP(host) === 6 ? `[${host}]` : host)
