import type { Hop, ServerCall } from '@maskline/sip'
import type { Admission, Outbound, Trunks } from '../calls/ports.ts'
import type { TrunkConfig } from '../config/config.ts'
import { type E164, isFixedLine } from '../shared/e164.ts'
import { ipRanges } from '../shared/ip.ts'
import type { Log } from '../shared/log.ts'

/** Phones that register with the platform (the lab's stand-in for a carrier). */
export type Phones = {
  /** Answers a challenge or refusal itself when the phone is not known. */
  admit(call: ServerCall): Admission
  find(number: E164): { readonly uri: string; readonly hop: Hop } | undefined
}

/** Checks the digest of a peer that must identify itself; answers the INVITE when it does not. */
export type TrunkGuard = { check(call: ServerCall, username: string, password: string): boolean }

/**
 * The trunk layer by configuration: a call is let in by its source address (and digest, where the trunk demands it),
 * and leaves to a registered phone when the callee is one, else to the first trunk with a peer.
 */
export function createTrunks(options: {
  readonly trunks: readonly TrunkConfig[]
  readonly phones: Phones | undefined
  readonly guard: TrunkGuard
  readonly log: Log
}): Trunks {
  const { phones, guard, log } = options
  const inbound = options.trunks.map((trunk) => ({ trunk, sources: ipRanges(trunk.allowFrom) }))
  const outbound = options.trunks.find((trunk) => trunk.peer !== undefined)

  const trunkOf = (source: Hop): TrunkConfig | undefined => {
    for (const { trunk, sources } of inbound) if (sources.covers(source.address)) return trunk
    return undefined
  }

  return {
    admit(call) {
      const trunk = trunkOf(call.source)
      if (trunk !== undefined) {
        const { name, inboundUsername, inboundPassword } = trunk
        if (inboundUsername !== undefined && !guard.check(call, inboundUsername, inboundPassword ?? ''))
          return { kind: 'refused' }
        return { kind: 'trunk', trunk: name, collectsEarly: trunk.collectDigits === 'early' }
      }
      if (phones !== undefined) return phones.admit(call)
      log.warn({ source: call.source.address }, 'INVITE from an address that no trunk allows')
      call.rejectStateless(403)
      return { kind: 'refused' }
    },
    wayTo(callee): Outbound | undefined {
      const phone = phones?.find(callee)
      if (phone !== undefined) return { ...phone, format: national }
      if (outbound?.peer === undefined) return undefined
      const { peer, username, password, numberFormat, releaseCodes } = outbound
      const format = numberFormat === 'national' ? national : (number: E164) => number
      const host = peer.address.includes(':') ? `[${peer.address}]` : peer.address
      return {
        uri: `sip:${format(callee)}@${host}${peer.port === 5060 ? '' : `:${peer.port}`}`,
        hop: peer,
        format,
        ...(releaseCodes && { releaseCodes }),
        ...(username !== undefined && { credentials: { username, password: password ?? '' } }),
      }
    },
  }
}

/**
 * `+8613800000021` → `13800000021`, `+8675528000001` → `075528000001`, `+864001234567` → `4001234567`: only the area code of a
 * fixed line has a 0 before it. Other countries keep their global form.
 */
export function national(number: E164): string {
  if (!number.startsWith('+86')) return number
  return `${isFixedLine(number) ? '0' : ''}${number.slice(3)}`
}
