import type { Hop, TransportName } from '../transport/address.ts'
import { defaultPortOf } from '../transport/default-port.ts'
import { hopAt, servicesNamed } from './plan.ts'
import type { HostTarget, Plan, Service } from './plan.ts'
import { inTurn } from './records.ts'
import type { Naptr, Srv } from './records.ts'

/** What DNS knows; each gives nothing where there is no record, no such name, or no answer. */
export type Records = {
  naptr(domain: string): Promise<readonly Naptr[]>
  srv(name: string): Promise<readonly Srv[]>
  /** A and AAAA, in the order to be tried, of the families that we can send from. */
  addresses(host: string): Promise<readonly string[]>
}

/** A domain that names more places than that is not worth the wait. */
const MAX_HOPS = 16

/**
 * The hops that a plan leads to, in the order to be tried (RFC 3263 §4); empty: there are none. `chance` gives numbers in
 * [0, 1) for the weights of SRV.
 */
export async function hopsOf(
  plan: Plan,
  spoken: ReadonlySet<TransportName>,
  records: Records,
  chance: () => number,
): Promise<Hop[]> {
  switch (plan.kind) {
    case 'hop':
      return [plan.hop]
    case 'host':
      return hopsAt([plan.host], records)
    case 'srv':
      return hopsOfServices(plan.services, plan.otherwise, records, chance)
    case 'naptr': {
      const found = await records.naptr(plan.domain)
      const named = servicesNamed(found, plan, spoken)
      const [favourite] = named
      if (favourite === undefined) return hopsOfServices(plan.services, plan.otherwise, records, chance)
      // What the domain asks for is not given up because its SRV record is missing: TLS never becomes UDP.
      return hopsOfServices(named, hostOf(favourite, plan.otherwise), records, chance)
    }
    default:
      return plan satisfies never
  }
}

/** The host itself by the transport of a service, on its default port. */
function hostOf({ transport, serverName }: Service, { host }: HostTarget): HostTarget {
  const target = { host, port: defaultPortOf(transport), transport }
  return serverName === undefined ? target : { ...target, serverName }
}

async function hopsOfServices(
  services: readonly Service[],
  otherwise: HostTarget,
  records: Records,
  chance: () => number,
): Promise<Hop[]> {
  const found = await Promise.all(services.map(({ name }) => records.srv(name)))
  const targets = services.flatMap(({ transport, serverName }, i) =>
    inTurn(found[i]!, chance).map(({ name, port }): HostTarget => {
      const target = { host: name, port, transport }
      return serverName === undefined ? target : { ...target, serverName }
    }),
  )
  // A domain that says "no such service" (a record without a name) is not rung at its address instead (RFC 2782).
  const isSaid = found.some((list) => list.length > 0)
  return hopsAt(isSaid ? targets : [otherwise], records)
}

/** The addresses of all targets, each hop once. */
async function hopsAt(targets: readonly HostTarget[], records: Records): Promise<Hop[]> {
  const tried = targets.slice(0, MAX_HOPS)
  const addresses = await Promise.all(tried.map(({ host }) => records.addresses(host)))
  const hops = new Map<string, Hop>()
  for (const [i, target] of tried.entries()) {
    for (const address of addresses[i]!) {
      const key = `${target.transport} ${address} ${target.port}`
      if (!hops.has(key) && hops.size < MAX_HOPS) hops.set(key, hopAt(address, target))
    }
  }
  return [...hops.values()]
}
