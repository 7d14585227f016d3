/** `host[:port]` of URIs and Via (RFC 3261 §25.1 hostport, sent-by). IPv6 literals without their brackets. */
export type HostPort = { readonly host: string; readonly port?: number }

/** Reads `text[from, to)`. Undefined when the host is empty or has characters no host has, or the port is not 0–65535. */
export function parseHostPort(text: string, from: number, to: number): HostPort | undefined {
  const bracketed = text.charCodeAt(from) === 0x5b
  let hostEnd = from
  if (bracketed) {
    const close = text.indexOf(']', from)
    if (close < 0 || close >= to || close === from + 1) return undefined
    for (let i = from + 1; i < close; i++) if (!isIPv6Code(text.charCodeAt(i))) return undefined
    hostEnd = close + 1
  } else {
    while (hostEnd < to && isHostCode(text.charCodeAt(hostEnd))) hostEnd++
    if (hostEnd === from) return undefined
  }
  const host = bracketed ? text.slice(from + 1, hostEnd - 1) : text.slice(from, hostEnd)
  if (hostEnd === to) return { host }
  if (text.charCodeAt(hostEnd) !== 0x3a || hostEnd + 1 === to || to - hostEnd > 6) return undefined
  let port = 0
  for (let i = hostEnd + 1; i < to; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return undefined
    port = port * 10 + digit
  }
  return port > 65_535 ? undefined : { host, port }
}

/** `host`, `host:port`, `[v6]`, `[v6]:port`. */
export function formatHostPort(host: string, port?: number): string {
  const shown = host.includes(':') ? `[${host}]` : host
  return port === undefined ? shown : `${shown}:${port}`
}

function isHostCode(code: number): boolean {
  const letter = code | 0x20
  // Underscore is no host name character, but is seen in real networks' internal names.
  if (letter >= 0x61 && letter <= 0x7a) return true
  return (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x2e || code === 0x5f
}

function isIPv6Code(code: number): boolean {
  const letter = code | 0x20
  return (code >= 0x30 && code <= 0x3a) || (letter >= 0x61 && letter <= 0x66) || code === 0x2e
}
