import type { Readable } from 'node:stream'
import { AppError } from '../shared/app-error.ts'
import { members, type Operation, type Schema, text } from './operation.ts'

/** The tracer of the running platform. */
export type TraceDesk = {
  /** Undefined: there are as many as may be. */
  open(options: {
    readonly number?: string
    readonly callId?: string
    readonly real: boolean
    readonly forMs: number
  }): Readable | undefined
}

const LONGEST_SEC = 3_600

/** SIP messages as they come and go. */
export function traceOperations(desk: TraceDesk): readonly Operation[] {
  return [
    {
      id: 'traceSip',
      method: 'GET',
      path: '/v1/sip/trace',
      summary:
        'SIP messages as they come and go, numbers masked: one JSON object a line, and an empty line now and then, until the time is over or the connection is closed',
      query: {
        number: text('of who calls or is called, in any form; it is shown as it is', {
          pattern: String.raw`^[ +]?\d{3,20}$`,
        }),
        callId: text('Call-ID', { minLength: 1, maxLength: 500 }),
        seconds: text(`how long; default 300, at most ${LONGEST_SEC}`, {
          pattern: String.raw`^[1-9]\d{0,3}$`,
        }),
        realNumbers: text('numbers are not masked, and the log says so', { enum: ['yes', 'no'] }),
      },
      success: { status: 200, says: 'the messages', schema: { lines: EVENT } },
      errors: ['TRACES_FULL'],
      async handle({ query: { number, callId, seconds = '300', realNumbers = 'no' } }) {
        const lines = desk.open({
          // A `+` that was not encoded has become a blank.
          ...(number !== undefined && { number: number.replace(' ', '+') }),
          ...(callId !== undefined && { callId }),
          real: realNumbers === 'yes',
          forMs: Math.min(Number(seconds), LONGEST_SEC) * 1000,
        })
        if (lines === undefined)
          throw new AppError('TRACES_FULL', 'four traces run already; one must end before another begins')
        return { lines }
      },
    },
  ]
}

const EVENT: Schema = members({
  at: { type: 'integer', description: 'milliseconds since the epoch' },
  direction: text('as the platform sees it', { enum: ['in', 'out'] }),
  peer: text('transport, address and port'),
  local: text('address and port of ours'),
  text: text('the message, its lines ending in LF'),
  lost: {
    type: 'integer',
    description: 'alone: how many messages were left out here, being read too slowly',
  },
})
