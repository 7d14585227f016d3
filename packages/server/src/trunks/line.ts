import { escapeUser, header, type Hop, type SipResponse } from '@maskline/sip'
import { isIP } from 'node:net'
import type { Outbound } from '../calls/ports.ts'
import type { TrunkConfig, TrunkPeer } from '../config/config.ts'
import type { E164 } from '../shared/e164.ts'
import type { Log } from '../shared/log.ts'
import type { Clock } from '../shared/time.ts'
import type { Capacity } from './capacity.ts'
import { FRESH, heard, healthPolicy, type HealthPolicy, isUsable, rest, tried } from './health-rules.ts'
import { bracketed } from './host.ts'
import { identityWriter } from './identity.ts'
import { numberWriter } from './number-format.ts'
import type { Weighted } from './order.ts'

/** One peer of a trunk: where calls are sent, and whether it is alive. */
export type Line = Weighted & {
  readonly trunk: string
  /** `192.0.2.9:5060 udp`, for people. */
  readonly peer: string
  /** Request-URI of what is meant for the peer itself. */
  readonly uri: string
  /** Absent: the stack resolves the host name of the URI (RFC 3263). */
  readonly hop: Hop | undefined
  readonly policy: HealthPolicy
  readonly up: boolean
  /** What is known of the peer, for people. */
  readonly state: LineState
  /** Whether it gets calls in its turn: a line that does not is tried when nothing else is left. */
  isUsable(): boolean
  /** The way of a call over this line. */
  way(callee: E164): Outbound
  /** An OPTIONS was answered in a way that counts as alive, or not. */
  probed(ok: boolean): void
}

/**
 * `not-asked`: nothing was sent to it yet; `not-heard`: nothing came back so far, though too little was sent to call it down;
 * `resting`: it asked for that by 503 with Retry-After.
 */
export type LineState = 'not-asked' | 'not-heard' | 'up' | 'resting' | 'down'

/** RFC 3261 §16.7 and common use: the peer could not, which says nothing of the callee. */
const RETRY_ON: readonly number[] = [408, 500, 502, 503, 504]
const ANSWER_WITHIN_MS = 4_000

export function createLine(
  trunk: TrunkConfig,
  peer: TrunkPeer,
  capacity: Capacity,
  options: { readonly sipHost: string; readonly clock: Pick<Clock, 'now'>; readonly log: Log },
): Line {
  const { clock, log } = options
  const { name, username, password, releaseCodes, codecs, redirects } = trunk
  const policy = healthPolicy(trunk.health)
  const write = numberWriter(trunk.numbersOut?.callee, trunk.numberFormat)
  const place = placeOf(trunk, peer)
  const phone = trunk.identity?.userPhone === true ? ';user=phone' : ''
  const hop = hopOf(trunk, peer)
  const label = labelOf(peer)
  let health = FRESH
  let known: 'not-asked' | 'not-heard' | 'heard' = 'not-asked'

  const turn = (ok: boolean, why: string): void => {
    if (ok) known = 'heard'
    else if (known === 'not-asked') known = 'not-heard'
    if (ok && health === FRESH) return
    const before = health
    health = heard(health, ok, clock.now(), policy)
    if (health.up === before.up) return
    const fields = { trunk: name, peer: label, why }
    if (health.up) log.warn(fields, 'a peer of a trunk is up again')
    else log.warn(fields, 'a peer of a trunk is down; calls take other ways while there are any')
  }

  /** The same for every call: what is not, is the number. */
  const leg: Omit<Outbound, 'uri'> = {
    trunk: name,
    ...(hop && { hop }),
    ...(releaseCodes && { releaseCodes }),
    ...(codecs && { codecs }),
    ...(redirects && { redirects }),
    ...(username !== undefined && { credentials: { username, password: password ?? '' } }),
    identity: identityWriter(
      trunk.identity,
      numberWriter(trunk.numbersOut?.caller, trunk.numberFormat),
      options.sipHost,
    ),
    retryOn: new Set(trunk.retryOn ?? RETRY_ON),
    answerWithinMs: trunk.answerWithinMs ?? ANSWER_WITHIN_MS,
    begun() {
      if (!capacity.take('out')) return false
      health = tried(health, clock.now(), policy)
      if (known === 'not-asked') known = 'not-heard'
      return true
    },
    ended: () => capacity.free('out'),
    fared(response) {
      if (response === 'silent') return turn(false, 'an INVITE was not answered')
      // It lives and cannot: neither a reason for more calls, nor one for none, as it may be for want of a route to this number.
      if (response.status !== 503) return turn(true, 'a call was answered')
      known = 'heard'
      const retryAfterMs = retryAfterOf(response)
      if (retryAfterMs > 0) health = rest(health, retryAfterMs, clock.now())
    },
  }

  return {
    trunk: name,
    peer: label,
    priority: peer.priority ?? 0,
    weight: peer.weight ?? 1,
    uri: `sip:${place}`,
    hop,
    policy,
    get up() {
      return health.up
    },
    get state() {
      if (!health.up) return 'down'
      if (!isUsable(health, clock.now(), policy)) return 'resting'
      return known === 'heard' ? 'up' : known
    },
    isUsable: () => health === FRESH || isUsable(health, clock.now(), policy),
    way: (callee) => ({ ...leg, uri: `sip:${escapeUser(write(callee))}@${place}${phone}` }),
    probed: (ok) => turn(ok, ok ? 'OPTIONS are answered' : 'OPTIONS are not answered'),
  }
}

/** What stands behind the `@`. The port and transport are the peer's own, not those of a `domain` it answers for. */
function placeOf({ domain }: TrunkConfig, { address, port, transport }: TrunkPeer): string {
  const isName = isIP(address) === 0
  if (domain !== undefined && !isName) return bracketed(domain)
  const shownPort = port === undefined || (port === 5060 && !isName) ? '' : `:${port}`
  const shownTransport =
    transport === undefined || (transport === 'udp' && !isName) ? '' : `;transport=${transport}`
  return `${bracketed(address)}${shownPort}${isName ? shownTransport : ''}`
}

/** A literal address needs no resolution; the certificate there is of the carrier's domain (RFC 5922 §4). */
export function hopOf(
  { domain }: TrunkConfig,
  { address, port, transport = 'udp' }: TrunkPeer,
): Hop | undefined {
  if (isIP(address) === 0) return undefined
  const serverName = isSecure(transport) && domain !== undefined ? { serverName: domain } : {}
  return { address, port: port ?? 5060, transport, ...serverName }
}

export const isSecure = (transport: TrunkPeer['transport']): boolean => transport === 'tls'

export const labelOf = ({
  address,
  port,
  transport,
}: Pick<TrunkPeer, 'address' | 'port'> & { readonly transport?: Hop['transport'] }): string =>
  `${bracketed(address)}${port === undefined ? '' : `:${port}`}${transport === undefined ? '' : ` ${transport}`}`

/** Seconds of `Retry-After: 5`, `5;duration=60` or `5 (busy)` (RFC 3261 §20.33), in ms. */
function retryAfterOf(response: SipResponse): number {
  const seconds = /^\s*(\d{1,9})/.exec(header(response, 'Retry-After') ?? '')?.[1]
  return Number(seconds ?? 0) * 1000
}
