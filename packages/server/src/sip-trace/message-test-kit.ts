import type { SipMessage } from '@maskline/sip'

/** A message as the stack shows it, of a start line and header lines. What is mandatory may be left out. */
export function messageOf([first, ...lines]: readonly [string, ...string[]], body = ''): SipMessage {
  const headers = lines.flatMap((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).trim()]
  })
  const [start, middle, ...rest] = first.split(' ') as [string, string, ...string[]]
  const parts = { headers, body: Buffer.from(body) }
  return start === 'SIP/2.0'
    ? { kind: 'response', status: Number(middle), reason: rest.join(' '), ...parts }
    : { kind: 'request', method: start, uri: middle, ...parts }
}
