/** Canonical spelling of every header this package or its users look at; any other name is kept as received. */
const CANONICAL_NAMES = [
  'Accept',
  'Accept-Contact',
  'Accept-Encoding',
  'Accept-Language',
  'Alert-Info',
  'Allow',
  'Allow-Events',
  'Authentication-Info',
  'Authorization',
  'Call-ID',
  'Call-Info',
  'Contact',
  'Content-Disposition',
  'Content-Encoding',
  'Content-Language',
  'Content-Length',
  'Content-Type',
  'CSeq',
  'Date',
  'Diversion',
  'Error-Info',
  'Event',
  'Expires',
  'Flow-Timer',
  'From',
  'Geolocation',
  'History-Info',
  'Identity',
  'Identity-Info',
  'In-Reply-To',
  'Info-Package',
  'Join',
  'Max-Forwards',
  'MIME-Version',
  'Min-Expires',
  'Min-SE',
  'Organization',
  'P-Access-Network-Info',
  'P-Asserted-Identity',
  'P-Called-Party-ID',
  'P-Charging-Vector',
  'P-Early-Media',
  'P-Preferred-Identity',
  'Path',
  'Priority',
  'Privacy',
  'Proxy-Authenticate',
  'Proxy-Authorization',
  'Proxy-Require',
  'RAck',
  'Reason',
  'Record-Route',
  'Recv-Info',
  'Refer-To',
  'Referred-By',
  'Reject-Contact',
  'Remote-Party-ID',
  'Replaces',
  'Reply-To',
  'Request-Disposition',
  'Require',
  'Retry-After',
  'Route',
  'RSeq',
  'Server',
  'Service-Route',
  'Session-Expires',
  'SIP-ETag',
  'SIP-If-Match',
  'Subject',
  'Subscription-State',
  'Supported',
  'Timestamp',
  'To',
  'Unsupported',
  'User-Agent',
  'Via',
  'Warning',
  'WWW-Authenticate',
] as const

/** One-letter forms (RFC 3261 §7.3.3 and the IANA header registry). */
const COMPACT_NAMES: Readonly<Record<string, (typeof CANONICAL_NAMES)[number]>> = {
  a: 'Accept-Contact',
  b: 'Referred-By',
  c: 'Content-Type',
  d: 'Request-Disposition',
  e: 'Content-Encoding',
  f: 'From',
  i: 'Call-ID',
  j: 'Reject-Contact',
  k: 'Supported',
  l: 'Content-Length',
  m: 'Contact',
  n: 'Identity-Info',
  o: 'Event',
  r: 'Refer-To',
  s: 'Subject',
  t: 'To',
  u: 'Allow-Events',
  v: 'Via',
  x: 'Session-Expires',
  y: 'Identity',
}

const canonicalBySpelling = new Map<string, string>()
for (const name of CANONICAL_NAMES) {
  canonicalBySpelling.set(name, name)
  canonicalBySpelling.set(name.toLowerCase(), name)
}
for (const [letter, name] of Object.entries(COMPACT_NAMES)) {
  canonicalBySpelling.set(letter, name)
  canonicalBySpelling.set(letter.toUpperCase(), name)
}

/** The canonical spelling of a known header name, whatever its case or compact form; undefined for unknown names. */
export function knownName(name: string): string | undefined {
  // Names nearly always come in canonical or lower case: one look-up. Others pay for a second one.
  return canonicalBySpelling.get(name) ?? canonicalBySpelling.get(name.toLowerCase())
}

/**
 * Canonical names by first character and length. Few share both, so a glance finds the only candidates. Every slot holds an
 * array: a table with holes is slower to read.
 */
const NONE: readonly string[] = []
const namesByShape: (readonly string[])[] = Array.from({ length: 128 * 32 }, () => NONE)
for (const name of CANONICAL_NAMES) {
  const shape = shapeOf(name.charCodeAt(0), name.length)
  namesByShape[shape] = [...namesByShape[shape]!, name]
}

function shapeOf(firstCode: number, length: number): number {
  return (firstCode & 127) * 32 + length
}

/** `knownName(text.slice(from, to))`, without making that string when the name is spelled canonically. */
export function knownNameAt(text: string, from: number, to: number): string | undefined {
  if (to - from < 32) {
    const candidates = namesByShape[shapeOf(text.charCodeAt(from), to - from)]!
    for (let i = 0; i < candidates.length; i++)
      if (text.startsWith(candidates[i]!, from)) return candidates[i]
  }
  return knownName(text.slice(from, to))
}
