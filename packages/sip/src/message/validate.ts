import { header, headerValues } from './headers.ts'
import type { SipMessage } from './message.ts'
import { parseNameAddr } from './name-addr.ts'
import { fault } from './fault.ts'
import type { ParseFault } from './fault.ts'
import { parseUri, schemeOf } from './uri.ts'
import { parseVia } from './via.ts'

/**
 * The closer look that `parseMessage` spares every message: whether Request-URI, Via, From, To, Contact and Max-Forwards
 * can be read. Meant for requests outside a dialog, before state is made for them; undefined when all is well.
 */
export function faultInFields(message: SipMessage): ParseFault | undefined {
  if (message.kind === 'request') {
    const wrong = faultInRequestUri(message.uri)
    if (wrong !== undefined) return wrong
  }
  for (const via of headerValues(message, 'Via')) if (parseVia(via) === undefined) return unreadable('Via')
  for (const name of ['From', 'To'] as const) {
    if (parseNameAddr(header(message, name) ?? '') === undefined) return unreadable(name)
  }
  for (const contact of headerValues(message, 'Contact')) {
    if (contact !== '*' && parseNameAddr(contact) === undefined) return unreadable('Contact')
  }
  const hops = header(message, 'Max-Forwards')
  return hops === undefined || (/^\d{1,5}$/.test(hops) && Number(hops) <= 255)
    ? undefined
    : unreadable('Max-Forwards')
}

function faultInRequestUri(uri: string): ParseFault | undefined {
  const scheme = schemeOf(uri)
  if (scheme !== 'sip' && scheme !== 'sips' && scheme !== 'tel')
    return fault('BAD_FIELD', 416, 'the scheme of the Request-URI is not sip, sips or tel')
  return parseUri(uri) === undefined ? fault('BAD_FIELD', 400, 'the Request-URI cannot be read') : undefined
}

function unreadable(name: string): ParseFault {
  return fault('BAD_FIELD', 400, `${name} cannot be read`)
}
