import assert from 'node:assert/strict'
import { parseChallenge, parseCredentials } from '../auth/digest.ts'
import { response } from '../message/build.ts'
import { header, headerValues } from '../message/headers.ts'
import type { SipMessage } from '../message/message.ts'
import { parseNameAddr, tagOf, withTag } from '../message/name-addr.ts'
import { parseMessage } from '../message/parse.ts'
import { serializeMessage } from '../message/serialize.ts'
import { formatUri, parseUri, sipUriEquals, unescapeUser } from '../message/uri.ts'
import { faultInFields } from '../message/validate.ts'
import { branchOf, parseVia, stampVia } from '../message/via.ts'
import { findParam } from '../transaction/via-top.ts'

/**
 * Reads all that can be read of a datagram, as a stack would, and holds the readers against each other: the quick one against the
 * thorough one, what is sent on against what was read. Throws what is wrong.
 */
export function checkParser(bytes: Uint8Array): void {
  const result = parseMessage(bytes)
  if (!result.ok) {
    if (result.answerable === undefined) return
    readFields(result.answerable)
    // What answers a broken request is itself none, but for the CSeq that it must copy.
    const answer = parseMessage(serializeMessage(response(result.answerable, 400, { toTag: 'own' })))
    assert.ok(answer.ok || /^(?:BAD_CSEQ|TOO_)/.test(answer.fault.code), answer.ok ? '' : answer.fault.text)
    return
  }
  readFields(result.message)
  const sent = serializeMessage(result.message)
  const again = parseMessage(sent)
  // Sent with long names and a length of its own, a message at the limits may pass them.
  if (!again.ok) assert.match(again.fault.code, /^TOO_/, again.fault.text)
  else assert.deepEqual(serializeMessage(again.message), sent, 'serializing is no fixed point')
}

function readFields(message: SipMessage): void {
  faultInFields(message)
  if (message.kind === 'request') readUri(message.uri)
  for (const via of headerValues(message, 'Via')) readVia(via)
  for (const name of ['From', 'To', 'Contact', 'Route', 'Record-Route', 'P-Asserted-Identity', 'Refer-To'])
    for (const value of headerValues(message, name)) readNameAddr(value)
  for (const name of ['WWW-Authenticate', 'Proxy-Authenticate']) parseChallenge(header(message, name) ?? '')
  for (const name of ['Authorization', 'Proxy-Authorization']) parseCredentials(header(message, name) ?? '')
}

function readVia(via: string): void {
  const branch = branchOf(via)
  const stamped = stampVia(via, '192.0.2.77', 5060)
  findParam(via, 'branch')
  const parsed = parseVia(via)
  // Of a parameter that comes twice there is no right reading.
  const branches = via.match(/;[ \t]*branch/gi)?.length ?? 0
  if (parsed === undefined) return
  if (branches < 2) assert.equal(branch, parsed.branch, 'branchOf and parseVia differ')
  assert.equal(parseVia(stamped)?.received, parsed.host === '192.0.2.77' ? undefined : '192.0.2.77')
}

function readNameAddr(value: string): void {
  const parsed = parseNameAddr(value)
  const tagged = withTag(value, 'own')
  // With two tags, or one in quotes, which no tag may be, there is no right answer.
  const tags = value.match(/;[ \t]*tag(?:[ \t]*=[ \t]*")?/gi)?.join('') ?? ''
  if (parsed === undefined || /tag.*tag|"/is.test(tags)) return
  readUri(parsed.uri)
  assert.equal(tagOf(value), parsed.params['tag'] || undefined, 'tagOf and parseNameAddr differ')
  assert.equal(tagOf(tagged), 'own', 'withTag gave no tag')
}

function readUri(uri: string): void {
  const parsed = parseUri(uri)
  if (parsed === undefined) return
  unescapeUser(parsed.user ?? '')
  const again = parseUri(formatUri(parsed))
  assert.ok(again !== undefined, 'a URI that was read cannot be read when written')
  assert.ok(sipUriEquals(parsed, again), 'a URI is not itself')
}
