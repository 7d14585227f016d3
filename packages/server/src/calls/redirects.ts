import {
  escapeUser,
  formatUri,
  headerValues,
  parseNameAddr,
  parseUri,
  type SipResponse,
  type SipUri,
  unescapeUser,
} from '@maskline/sip'
import type { Outbound } from './ports.ts'

/** Contacts that one call follows in all: a ring of phones that redirect to each other ends (RFC 3261 §8.1.3.4). */
const MAX_FOLLOWED = 5
/** Multiple choices, moved for good, moved for now. 305 names a proxy, 380 another service (RFC 3261 §21.3). */
const FOLLOWED: ReadonlySet<number> = new Set([300, 301, 302])

/**
 * Where a redirecting peer sends a call (RFC 3261 §8.1.3.4): its contacts by their q, those of a later 3xx first, none of them
 * twice. Only contacts at the peer itself are followed, and of them only the user and the port are taken: who can make us call
 * any host is not the peer. Neither caller nor customer learns of them.
 */
export class Redirects {
  readonly #known = new Set<string>()
  #left: readonly Outbound[] = []
  #followed = 0

  /** Takes the contacts of a 3xx that came on this way. */
  take(response: SipResponse, way: Outbound): void {
    if (way.redirects !== 'follow' || !FOLLOWED.has(response.status)) return
    this.#known.add(keyOf(way.uri))
    const fresh = contactsOf(response)
      .flatMap((contact) => wayTo(contact, way))
      .filter(({ uri }) => !this.#known.has(keyOf(uri)))
    for (const { uri } of fresh) this.#known.add(keyOf(uri))
    this.#left = [...fresh, ...this.#left]
  }

  next(): Outbound | undefined {
    const [next, ...left] = this.#left
    if (next === undefined || this.#followed === MAX_FOLLOWED) return undefined
    this.#followed++
    this.#left = left
    return next
  }
}

/** The URIs of Contact, the greatest q first (RFC 3261 §20.10); without one it is 1. */
function contactsOf(response: SipResponse): readonly SipUri[] {
  return headerValues(response, 'Contact')
    .flatMap((value) => parseNameAddr(value) ?? [])
    .map(({ uri, params }) => ({ uri: parseUri(uri), q: qOf(params.q) }))
    .sort((one, other) => other.q - one.q)
    .flatMap(({ uri }) => uri ?? [])
}

function qOf(text: string | undefined): number {
  const q = Number(text ?? 1)
  return q >= 0 && q <= 1 ? q : 0
}

/** The way to a contact at the same peer; none to any other. */
function wayTo(contact: SipUri, way: Outbound): readonly Outbound[] {
  const own = parseUri(way.uri)
  const host = contact.host.toLowerCase()
  const isOwn = host === own?.host.toLowerCase() || host === way.hop?.address
  if (own === undefined || !isOwn || contact.user === undefined || contact.scheme !== own.scheme) return []
  const { port } = contact
  const user = escapeUser(unescapeUser(contact.user))
  const uri = formatUri({ ...own, user, ...(port !== undefined && { port }) })
  const hop = way.hop && { ...way.hop, ...(port !== undefined && { port }) }
  return [{ ...way, uri, ...(hop && { hop }) }]
}

/** What tells two ways at one peer apart. */
function keyOf(uri: string): string {
  const { user = '', port } = parseUri(uri) ?? {}
  return `${unescapeUser(user)} ${port ?? ''}`
}
