import { header, type Hop, parseCredentials, type ServerCall } from '@maskline/sip'
import { isIP } from 'node:net'
import type { Admission } from '../calls/ports.ts'
import type { TrunkConfig } from '../config/config.ts'
import { ipRanges } from '../shared/ip.ts'
import type { Log } from '../shared/log.ts'
import type { Capacity } from './capacity.ts'
import { numberReader } from './number-format.ts'
import { registrationOf } from './registrations.ts'

/** Checks the digest of a peer that must identify itself; answers the INVITE when it does not. */
export type TrunkGuard = {
  check(call: ServerCall, username: string, password: string): boolean
  /** Asks for the credentials of whoever it is. Those of a user that nobody knows are wrong ones. */
  ask(call: ServerCall): void
}

/** Which calls come in over which trunk: every condition that a trunk sets must hold. */
export type Door = {
  /** Undefined: no trunk knows the peer, and nothing was answered. */
  admit(call: ServerCall): Admission | undefined
  /** Whether a peer may be known by digest alone: then who is not known yet must be asked. */
  readonly asks: boolean
  /** Whether some trunk lets calls in from this address: such a peer is no scanner. */
  knows(address: string): boolean
}

type Entry = {
  readonly trunk: TrunkConfig
  readonly ranges: ReturnType<typeof ipRanges> | undefined
  readonly admission: Extract<Admission, { kind: 'trunk' }>
  readonly capacity: Capacity
}

const REFUSED: Admission = { kind: 'refused' }
/** Seconds after which a caller may try a trunk again whose channels or calls a second are used up. */
const FULL = { headers: ['Retry-After', '5'] }

export function createDoor(
  trunks: readonly { readonly trunk: TrunkConfig; readonly capacity: Capacity }[],
  guard: TrunkGuard,
  log: Log,
): Door {
  const entries = trunks
    .filter(({ trunk }) => isInbound(trunk))
    .map(({ trunk, capacity }): Entry => ({
      trunk,
      capacity,
      ranges: trunk.allowFrom.length > 0 ? ipRanges(trunk.allowFrom) : undefined,
      admission: admissionOf(trunk, capacity),
    }))
  /** An address that a trunk names exactly is found at once, and before any range that it lies in. */
  const byAddress = new Map<string, Entry[]>()
  for (const entry of entries)
    for (const address of entry.trunk.allowFrom) {
      if (isIP(address) === 0) continue
      const there = byAddress.get(address)
      if (there === undefined) byAddress.set(address, [entry])
      else there.push(entry)
    }

  const hasName = ({ trunk: { tlsNames } }: Entry, source: Hop): boolean =>
    tlsNames === undefined || tlsNames.some((pattern) => bearsName(source.tlsNames, pattern))

  const find = (call: ServerCall): Entry | undefined => {
    const { source } = call
    const exact = byAddress.get(source.address)?.filter((entry) => hasName(entry, source)) ?? []
    if (exact.length > 0) return claimed(exact, call) ?? exact[0]
    const fitting = entries.filter(
      (entry) => (entry.ranges?.covers(source.address) ?? true) && hasName(entry, source),
    )
    const bound = fitting.filter(isBound)
    return bound.length > 0 ? (claimed(bound, call) ?? bound[0]) : claimed(fitting, call)
  }

  return {
    asks: !entries.every(isBound),
    knows: (address) =>
      byAddress.has(address) || entries.some(({ ranges }) => ranges?.covers(address) === true),
    admit(call) {
      const entry = find(call)
      if (entry === undefined) return undefined
      const { name, inboundUsername, inboundPassword } = entry.trunk
      if (inboundUsername !== undefined && !guard.check(call, inboundUsername, inboundPassword ?? ''))
        return REFUSED
      if (entry.capacity.take('in')) return entry.admission
      log.debug(
        { trunk: name },
        'a call was refused: the channels or the calls a second of its trunk are used up',
      )
      call.rejectStateless(503, FULL)
      return REFUSED
    },
  }
}

/** Whether a trunk asks for an address or a name, not for digest alone. */
const isBound = ({ ranges, trunk }: Entry): boolean => ranges !== undefined || trunk.tlsNames !== undefined

/** Trunks that are alike in all else are told apart by the user that the peer claims to be; the claim is checked afterwards. */
function claimed(entries: readonly Entry[], call: ServerCall): Entry | undefined {
  const user = entries.some(({ trunk }) => trunk.inboundUsername !== undefined) ? userOf(call) : undefined
  return user === undefined ? undefined : entries.find(({ trunk }) => trunk.inboundUsername === user)
}

/** A trunk without any condition lets nobody in. */
export const isInbound = ({ allowFrom, tlsNames, inboundUsername }: TrunkConfig): boolean =>
  allowFrom.length > 0 || tlsNames !== undefined || inboundUsername !== undefined

/** Made once: the same for every call of the trunk. */
function admissionOf(trunk: TrunkConfig, capacity: Capacity): Extract<Admission, { kind: 'trunk' }> {
  const { name, callerFrom, numbersIn, codecs } = trunk
  const reader = (rule: NonNullable<TrunkConfig['numbersIn']>['caller']) => {
    const read = numberReader(rule)
    return {
      ...(read && { read }),
      ...(rule?.countryCode !== undefined && { countryCode: rule.countryCode }),
    }
  }
  return {
    kind: 'trunk',
    trunk: name,
    collectsEarly: trunk.collectDigits === 'early',
    ...(callerFrom && { callerFrom }),
    ...(numbersIn?.caller && { caller: reader(numbersIn.caller) }),
    ...(numbersIn?.callee && { callee: reader(numbersIn.callee) }),
    ...(trunk.register && { contactUser: registrationOf(trunk).contactUser }),
    ...(codecs && { codecs }),
    ended: () => capacity.free('in'),
  }
}

/** `*.carrier.example` stands for one label (RFC 5922 §7.2 has none in certificates; here the operator says it). */
function bearsName(names: readonly string[] | undefined, pattern: string): boolean {
  if (names === undefined) return false
  const wanted = pattern.toLowerCase()
  return names.some((given) => {
    const name = given.toLowerCase().replace(/^sips?:/, '')
    if (!wanted.startsWith('*.')) return name === wanted
    const dot = name.indexOf('.')
    return dot > 0 && name.slice(dot) === wanted.slice(1)
  })
}

/** The user name of the request's credentials, not checked. */
function userOf({ request }: ServerCall): string | undefined {
  const given = header(request, 'Authorization') ?? header(request, 'Proxy-Authorization')
  return given === undefined ? undefined : parseCredentials(given)?.username
}
