import type { DirectedLimit } from './capacity.ts'
import type { LineState } from './line.ts'
import type { Registrations, RegistrationState } from './registrations.ts'
import type { RunningTrunk } from './trunks.ts'

/** A trunk as it is now, for people. */
export type TrunkReport = {
  readonly name: string
  readonly channels: {
    readonly in: number
    readonly out: number
    /** Most at a time; a direction without a limit is left out. */
    readonly most: { readonly total?: number; readonly in?: number; readonly out?: number }
  }
  readonly registration?: RegistrationState['kind']
  readonly peers: readonly {
    readonly peer: string
    readonly state: LineState
    readonly priority: number
    readonly weight: number
  }[]
}

export function reportOf(
  { config, lines, capacity }: RunningTrunk,
  registrations: Pick<Registrations, 'stateOf'> | undefined,
): TrunkReport {
  const registration = registrations?.stateOf(config.name)
  return {
    name: config.name,
    channels: { ...capacity.inUse, most: finite(capacity.channels) },
    ...(registration && { registration: registration.kind }),
    peers: lines.map((line) => ({
      peer: line.peer,
      state: line.state,
      priority: line.priority,
      weight: line.weight,
    })),
  }
}

const finite = (limit: DirectedLimit): TrunkReport['channels']['most'] =>
  Object.fromEntries(Object.entries(limit).filter(([, most]) => most !== Infinity))
