import { unknownTrunk } from '../shared/unknown-trunk.ts'
import { flag, list, members, type Operation, type Schema, text } from './operation.ts'

/** The trunks of the running platform. */
export type TrunkDesk = {
  list(): readonly { readonly name: string }[]
  /** Undefined: there is no such trunk. */
  test(name: string): Promise<object> | undefined
}

/** Carriers and gateways: how they fare, and whether one works. They stand in the configuration. */
export function trunkOperations(desk: TrunkDesk): readonly Operation[] {
  return [
    {
      id: 'listTrunks',
      method: 'GET',
      path: '/v1/trunks',
      summary: 'Trunks with their channels in use, and whether their peers are alive',
      success: { status: 200, says: 'the trunks', schema: members({ trunks: list(VIEW, 'as configured') }) },
      errors: [],
      handle: async () => ({ json: { trunks: desk.list() } }),
    },
    {
      id: 'testTrunk',
      method: 'POST',
      path: '/v1/trunks/:name/test',
      summary: 'Tries name, connection, OPTIONS and registration of a trunk, without a call',
      success: { status: 200, says: 'what works', schema: TEST },
      errors: ['TRUNK_UNKNOWN'],
      async handle({ params: { name = '' } }) {
        const tested = await desk.test(name)
        if (tested === undefined)
          throw unknownTrunk(
            name,
            desk.list().map((trunk) => trunk.name),
          )
        return { json: tested }
      },
    },
  ]
}

const count = (about: string): Schema => ({ type: 'integer', description: about })

const VIEW: Schema = members({
  name: text('of the configuration'),
  channels: members({
    in: count('calls in now'),
    out: count('calls out now'),
    most: members({ total: count('of both'), in: count('of calls in'), out: count('of calls out') }),
  }),
  registration: text('ours with the carrier', { enum: ['registered', 'trying', 'failed'] }),
  peers: list(
    members({
      peer: text('address or host name, port, transport'),
      state: text('not-heard: it was asked and has said nothing so far; resting: it asked for rest', {
        enum: ['not-asked', 'not-heard', 'up', 'resting', 'down'],
      }),
      priority: count('the lowest first'),
      weight: count('share among peers of one priority'),
    }),
    'where calls are sent',
  ),
})

const TEST: Schema = members({
  trunk: text('its name'),
  works: flag('whether every step went well'),
  steps: list(
    members({
      what: text('what was tried'),
      ok: flag('whether it went well'),
      says: text('what came of it'),
    }),
    'in order',
  ),
  summary: text('one sentence'),
})
