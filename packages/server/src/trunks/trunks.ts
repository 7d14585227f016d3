import type { Hop, ServerCall } from '@maskline/sip'
import type { Admission, Outbound, Trunks } from '../calls/ports.ts'
import type { TrunkConfig } from '../config/config.ts'
import type { E164 } from '../shared/e164.ts'
import type { Log } from '../shared/log.ts'
import type { Clock } from '../shared/time.ts'
import { type Capacity, createCapacity } from './capacity.ts'
import { createDoor, type Door, type TrunkGuard } from './door.ts'
import { identityWriter } from './identity.ts'
import { createLine, type Line } from './line.ts'
import { national } from './number-format.ts'
import { drawn, prefixTable, tiersOf, type Weighted } from './order.ts'
import { peersOf } from './peers.ts'

/** Phones that register with the platform (the lab's stand-in for a carrier). */
export type Phones = {
  /** Answers a challenge or refusal itself when the phone is not known. */
  admit(call: ServerCall): Admission
  find(number: E164): { readonly uri: string; readonly hop: Hop } | undefined
}

/** The trunk layer by configuration, with what is known of each trunk while it runs. */
export type TrunkLayer = Trunks & {
  readonly trunks: readonly RunningTrunk[]
  readonly knows: Door['knows']
}

export type RunningTrunk = Weighted & {
  readonly config: TrunkConfig
  readonly lines: readonly Line[]
  readonly capacity: Capacity
}

/** The ways of a prefix: tiers of trunks, each with tiers of lines; `only` where there is but one line. */
type Route = { readonly only: Line | undefined; readonly tiers: readonly (readonly Member[])[] }
type Member = Weighted & { readonly tiers: readonly (readonly Line[])[] }

/**
 * A call is let in by what its trunk demands (address, certificate, digest), and leaves to a registered phone when the
 * callee is one, else by the trunks that serve the number.
 */
export function createTrunks(options: {
  readonly trunks: readonly TrunkConfig[]
  readonly phones: Phones | undefined
  readonly guard: TrunkGuard
  /** Host of our own identities towards peers. */
  readonly sipHost: string
  readonly clock: Pick<Clock, 'now'>
  /** Of the draws by weight, [0, 1). */
  readonly chance: () => number
  readonly log: Log
}): TrunkLayer {
  const { phones, guard, clock, chance, log } = options
  const trunks = options.trunks.map((config): RunningTrunk => {
    const capacity = createCapacity(config, clock)
    const { priority = 0, weight = 1 } = config
    return {
      config,
      capacity,
      lines: peersOf(config).map((peer) => createLine(config, peer, capacity, options)),
      priority,
      weight,
    }
  })
  const door = createDoor(
    trunks.map(({ config, capacity }) => ({ trunk: config, capacity })),
    guard,
    log,
  )
  const routes = prefixTable(
    trunks
      .filter(({ lines }) => lines.length > 0)
      .flatMap((trunk) => (trunk.config.serves ?? ['']).map((prefix) => ({ prefix, item: trunk }))),
    routeOf,
  )
  const phoneLeg = phoneWay(options.sipHost)

  return {
    trunks,
    knows: door.knows,
    admit(call) {
      const admission = door.admit(call)
      if (admission !== undefined) return admission
      if (phones !== undefined) return phones.admit(call)
      if (door.asks) guard.ask(call)
      else {
        log.warn({ source: call.source.address }, 'INVITE from an address that no trunk allows')
        call.rejectStateless(403)
      }
      return { kind: 'refused' }
    },
    waysTo(callee): readonly Outbound[] {
      const phone = phones?.find(callee)
      if (phone !== undefined) return [{ ...phoneLeg, ...phone }]
      const route = routes.find(callee)
      if (route === undefined) return []
      if (route.only !== undefined) return [route.only.way(callee)]
      return inTurn(route, chance).map((line) => line.way(callee))
    },
  }
}

/** Trunks of the longest prefix come before those of the next; one that serves both comes once. */
function routeOf(byPrefix: readonly (readonly RunningTrunk[])[]): Route {
  const seen = new Set<RunningTrunk>()
  const tiers = byPrefix.flatMap((trunks) => {
    const fresh = trunks.filter((trunk) => !seen.has(trunk))
    for (const trunk of fresh) seen.add(trunk)
    return tiersOf(fresh.map(({ priority, weight, lines }) => ({ priority, weight, tiers: tiersOf(lines) })))
  })
  const lines = tiers.flat(2).flatMap((member) => member.tiers.flat())
  return { only: lines.length === 1 ? lines[0] : undefined, tiers }
}

/** The lines of a call: as drawn, those that are down or rest behind the others. */
function inTurn({ tiers }: Route, chance: () => number): readonly Line[] {
  const ready: Line[] = []
  const spare: Line[] = []
  for (const tier of tiers)
    for (const member of drawn(tier, chance))
      for (const peers of member.tiers)
        for (const line of drawn(peers, chance)) (line.isUsable() ? ready : spare).push(line)
  return spare.length === 0 ? ready : [...ready, ...spare]
}

/** A registered phone is told X in national form, and has no limit of its own. */
const phoneWay = (sipHost: string): Omit<Outbound, 'uri'> => ({
  trunk: '',
  identity: identityWriter(undefined, national, sipHost),
  retryOn: new Set(),
  begun: () => true,
  ended() {},
  fared() {},
})
