import { AppError } from '../shared/app-error.ts'
import { list, members, type Operation, type Schema, text } from './operation.ts'

/** What the operator sees of a banned source. */
export type BanView = {
  readonly source: string
  readonly why: string
  /** Milliseconds since the epoch. */
  readonly until: number
  readonly times: number
}

/** Sources that SIP does not listen to for a while. */
export type BanDesk = {
  bans(): readonly BanView[]
  /** False: it was not banned. */
  lift(source: string): boolean
}

/** Bans end by themselves; the operator sees them, and lifts one that hit the wrong source. */
export function banOperations(desk: BanDesk): readonly Operation[] {
  return [
    {
      id: 'listBans',
      method: 'GET',
      path: '/v1/bans',
      summary: 'Sources that SIP does not listen to now',
      success: { status: 200, says: 'the bans', schema: members({ bans: list(VIEW, 'the oldest first') }) },
      errors: [],
      handle: async () => ({
        json: {
          bans: desk.bans().map(({ source, why, until, times }) => ({
            source,
            why,
            until: new Date(until).toISOString(),
            times,
          })),
        },
      }),
    },
    {
      id: 'liftBan',
      method: 'DELETE',
      path: '/v1/bans/:source',
      summary: 'Lifts the ban of an address, and forgets what it did',
      success: { status: 200, says: 'the address', schema: members({ lifted: text('as it was named') }) },
      errors: ['BAN_UNKNOWN'],
      async handle({ params: { source = '' } }) {
        if (!desk.lift(source)) throw new AppError('BAN_UNKNOWN', `${source} is not banned`)
        return { json: { lifted: source } }
      },
    },
  ]
}

const VIEW: Schema = members({
  source: text('IPv4 address, or the /64 of an IPv6 address'),
  why: text('what it did last', {
    enum: ['scanner', 'digest', 'dialling', 'malformed', 'noise', 'stray', 'challenged'],
  }),
  until: text('when the ban ends', { format: 'date-time' }),
  times: { type: 'integer', description: 'which ban of this source it is; each lasts twice as long' },
})
