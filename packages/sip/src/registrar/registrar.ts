import { parseCSeq } from '../message/cseq.ts'
import { header, headerValues } from '../message/headers.ts'
import type { SipRequest } from '../message/message.ts'
import { parseNameAddr } from '../message/name-addr.ts'
import { parseUri, sipUriEquals, unescapeUser } from '../message/uri.ts'
import type { Hop } from '../transport/address.ts'
import type { IncomingRequest } from '../core/types.ts'
import { createAuthenticator } from './authenticator.ts'
import type { AuthenticatorOptions } from './authenticator.ts'

export type RegistrarOptions = AuthenticatorOptions & {
  /** Seconds; default 60. A shorter wish is refused with 423, so that phones do not flood. */
  readonly minExpiresSec?: number
  /** Seconds; default 3600. A longer wish is cut. */
  readonly maxExpiresSec?: number
  /** Seconds when the phone says nothing; default 600. */
  readonly defaultExpiresSec?: number
  /** Contacts of one user; default 10. */
  readonly maxContacts?: number
}

/** Where a registered phone can be reached. */
export type Registration = {
  readonly username: string
  /** Request-URI for requests to the phone. */
  readonly contact: string
  /** Where to send them: the address the registration came from, which also passes NATs. */
  readonly hop: Hop
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

export type Registrar = {
  /** Answers a REGISTER. */
  handle(request: IncomingRequest): void
  /** The user's most recently registered phone. */
  lookup(username: string): Registration | undefined
  /** All phones of a user, the latest first. */
  lookupAll(username: string): readonly Registration[]
  /** Users with a live registration. */
  registrations(): readonly Registration[]
}

type Binding = Registration & { readonly callId: string; readonly seq: number }

const DEFAULTS = { minExpiresSec: 60, maxExpiresSec: 3600, defaultExpiresSec: 600, maxContacts: 10 }
/** RFC 3261 §20.19: 2^32 - 1 at most. */
const MAX_DELTA_SECONDS = 4_294_967_295

/**
 * A registrar (RFC 3261 §10.3) in memory: digest, several contacts a user, expiry, removal with `*`, fetching. A user may
 * only bind the address of record with its own name.
 */
export function createRegistrar(options: RegistrarOptions): Registrar {
  const { clock = Date } = options
  const limits = { ...DEFAULTS, ...definedOnly(options) }
  const authenticator = createAuthenticator(options)
  /** By user; the latest first. */
  const bindings = new Map<string, Binding[]>()

  const live = (username: string): Binding[] => {
    const all = bindings.get(username)
    if (all === undefined) return []
    const now = clock.now()
    const kept = all.filter(({ expiresAt }) => expiresAt > now)
    if (kept.length === 0) bindings.delete(username)
    else if (kept.length < all.length) bindings.set(username, kept)
    return kept
  }

  const handle = (incoming: IncomingRequest): void => {
    const { request, source } = incoming
    const verdict = authenticator.authenticate(request, source)
    if (!verdict.ok) {
      incoming.respond(verdict.status, { headers: verdict.headers })
      return
    }
    const { username } = verdict
    if (userOfRecord(request) !== username) {
      incoming.respond(403)
      return
    }
    const change = readChange(request, limits)
    if (change.kind === 'refuse') {
      incoming.respond(change.status, { ...(change.headers !== undefined && { headers: change.headers }) })
      return
    }
    const updated = apply(live(username), change, { username, source, request, now: clock.now() })
    if (updated === 'out-of-order') {
      incoming.respond(500, { headers: ['Retry-After', '0'] })
      return
    }
    if (updated.length > limits.maxContacts) {
      incoming.respond(403, { reason: 'Too Many Contacts' })
      return
    }
    if (updated.length === 0) bindings.delete(username)
    else bindings.set(username, updated)
    incoming.respond(200, { headers: contactHeaders(updated, clock.now()) })
  }

  return {
    handle,
    lookup: (username) => live(username)[0],
    lookupAll: live,
    registrations: () => [...bindings.keys()].flatMap((username) => live(username).slice(0, 1)),
  }
}

type Limits = typeof DEFAULTS

type Wish = { readonly uri: string; readonly expiresSec: number }

type Change =
  | { readonly kind: 'fetch' }
  | { readonly kind: 'remove-all' }
  | { readonly kind: 'bind'; readonly wishes: readonly Wish[] }
  | { readonly kind: 'refuse'; readonly status: number; readonly headers?: readonly string[] }

/** What a REGISTER asks for (RFC 3261 §10.3 steps 6 and 7). */
function readChange(request: SipRequest, limits: Limits): Change {
  const contacts = headerValues(request, 'Contact')
  const general = seconds(header(request, 'Expires'))
  if (contacts.length === 0) return { kind: 'fetch' }
  if (contacts.includes('*')) {
    return contacts.length === 1 && general === 0 ? { kind: 'remove-all' } : { kind: 'refuse', status: 400 }
  }
  const wishes: Wish[] = []
  for (const text of contacts) {
    const contact = parseNameAddr(text)
    if (contact === undefined || parseUri(contact.uri) === undefined) return { kind: 'refuse', status: 400 }
    const wanted = seconds(contact.params['expires']) ?? general ?? limits.defaultExpiresSec
    if (wanted > 0 && wanted < limits.minExpiresSec) {
      return { kind: 'refuse', status: 423, headers: ['Min-Expires', String(limits.minExpiresSec)] }
    }
    wishes.push({ uri: contact.uri, expiresSec: Math.min(wanted, limits.maxExpiresSec) })
  }
  return { kind: 'bind', wishes }
}

type Arrival = {
  readonly username: string
  readonly source: Hop
  readonly request: SipRequest
  readonly now: number
}

/** The bindings after the change, the latest first; all or nothing (RFC 3261 §10.3 step 7). */
function apply(
  current: Binding[],
  change: Change,
  { username, source, request, now }: Arrival,
): Binding[] | 'out-of-order' {
  const callId = header(request, 'Call-ID') ?? ''
  const seq = parseCSeq(header(request, 'CSeq') ?? '')?.seq ?? 0
  const isOld = (binding: Binding): boolean => binding.callId === callId && seq <= binding.seq
  switch (change.kind) {
    case 'fetch':
    case 'refuse':
      return current
    case 'remove-all':
      return current.some(isOld) ? 'out-of-order' : []
    case 'bind': {
      let result = current
      for (const { uri, expiresSec } of change.wishes) {
        const same = result.find((binding) => isSameContact(binding.contact, uri))
        if (same !== undefined && isOld(same)) return 'out-of-order'
        result = result.filter((binding) => binding !== same)
        if (expiresSec > 0) {
          const expiresAt = now + expiresSec * 1000
          result = [{ username, contact: uri, hop: source, expiresAt, callId, seq }, ...result]
        }
      }
      return result
    }
    default:
      return change satisfies never
  }
}

function contactHeaders(bindings: readonly Binding[], now: number): string[] {
  return bindings.flatMap(({ contact, expiresAt }) => [
    'Contact',
    `<${contact}>;expires=${Math.ceil((expiresAt - now) / 1000)}`,
  ])
}

function userOfRecord(request: SipRequest): string | undefined {
  const to = parseNameAddr(header(request, 'To') ?? '')
  const user = to === undefined ? undefined : parseUri(to.uri)?.user
  return user === undefined ? undefined : unescapeUser(user)
}

function isSameContact(a: string, b: string): boolean {
  if (a === b) return true
  const one = parseUri(a)
  const other = parseUri(b)
  return one !== undefined && other !== undefined && sipUriEquals(one, other)
}

/** RFC 3261 §20.19: what cannot be read counts as not said. */
function seconds(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Math.min(Number(text), MAX_DELTA_SECONDS) : undefined
}

function definedOnly(options: RegistrarOptions): Partial<Limits> {
  const given: Partial<Limits> = {}
  for (const name of Object.keys(DEFAULTS) as (keyof Limits)[]) {
    const value = options[name]
    if (value !== undefined) given[name] = value
  }
  return given
}
